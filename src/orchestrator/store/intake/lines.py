"""The lines of staged orders: what differs is changed, what is missing added, what is gone deleted."""

from sqlalchemy import (
    Connection,
    and_,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from orchestrator.store.intake import staging
from orchestrator.store.intake.counts import Counts
from orchestrator.store.tables import order_lines, products

_CELLS = ("product_id", "title", "quantity", "amount")


def merge_lines(connection: Connection) -> Counts:
    """Merge ``staging.lines`` into the orders of ``staging.orders``, whose ids must be known."""
    rows, of = staging.lines, staging.orders
    total = connection.execute(select(func.count()).select_from(rows)).scalar_one()
    given = (
        select(
            of.c.order_id,
            of.c.is_new,
            rows.c.nr,
            rows.c.position,
            products.c.id.label("product_id"),
            rows.c.title,
            rows.c.quantity,
            rows.c.amount,
        )
        .join(of, of.c.nr == rows.c.order_nr)
        .outerjoin(products, products.c.external_id == rows.c.sku)
        .subquery("given")
    )
    stored_before = connection.execute(select(of.c.nr).where(~of.c.is_new).limit(1)).first()
    deleted = updated = 0
    missing = select(given.c.order_id, given.c.position, *(given.c[name] for name in _CELLS))
    if stored_before is not None:
        same = and_(
            order_lines.c.order_id == given.c.order_id, order_lines.c.position == given.c.position
        )
        deleted = _delete_gone(connection)
        differs = [order_lines.c[name].is_distinct_from(given.c[name]) for name in _CELLS]
        changed = update(order_lines).where(same, ~given.c.is_new, or_(*differs))
        updated = connection.execute(
            changed.values({name: given.c[name] for name in _CELLS})
        ).rowcount
        missing = missing.outerjoin(order_lines, same).where(order_lines.c.id.is_(None))
    inserted = connection.execute(
        insert(order_lines).from_select(
            ["order_id", "position", *_CELLS], missing.order_by(given.c.nr)
        )
    ).rowcount
    return Counts(inserted, updated + deleted, total - inserted - updated)


def _delete_gone(connection: Connection) -> int:
    rows, of = staging.lines, staging.orders
    last = (
        select(rows.c.order_nr, func.max(rows.c.position).label("position"))
        .group_by(rows.c.order_nr)
        .subquery("last")
    )
    gone = (
        select(order_lines.c.id)
        .join(of, of.c.order_id == order_lines.c.order_id)
        .join(last, last.c.order_nr == of.c.nr)
        .where(~of.c.is_new, order_lines.c.position > last.c.position)
    )
    return connection.execute(delete(order_lines).where(order_lines.c.id.in_(gone))).rowcount
