"""Files of lines alone, customers, products, opt-outs: read first, merged when all is decided."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial

import polars as pl

from orchestrator.services.intake import optouts, people
from orchestrator.services.intake.goods import Goods, with_sku
from orchestrator.services.intake.intake import Reading
from orchestrator.services.intake.loading import load_customers
from orchestrator.services.intake.mapping import Kind
from orchestrator.services.intake.merging import Merge
from orchestrator.services.intake.refusals import Refusal
from orchestrator.services.intake.spool import Frames, Spool
from orchestrator.services.intake.whole_orders import positions, refuse_together
from orchestrator.store.intake.orders import unknown_orders

Ready = Callable[[], None]
_PRODUCT = ("title", "category", "price", "cost", "currency")


def read_customers(reading: Reading, merge: Merge, address_key: str, stack: ExitStack) -> Ready:
    spool = stack.enter_context(Spool("external_id"))
    has_aliases = False
    for frame in reading.checked():
        refused = pl.col("refusal").is_not_null()
        reading.rejects.refuse(frame.filter(refused))
        reading.rejects.empty(frame)
        good = frame.filter(~refused)
        if not good.is_empty():
            named = people.identify(good, address_key)
            has_aliases |= bool(named["is_alias"].any())
            spool.put(named.with_columns(at=pl.lit(None, dtype=pl.Int64)))

    def steps() -> None:
        merge.people(spool.whole(), total=spool.rows)

    load = None if has_aliases else partial(load_customers, merge, spool)
    return lambda: merge.all_of(spool.rows, steps, load)


def read_products(reading: Reading, merge: Merge, _: str, stack: ExitStack) -> Ready:
    spool = stack.enter_context(Spool("sku"))
    for frame in reading.checked():
        refused = pl.col("refusal").is_not_null()
        reading.rejects.refuse(frame.filter(refused))
        reading.rejects.empty(frame)
        spool.put(frame.filter(~refused).drop("refusal", "emptied"))

    def steps() -> None:
        for frame in spool.whole():
            latest = frame.sort("line").group_by("sku", maintain_order=True)
            cells = latest.agg(pl.col(name).drop_nulls().last() for name in _PRODUCT)
            merge.products(cells.rename({"sku": "external_id"}), retitle=True)

    return lambda: merge.all_of(spool.rows, steps)


def read_lines(reading: Reading, merge: Merge, _: str, stack: ExitStack) -> Ready:
    frames, goods = stack.enter_context(Frames()), Goods()
    with Spool("order_id") as spool:
        reading.spool("order_id", spool)
        for rows in spool.whole():
            bad = pl.concat([_bad(rows), _without_order(rows, merge)])
            reading.rejects.refuse(refuse_together(rows, bad))
            good = rows.join(bad, on="order_id", how="anti").sort("line")
            if not good.is_empty():
                lines = with_sku(positions(good))
                goods.add(lines)
                frames.append(lines)

    def steps() -> None:
        merge.products(goods.frame(), retitle=False)
        for orders, lines in _numbered(frames):
            merge.lines(orders, lines, total=frames.rows)

    return lambda: merge.all_of(frames.rows, steps)


def read_optouts(reading: Reading, merge: Merge, address_key: str, stack: ExitStack) -> Ready:
    frames = stack.enter_context(Frames())
    for frame in reading.checked():
        refused = pl.col("refusal").is_not_null()
        reading.rejects.refuse(frame.filter(refused))
        reading.rejects.empty(frame)
        good = frame.filter(~refused)
        if not good.is_empty():
            closed = optouts.by_address(good)
            hashes = people.hashes(closed["address"], address_key)
            frames.append(closed.drop("address").with_columns(hashes.alias("address_hash")))

    def ready() -> None:
        for position in range(len(frames)):
            merge.optouts(frames[position], total=frames.rows)

    return ready


READERS: dict[Kind, Callable[[Reading, Merge, str, ExitStack], Ready]] = {
    "lines": read_lines,
    "customers": read_customers,
    "products": read_products,
    "optouts": read_optouts,
}


def _bad(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.filter(pl.col("refusal").is_not_null()).select("order_id", "line", "refusal")


def _without_order(rows: pl.DataFrame, merge: Merge) -> pl.DataFrame:
    with merge.database.write() as connection:
        missing = unknown_orders(connection, rows["order_id"].unique())
    unknown = rows.join(missing.to_frame("order_id"), on="order_id", how="semi")
    return unknown.select("order_id", "line", refusal=pl.lit(f"{Refusal.ORDER_UNKNOWN} order_id"))


def _numbered(frames: Frames) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    for position in range(len(frames)):
        lines = frames[position]
        orders = lines.select(external_id="order_id").unique(maintain_order=True)
        numbered = orders.with_row_index("nr", offset=1)
        numbers = numbered.select(order_id="external_id", order_nr="nr")
        yield numbered, lines.join(numbers, on="order_id", maintain_order="left")
