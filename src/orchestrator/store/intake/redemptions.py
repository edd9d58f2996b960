"""Coupons used by the orders of an import, and pools of codes."""

import polars as pl
from sqlalchemy import (
    BigInteger,
    Connection,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    type_coerce,
    update,
)

from orchestrator.domain.coupons import CouponState
from orchestrator.store.intake import staging
from orchestrator.store.intake.counts import Counts
from orchestrator.store.intake.staging import stage
from orchestrator.store.tables import coupons, enrollments

_issued_at = type_coerce(coupons.c.issued_at, BigInteger)
_expires_at = type_coerce(coupons.c.expires_at, BigInteger)


def redeem(connection: Connection) -> Counts:
    """
    Redeem the coupons whose codes stand on staged orders: each once, for the earliest order.

    An order that was cancelled uses no coupon; cancelling it later gives none back. When the order
    was placed decides whether a coupon was good already and still, whatever its state says by the
    import. The order that earned a coupon does not use it; anybody else's may.
    """
    rows = staging.orders
    earned = exists().where(
        enrollments.c.id == coupons.c.enrollment_id, enrollments.c.order_id == rows.c.order_id
    )
    used = (
        select(
            coupons.c.id,
            rows.c.order_id,
            rows.c.placed_at,
            rows.c.discount,
            func.row_number()
            .over(partition_by=coupons.c.id, order_by=[rows.c.placed_at, rows.c.nr])
            .label("by_coupon"),
        )
        .join(rows, rows.c.coupon_code == coupons.c.code)
        .where(
            rows.c.cancelled_at.is_(None),
            rows.c.order_id.is_not(None),
            ~earned,
            or_(_issued_at.is_(None), _issued_at <= rows.c.placed_at),
            or_(_expires_at.is_(None), _expires_at >= rows.c.placed_at),
        )
        .subquery("used")
    )
    taken = coupons.alias("taken")
    redeemed = (
        update(coupons)
        .where(
            coupons.c.id == used.c.id,
            used.c.by_coupon == 1,
            coupons.c.state.in_([CouponState.ISSUED, CouponState.EXPIRED]),
            ~select(taken.c.id).where(taken.c.order_id == used.c.order_id).exists(),
        )
        .values(
            state=CouponState.REDEEMED,
            order_id=used.c.order_id,
            redeemed_at=used.c.placed_at,
            discount=used.c.discount,
        )
    )
    return Counts(updated=connection.execute(redeemed).rowcount)


def add_to_pool(connection: Connection, pool: str, codes: pl.DataFrame) -> Counts:
    """
    Add codes that nobody has yet to a pool; a code that is stored stays whose it is.

    ``codes`` has ``code``, by which orders are matched, and ``printed``, null where it is the same.
    """
    rows = staging.codes
    staging.begin(connection)
    stage(connection, rows, codes)
    fresh = (
        select(
            rows.c.code,
            rows.c.printed,
            literal(pool),
            literal(CouponState.POOL.value),
            literal(0),
        )
        .outerjoin(coupons, coupons.c.code == rows.c.code)
        .where(coupons.c.id.is_(None))
        .order_by(rows.c.nr)
    )
    names = ["code", "printed", "offer", "state", "free_postage"]
    inserted = connection.execute(insert(coupons).from_select(names, fresh)).rowcount
    staging.drop(connection, rows)
    return Counts(inserted, 0, codes.height - inserted)
