"""Coupons used by the orders of an import, and pools of codes."""

from collections import Counter

import polars as pl
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    and_,
    case,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    type_coerce,
    update,
)

from orchestrator.domain.coupons import CODE_LENGTH, CodeFate, CouponState, fate_of_unknown
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
            ~_earned(),
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


def fates(connection: Connection) -> Counter[CodeFate]:
    """Count what became of the codes on staged orders, after those that could be redeemed are."""
    rows = staging.orders
    fate = _fate().label("fate")
    # Only a code of our length can be a slip: no other needs to leave the database.
    may_be_slip = and_(coupons.c.id.is_(None), func.length(rows.c.coupon_code) == CODE_LENGTH)
    slip = case((may_be_slip, rows.c.coupon_code)).label("slip")
    found = (
        select(fate, slip, func.count())
        .select_from(rows)
        .outerjoin(coupons, coupons.c.code == rows.c.coupon_code)
        .where(rows.c.coupon_code.is_not(None))
        .group_by("fate", "slip")
    )
    counted: Counter[CodeFate] = Counter()
    for word, unknown, number in connection.execute(found):
        counted[CodeFate(word) if unknown is None else fate_of_unknown(unknown)] += number
    return counted


def fates_of_unknown(codes: pl.Series) -> Counter[CodeFate]:
    """Count the codes on orders of which no coupon is known."""
    counted: Counter[CodeFate] = Counter()
    for code, number in codes.drop_nulls().alias("code").value_counts(name="n").iter_rows():
        counted[fate_of_unknown(code)] += number
    return counted


def _fate() -> ColumnElement[str]:
    rows = staging.orders
    by_nobody = or_(coupons.c.state == CouponState.POOL, _issued_at > rows.c.placed_at, _earned())
    return case(
        (coupons.c.id.is_(None), literal(CodeFate.UNKNOWN.value)),
        (coupons.c.order_id == rows.c.order_id, literal(CodeFate.REDEEMED.value)),
        (rows.c.cancelled_at.is_not(None), literal(CodeFate.ORDER_CANCELLED.value)),
        (coupons.c.state == CouponState.REDEEMED, literal(CodeFate.USED_BEFORE.value)),
        (by_nobody, literal(CodeFate.NOT_ISSUED_YET.value)),
        (_expires_at < rows.c.placed_at, literal(CodeFate.OVER.value)),
        else_=literal(CodeFate.ORDER_HAS_ANOTHER.value),
    )


def _earned() -> ColumnElement[bool]:
    return exists().where(
        enrollments.c.id == coupons.c.enrollment_id,
        enrollments.c.order_id == staging.orders.c.order_id,
    )


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
