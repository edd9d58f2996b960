"""Orders out of their rows: all of an order's rows at once, so that nothing half an order goes in."""

from dataclasses import dataclass

import polars as pl

from orchestrator.services.intake.refusals import Refusal
from orchestrator.services.intake.rows import CONSENTS

_CELLS = ("currency", "state", "total", "refunded", "discount", "entry", "utm_source", "utm_medium",
          "utm_campaign", "coupon_code", "customer_id", "name", "phone", "email", "country",
          "region", "tier", "locale", "timezone", *CONSENTS)  # fmt: skip


@dataclass(frozen=True, slots=True)
class WholeOrders:
    orders: pl.DataFrame  #: one row an order
    lines: pl.DataFrame  #: order_id, position, sku, title, quantity, amount, category
    refused: pl.DataFrame  #: line, refusal
    repeated: int  #: rows or documents, each a whole order, that a later one of it replaced


def refuse_together(rows: pl.DataFrame, bad: pl.DataFrame) -> pl.DataFrame:
    """Return line and refusal for all rows of every order in ``bad`` (order_id, line, refusal)."""
    if bad.is_empty():
        return bad.select("line", "refusal")
    own = bad.select("line", "refusal").unique("line", keep="first", maintain_order=True)
    sisters = rows.join(bad.select("order_id").unique(), on="order_id", how="semi")
    return (
        sisters.select("line")
        .unique()
        .join(own, on="line", how="full", coalesce=True)
        .with_columns(pl.col("refusal").fill_null(f"{Refusal.ORDER_REFUSED} order_id"))
    )


def assemble(
    rows: pl.DataFrame, *, with_lines: bool, currency: str, documents: bool = False
) -> WholeOrders:
    """Take rows whose orders are complete and return the orders that can go in, and the others."""
    if not rows["line"].is_sorted():
        rows = rows.sort("line", maintain_order=True)
    repeated = 0
    overtaken = rows.clear()
    if documents:
        rows, overtaken, repeated = _last_documents(rows)
    elif not with_lines and not _are_single(rows):
        last = rows.unique("order_id", keep="last", maintain_order=True)
        bad_rows = rows.filter(pl.col("refusal").is_not_null())
        repeated, rows = rows.height - last.height - _earlier(bad_rows, last), last
        rows = pl.concat([rows, bad_rows]).unique("line", maintain_order=True)
    orders = _orders(rows)
    bad = pl.concat(
        [
            rows.filter(pl.col("refusal").is_not_null()).select("order_id", "line", "refusal"),
            _contradictions(orders, with_lines=with_lines),
        ]
    )
    refused = pl.concat([refuse_together(rows, bad), overtaken.select("line", "refusal")])
    good = _without(orders, bad).with_columns(pl.col("currency").fill_null(currency))
    lines = positions(_without(rows, bad)) if with_lines else rows.clear()
    return WholeOrders(_totals(good, with_lines=with_lines), lines, refused, repeated)


def _without(rows: pl.DataFrame, bad: pl.DataFrame) -> pl.DataFrame:
    # Most batches have nothing bad, and a join costs as much as all that is done with its rows.
    return rows if bad.is_empty() else rows.join(bad, on="order_id", how="anti")


def _last_documents(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame, int]:
    """
    Return each order's last document, the refused among those before, and how many it replaced.

    A document is the whole order: a later one that is sound makes up for one that was not.
    """
    is_last = pl.col("line") == pl.col("line").max().over("order_id")
    last, earlier = rows.filter(is_last), rows.filter(~is_last)
    refused = earlier.filter(pl.col("refusal").is_not_null())
    return last, refused, earlier["line"].n_unique() - refused["line"].n_unique()


def _earlier(bad_rows: pl.DataFrame, last: pl.DataFrame) -> int:
    return bad_rows.join(last, on="line", how="anti").height


def _orders(rows: pl.DataFrame) -> pl.DataFrame:
    """Each cell from the first row of the order that has it; the earliest moment of placing."""
    if _are_single(rows):
        return _single_rows(rows)
    first = [pl.col(name).drop_nulls().first() for name in _CELLS]
    extra = [pl.col(name).drop_nulls().first() for name in ("title", "category") if name in rows]
    return rows.group_by("order_id", maintain_order=True).agg(
        pl.col("line").first(),
        *(pl.col(name).min() for name in ("placed_at", "paid_at", "cancelled_at", "consent_at")),
        *first,
        *extra,
        customers=pl.col("customer_id").drop_nulls().n_unique(),
        currencies=pl.col("currency").drop_nulls().n_unique(),
        listed=pl.when(pl.col("amount").count() > 0).then(pl.col("amount").sum())
        if "amount" in rows
        else pl.lit(None, dtype=pl.Int64),
    )


def _are_single(rows: pl.DataFrame) -> bool:
    return rows["order_id"].n_unique() == rows.height


def _single_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """Orders of one row each, as most are in a file without lines: nothing to bring together."""
    moments = ("placed_at", "paid_at", "cancelled_at", "consent_at")
    extra = [name for name in ("title", "category") if name in rows]
    return rows.select(
        "order_id",
        "line",
        *moments,
        *_CELLS,
        *extra,
        customers=pl.lit(1, dtype=pl.UInt32),
        currencies=pl.lit(1, dtype=pl.UInt32),
        listed=pl.col("amount") if "amount" in rows else pl.lit(None, dtype=pl.Int64),
    )


def _contradictions(orders: pl.DataFrame, *, with_lines: bool) -> pl.DataFrame:
    total = _total(with_lines=with_lines)
    reason = pl.coalesce(
        pl.when(pl.col("placed_at").is_null()).then(pl.lit(f"{Refusal.CELL_MISSING} placed_at")),
        pl.when(total.is_null()).then(pl.lit(f"{Refusal.CELL_MISSING} total")),
        pl.when(pl.col("customers") > 1).then(
            pl.lit(f"{Refusal.CUSTOMER_CONTRADICTS} customer_id")
        ),
        pl.when(pl.col("currencies") > 1).then(pl.lit(f"{Refusal.CURRENCY_CONTRADICTS} currency")),
        pl.when(pl.col("refunded") > total).then(pl.lit(f"{Refusal.REFUND_ABOVE_TOTAL} refunded")),
    )
    found = orders.select("order_id", "line", refusal=reason)
    return found.filter(pl.col("refusal").is_not_null())


def _total(*, with_lines: bool) -> pl.Expr:
    return pl.coalesce("total", "listed") if with_lines else pl.col("total")


def positions(rows: pl.DataFrame) -> pl.DataFrame:
    position = pl.int_range(pl.len(), dtype=pl.Int64).over("order_id") + 1
    return (
        rows.filter("is_line")
        .with_columns(position=position, amount=pl.col("amount").fill_null(0))
        .select("order_id", "position", "sku", "title", "quantity", "amount", "category", "line")
    )


def _totals(orders: pl.DataFrame, *, with_lines: bool) -> pl.DataFrame:
    state = pl.col("state")
    paid = state.is_in(["paid", "refunded"])
    orders = orders.with_columns(total=_total(with_lines=with_lines)).with_columns(
        refunded=pl.when(state == "refunded")
        .then(pl.col("total"))
        .otherwise(pl.col("refunded"))
        .fill_null(0),
        paid_at=pl.when(paid).then(pl.coalesce("paid_at", "placed_at")).otherwise("paid_at"),
        # A file that knows of the cancelling but not its moment: it never counted.
        cancelled_at=pl.when(state == "cancelled")
        .then(pl.coalesce("cancelled_at", "placed_at"))
        .otherwise("cancelled_at"),
    )
    return orders.with_columns(
        counts=pl.col("paid_at").is_not_null()
        & pl.col("cancelled_at").is_null()
        & (pl.col("refunded") < pl.col("total")),
    ).drop("customers", "currencies", "listed")
