"""Orders and their lines, merged: whole orders, and a statement for all of them."""

from collections import Counter
from collections.abc import Collection
from datetime import datetime

import polars as pl
from sqlalchemy import (
    BigInteger,
    Connection,
    Update,
    func,
    insert,
    literal,
    or_,
    select,
    type_coerce,
    update,
)

from orchestrator.store.intake import goods, staging
from orchestrator.store.intake.counts import Counts, Merged
from orchestrator.store.intake.finding import find_customers
from orchestrator.store.intake.lines import merge_lines
from orchestrator.store.intake.redemptions import fates, redeem
from orchestrator.store.intake.staging import stage
from orchestrator.store.tables import orders, products

ALWAYS = ("customer_id", "placed_at", "paid_at", "cancelled_at", "currency", "total", "refunded",
          "counts")  # fmt: skip
SOMETIMES = ("category", "item", "entry", "utm_source", "utm_medium", "utm_campaign", "coupon_code")
_MOMENTS = frozenset({"placed_at", "paid_at", "cancelled_at"})


class CustomerMissingError(RuntimeError):
    """An order's customer is not stored: the customers have to be merged first."""


def merge_orders(
    connection: Connection,
    frame: pl.DataFrame,
    lines: pl.DataFrame | None,
    *,
    known: Collection[str],
    import_id: int,
    now: datetime,
) -> Merged:
    """
    Store whole orders and their lines; redeem the coupons whose codes stand on them.

    ``frame`` has the columns of ``staging.orders`` with ``nr``, ``lines`` those of
    ``staging.lines``; None leaves stored lines alone, and an order that has none here keeps those
    that are stored. ``known`` names the columns of ``SOMETIMES`` that this source knows: what it does
    not know is not erased.
    """
    rows = staging.orders
    staging.begin(connection)
    stage(connection, rows, frame.with_columns(is_new=True))
    stored = _resolve(connection, aliases=bool(frame["is_alias"].any()))
    written = set(known) & set(SOMETIMES)
    if lines is not None:
        stage(connection, staging.lines, lines)
        _settle_staged(connection)
        if stored and (lines.is_empty() or lines["order_nr"].n_unique() < frame.height):
            _keep_settled(connection)
        written |= {"category", "item"}
    updated = _update(connection, written, import_id, now) if stored else 0
    inserted = _insert(connection, import_id, now) if stored < frame.height else 0
    counts = {"orders": Counts(inserted, updated, frame.height - inserted - updated)}
    coded = "coupon_code" in known and frame["coupon_code"].null_count() < frame.height
    if inserted and (coded or lines is not None):
        connection.execute(_with_ids().where(rows.c.is_new))
    if lines is not None:
        counts["order_lines"] = merge_lines(connection)
    counts["coupons"] = redeem(connection) if coded else Counts()
    codes = fates(connection) if coded else Counter()
    staging.drop(connection, rows, staging.lines)
    return Merged(counts, codes)


def unknown_orders(connection: Connection, external_ids: pl.Series) -> pl.Series:
    """Return those of the ids that no stored order has."""
    rows = staging.codes
    stage(connection, rows, pl.DataFrame({"code": external_ids}))
    missing = (
        select(rows.c.code)
        .outerjoin(orders, orders.c.external_id == rows.c.code)
        .where(orders.c.id.is_(None))
    )
    found = [str(code) for code in connection.execute(missing).scalars()]
    staging.drop(connection, rows)
    return pl.Series("order_id", found, dtype=pl.String)


def replace_lines(connection: Connection, frame: pl.DataFrame, lines: pl.DataFrame) -> Counts:
    """Store the lines of orders that are stored already; ``frame`` has nr and external_id."""
    rows = staging.orders
    staging.begin(connection)
    stage(connection, rows, frame.with_columns(is_new=False))
    stage(connection, staging.lines, lines)
    connection.execute(_with_ids())
    counts = merge_lines(connection)
    goods.settle_orders(connection, select(rows.c.order_id))
    staging.drop(connection, rows, staging.lines)
    return counts


def _with_ids() -> Update:
    rows = staging.orders
    same = orders.c.external_id == rows.c.external_id
    return update(rows).where(same).values(order_id=orders.c.id)


def _resolve(connection: Connection, *, aliases: bool) -> int:
    """Find the staged orders' customers, and those that are stored already: return how many."""
    rows = staging.orders
    found = find_customers(connection, rows, rows.c.customer, aliases=aliases)
    total = connection.execute(select(func.count()).select_from(rows)).scalar_one()
    if lost := total - found:
        raise CustomerMissingError(f"{lost} orders of this import have no stored customer")
    return connection.execute(_with_ids().values(is_new=False)).rowcount


def _settle_staged(connection: Connection) -> None:
    rows, lines = staging.orders, staging.lines
    voters = select(
        lines.c.order_nr.label("key"),
        lines.c.title,
        lines.c.position,
        lines.c.amount,
        products.c.category,
    ).outerjoin(products, products.c.external_id == lines.c.sku)
    found = goods.leading(connection, voters).subquery("found")
    connection.execute(
        update(rows)
        .where(rows.c.nr == found.c.key)
        .values(category=found.c.category, item=found.c.item)
    )


def _keep_settled(connection: Connection) -> None:
    """What the stored lines said of an order that comes without any holds still."""
    rows, lines = staging.orders, staging.lines
    without = rows.c.nr.not_in(select(lines.c.order_nr))
    kept = update(rows).where(orders.c.id == rows.c.order_id, without)
    connection.execute(kept.values(category=orders.c.category, item=orders.c.item))


def _update(connection: Connection, written: set[str], import_id: int, now: datetime) -> int:
    rows = staging.orders
    columns = [*ALWAYS, *sorted(written)]
    stored = {
        name: type_coerce(orders.c[name], BigInteger) if name in _MOMENTS else orders.c[name]
        for name in columns
    }
    changed = (
        update(orders)
        .where(
            orders.c.id == rows.c.order_id,
            ~rows.c.is_new,
            or_(*(stored[name].is_distinct_from(rows.c[name]) for name in columns)),
        )
        .values({name: rows.c[name] for name in columns})
        .values(import_id=import_id, updated_at=now)
    )
    return connection.execute(changed).rowcount


def _insert(connection: Connection, import_id: int, now: datetime) -> int:
    rows = staging.orders
    names = [*ALWAYS, *SOMETIMES]
    fresh = (
        select(
            rows.c.external_id,
            *(rows.c[name] for name in names),
            literal(import_id),
            literal(now, orders.c.updated_at.type),
        )
        .where(rows.c.is_new)
        .order_by(rows.c.nr)
    )
    listed = ["external_id", *names, "import_id", "updated_at"]
    return connection.execute(insert(orders).from_select(listed, fresh)).rowcount
