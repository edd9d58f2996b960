"""How many coupons of an offer are out, where there are only so many."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    FromClause,
    and_,
    func,
    literal,
    or_,
    select,
    true,
    type_coerce,
)

from orchestrator.domain.coupons import CouponState
from orchestrator.domain.messages import UNSENT_STATES
from orchestrator.store.tables import coupons, messages, micros


def issued(connection: Connection, campaign_id: int, offer: str) -> int:
    """Return how many coupons of the offer's stock the campaign ever issued: read off an index."""
    return _count(connection, campaign_id, offer, true())


def out(connection: Connection, campaign_id: int, offer: str, now: datetime, lag: timedelta) -> int:
    """
    Return how many of them keep their place in the stock.

    Nobody else issues any until this transaction ends: planners wait for each other
    (``planning.lock_campaign``).
    """
    return _count(connection, campaign_id, offer, is_out(coupons, now, lag))


def _count(connection: Connection, campaign_id: int, offer: str, which: ColumnElement[bool]) -> int:
    columns = coupons.c
    counted = select(func.count()).where(
        columns.campaign_id == campaign_id,
        columns.offer == offer,
        columns.stock.is_not(None),
        which,
    )
    return int(connection.execute(counted).scalar_one())


def is_out(coupon: FromClause, now: datetime, lag: timedelta) -> ColumnElement[bool]:
    """
    Whether the coupon keeps its place in the stock.

    A redeemed one does for ever. One that is over goes back once the orders of its last day are in
    (``lag``), and one that nobody can have read as soon as that is certain.
    """
    ended = literal(micros(now - lag), BigInteger)
    good = type_coerce(coupon.c.expires_at, BigInteger) > ended
    return or_(coupon.c.state == CouponState.REDEEMED, and_(good, ~is_unread(coupon)))


def is_unread(coupon: FromClause) -> ColumnElement[bool]:
    """Whether messages brought the coupon, and all of them ended unsent."""
    unsent, sent = (
        _brought(coupon, messages.alias("unsent"), unsent=True),
        _brought(coupon, messages.alias("sent"), unsent=False),
    )
    return and_(unsent, ~sent)


def _brought(coupon: FromClause, message: Any, *, unsent: bool) -> ColumnElement[bool]:
    """Found by its enrollment: messages have no index of their coupons."""
    columns = message.c
    ended = columns.state.in_(UNSENT_STATES)
    return (
        select(columns.id)
        .where(columns.enrollment_id == coupon.c.enrollment_id, columns.coupon_id == coupon.c.id)
        .where(ended if unsent else ~ended)
        .correlate(coupon)
        .exists()
    )
