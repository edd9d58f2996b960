"""Files of orders: read, made whole, their customers and products first, then the orders."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial

import polars as pl

from orchestrator.domain.coupons import normalise_code
from orchestrator.services.intake import merging, people
from orchestrator.services.intake.goods import Goods, with_sku
from orchestrator.services.intake.intake import Reading
from orchestrator.services.intake.loading import load_orders
from orchestrator.services.intake.mapping import Mapping
from orchestrator.services.intake.merging import Merge
from orchestrator.services.intake.rows import CONSENTS
from orchestrator.services.intake.spool import Frames, Spool
from orchestrator.services.intake.whole_orders import assemble
from orchestrator.store.intake.orders import SOMETIMES

REPEATED = "an order that comes again further down"
_PERSON = (
    "external_id", "is_alias", *people.CELLS, *CONSENTS, "consent_at", "line",
)  # fmt: skip
_ORDER = ("external_id", "customer", "is_alias", "phone_hash", "email_hash", "placed_at", "paid_at",
          "cancelled_at", "currency", "total", "refunded", "counts", "category", "item", "entry",
          "utm_source", "utm_medium", "utm_campaign", "coupon_code", "discount")  # fmt: skip


@dataclass(slots=True)
class WholeFile:
    """All that goes in, on disk: whole orders, their lines, their customers; products in memory."""

    orders: Frames
    lines: Frames
    people: Spool
    goods: Goods = field(default_factory=Goods)
    has_aliases: bool = False  #: some customers have no id of the source's own


def read(reading: Reading, address_key: str, stack: ExitStack) -> WholeFile:
    """Read the file through and decide about every order; writes nothing to the database."""
    with Spool("order_id") as spool:
        reading.spool("order_id", spool)
        whole = WholeFile(
            stack.enter_context(Frames()),
            stack.enter_context(Frames()),
            stack.enter_context(Spool("external_id")),
        )
        for frame in spool.whole():
            _keep(whole, reading, frame, address_key)
    return whole


def merge(whole: WholeFile, mapping: Mapping, merge: Merge) -> None:
    """Customers, products, orders: each order whole in one transaction, all in one if they are few."""
    load = partial(load_orders, merge, whole.people, whole.orders)
    merge.all_of(
        whole.orders.rows + whole.lines.rows,
        partial(_steps, whole, mapping, merge),
        None if whole.has_aliases or mapping.has_lines else load,
    )


def _steps(whole: WholeFile, mapping: Mapping, merge: Merge) -> None:
    merge.people(whole.people.whole(), total=whole.people.rows)
    merge.products(whole.goods.frame(), retitle=False)
    known = [name for name in SOMETIMES if name in mapping.columns]
    if "title" in mapping.columns:
        known.append("item")
    for orders, lines in _chunks(whole):
        merge.orders(orders, lines if mapping.has_lines else None, known, total=whole.orders.rows)


def _keep(whole: WholeFile, reading: Reading, rows: pl.DataFrame, address_key: str) -> None:
    mapping = reading.setting.mapping
    found = assemble(
        rows,
        with_lines=mapping.has_lines,
        currency=reading.setting.currency,
        documents=reading.source.has_documents,
    )
    reading.rejects.refuse(found.refused)
    if found.repeated:
        reading.left_out[REPEATED] += found.repeated
    if found.orders.is_empty():
        return
    orders = people.identify(found.orders, address_key)
    whole.has_aliases |= bool(orders["is_alias"].any())
    lines = with_sku(found.lines) if mapping.has_lines else found.lines
    whole.goods.add(lines, orders)
    whole.orders.append(_as_stored(orders))
    whole.lines.append(lines)
    dated = orders.with_columns(pl.coalesce("consent_at", "placed_at").alias("consent_at"))
    said = dated.select(*_PERSON, at="placed_at")
    silent = all(said[name].null_count() == said.height for name in (*people.CELLS, *CONSENTS))
    (whole.people.put_once if silent else whole.people.put)(said)


def _as_stored(orders: pl.DataFrame) -> pl.DataFrame:
    item = pl.col("title") if "title" in orders.columns else pl.lit(None, dtype=pl.String)
    category = pl.col("category") if "category" in orders.columns else pl.lit(None, dtype=pl.String)
    return (
        orders.with_columns(
            item=item,
            category=category,
            customer=pl.col("external_id"),
            external_id=pl.col("order_id"),
            coupon_code=_codes(orders["coupon_code"]),
        )
        .select(_ORDER)
        .with_row_index("nr", offset=1)
    )


def _codes(column: pl.Series) -> pl.Series:
    """The first code of the cell, as coupons are stored."""
    known = {cell: normalise_code(cell.split(",")[0]) for cell in column.drop_nulls().unique()}
    return column.replace_strict(known, default=None, return_dtype=pl.String)


def _chunks(whole: WholeFile) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Yield orders with their lines, whose ``order_nr`` is the order's ``nr``."""
    for position in range(len(whole.orders)):
        orders, lines = whole.orders[position], whole.lines[position]
        for chunk in orders.iter_slices(merging.CHUNK_ROWS):
            yield chunk, _of(chunk, lines)


def _of(chunk: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    if lines.is_empty():
        return lines
    numbers = chunk.select(order_id="external_id", order_nr="nr")
    return lines.join(numbers, on="order_id", how="inner", maintain_order="left")
