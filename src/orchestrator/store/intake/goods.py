"""Products and categories, merged; and what an order's lines say about the order."""

from datetime import datetime

import polars as pl
from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from orchestrator.store.intake import staging
from orchestrator.store.intake.counts import Counts
from orchestrator.store.intake.staging import stage
from orchestrator.store.tables import categories, order_lines, orders, products

_CELLS = ("title", "category", "price", "cost", "currency")


def merge_products(
    connection: Connection, frame: pl.DataFrame, *, retitle: bool, import_id: int, now: datetime
) -> Counts:
    """
    Store products (one row an id); empty cells erase nothing.

    Without ``retitle`` a title that is stored stays: order lines call one product many names.
    """
    rows = staging.products
    staging.begin(connection)
    stage(connection, rows, frame)
    _add_categories(connection)
    cells = [name for name in _CELLS if retitle or name != "title"]
    new = {name: func.coalesce(rows.c[name], products.c[name]) for name in cells}
    moved = select(products.c.id).join(rows, rows.c.external_id == products.c.external_id)
    moved = moved.where(rows.c.category.is_not(None))
    moved = moved.where(products.c.category.is_distinct_from(rows.c.category))
    stale = [int(product) for product in connection.execute(moved).scalars()]
    changed = (
        update(products)
        .where(
            products.c.external_id == rows.c.external_id,
            or_(*(products.c[name].is_distinct_from(value) for name, value in new.items())),
        )
        .values(**new, import_id=import_id, updated_at=now)
    )
    updated = connection.execute(changed).rowcount
    fresh = (
        select(
            rows.c.external_id,
            *(rows.c[name] for name in _CELLS),
            literal(import_id),
            literal(now, products.c.updated_at.type),
        )
        .outerjoin(products, products.c.external_id == rows.c.external_id)
        .where(products.c.id.is_(None))
        .order_by(rows.c.nr)
    )
    names = ["external_id", *_CELLS, "import_id", "updated_at"]
    inserted = connection.execute(insert(products).from_select(names, fresh)).rowcount
    staging.drop(connection, rows)
    for start in range(0, len(stale), 500):
        _settle_orders_of(connection, stale[start : start + 500])
    return Counts(inserted, updated, frame.height - inserted - updated)


def leading(connection: Connection, lines: Select[tuple[int, str, int, int, str]]) -> Select[
    tuple[int, str, str]
]:  # fmt: skip
    """
    Return (key, category, item) of each order from its lines' (key, title, position, amount, category).

    The category with the most money, ties by name; the title of the line with the most money, ties
    by position. Lines without a category do not vote.
    """
    line = lines.subquery("line")
    name: ColumnElement[str] = line.c.category
    if connection.dialect.name == "postgresql":
        name = name.collate("C")  # as SQLite sorts
    votes = (
        select(
            line.c.key,
            line.c.category,
            func.row_number()
            .over(partition_by=line.c.key, order_by=[func.sum(line.c.amount).desc(), name])
            .label("rank"),
        )
        .where(line.c.category.is_not(None))
        .group_by(line.c.key, line.c.category)
        .subquery("vote")
    )
    items = select(
        line.c.key,
        line.c.title,
        func.row_number()
        .over(partition_by=line.c.key, order_by=[line.c.amount.desc(), line.c.position])
        .label("rank"),
    ).subquery("item")
    return (
        select(items.c.key, votes.c.category, items.c.title.label("item"))
        .outerjoin(votes, (votes.c.key == items.c.key) & (votes.c.rank == 1))
        .where(items.c.rank == 1)
    )


def settle_orders(connection: Connection, of: Select[tuple[int]]) -> int:
    """Set category and item of these orders by their stored lines; return how many changed."""
    lines = (
        select(
            order_lines.c.order_id.label("key"),
            order_lines.c.title,
            order_lines.c.position,
            order_lines.c.amount,
            products.c.category,
        )
        .outerjoin(products, products.c.id == order_lines.c.product_id)
        .where(order_lines.c.order_id.in_(of))
    )
    found = leading(connection, lines).subquery("found")
    changed = update(orders).where(
        orders.c.id == found.c.key,
        or_(
            orders.c.category.is_distinct_from(found.c.category),
            orders.c.item.is_distinct_from(found.c.item),
        ),
    )
    return connection.execute(changed.values(category=found.c.category, item=found.c.item)).rowcount


def _settle_orders_of(connection: Connection, product_ids: list[int]) -> None:
    settle_orders(
        connection,
        select(order_lines.c.order_id).where(order_lines.c.product_id.in_(product_ids)).distinct(),
    )


def _add_categories(connection: Connection) -> None:
    rows = staging.products
    named = select(rows.c.category).where(rows.c.category.is_not(None)).distinct()
    missing = named.subquery("named")
    connection.execute(
        insert(categories).from_select(
            ["name"],
            select(missing.c.category)
            .outerjoin(categories, categories.c.name == missing.c.category)
            .where(categories.c.name.is_(None)),
        )
    )
