"""Customers out of checked rows: one row an id, the latest cell of each, and what they agreed to."""

import polars as pl

from orchestrator.services.intake.rows import CONSENTS
from orchestrator.store.functions import hash_address
from orchestrator.store.intake.people import EMAIL_ALIAS, PHONE_ALIAS

CELLS = ("name", "phone", "email", "phone_hash", "email_hash", "locale", "timezone", "country",
         "region", "tier")  # fmt: skip
ORDER_ALIAS = "order:"
_LONGEST_ID = 128


def identify(frame: pl.DataFrame, address_key: str) -> pl.DataFrame:
    """
    Add the address hashes and the customer's ``external_id``.

    Without an id of the source's own it is the phone's hash, else the e-mail's, else the order:
    an id may stand in a log, an address may not.
    """
    phone, email = (hashes(frame[name], address_key) for name in ("phone", "email"))
    order = pl.lit(ORDER_ALIAS) + pl.col("order_id") if "order_id" in frame else pl.lit(None)
    return frame.with_columns(phone.alias("phone_hash"), email.alias("email_hash")).with_columns(
        is_alias=pl.col("customer_id").is_null(),
        external_id=pl.coalesce(
            "customer_id",
            pl.lit(PHONE_ALIAS) + pl.col("phone_hash"),
            pl.lit(EMAIL_ALIAS) + pl.col("email_hash"),
            order.cast(pl.String).str.slice(0, _LONGEST_ID),
        ),
    )


def hashes(column: pl.Series, key: str) -> pl.Series:
    if column.null_count() == len(column):
        return column.cast(pl.String)
    hashed = [None if one is None else hash_address(one, key) for one in column]
    return pl.Series(column.name, hashed, dtype=pl.String)


def one_row_each(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the columns of the staging table, the latest cell that is not empty of each."""
    in_time = rows.sort("at", "line", nulls_last=False, maintain_order=True)
    if in_time["external_id"].is_unique().all():
        latest = in_time
    else:
        latest = in_time.group_by("external_id", maintain_order=True).agg(
            pl.col("line").min(),
            pl.col("is_alias").first(),
            *(pl.col(name).drop_nulls().last() for name in CELLS),
            *(pl.col(name).drop_nulls().last() for name in ("attributes",) if name in rows),
        )
    kept = [name for name in ("attributes",) if name in rows.columns]
    return latest.sort("line").select("external_id", "is_alias", *CELLS, *kept)


def statements(rows: pl.DataFrame, now: int) -> pl.DataFrame:
    """Return what the rows say of consent: the latest statement by customer, channel and purpose."""
    named = [name for name in CONSENTS if rows[name].null_count() < rows.height]
    if not named:
        return pl.DataFrame()
    channel, purpose = (pl.col("what").str.split("_").list.get(at) for at in (0, 1))
    return (
        rows.unpivot(
            on=named,
            index=["external_id", "is_alias", "phone_hash", "email_hash", "consent_at", "line"],
            variable_name="what",
            value_name="granted",
        )
        .filter(pl.col("granted").is_not_null())
        .sort("consent_at", "line", nulls_last=False)
        .unique(["external_id", "what"], keep="last", maintain_order=True)
        .sort("line")
        .select(
            "external_id",
            "is_alias",
            "phone_hash",
            "email_hash",
            "granted",
            channel=channel,
            purpose=purpose,
            at=pl.col("consent_at").fill_null(now),
            is_dated=pl.col("consent_at").is_not_null(),
        )
    )
