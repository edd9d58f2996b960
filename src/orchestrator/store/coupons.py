"""Coupons: issued with the message that brings them, redeemed by an order, expired by date."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    BigInteger,
    ColumnClause,
    ColumnElement,
    Connection,
    Row,
    Select,
    String,
    Subquery,
    and_,
    bindparam,
    case,
    insert,
    literal,
    literal_column,
    select,
    update,
)

from orchestrator.domain.coupons import CouponState, ends_at, new_codes
from orchestrator.domain.messages import MessageState, Reason
from orchestrator.domain.money import Money
from orchestrator.playbooks.model import Offer
from orchestrator.store import stocks
from orchestrator.store.bulk import rows_as_table
from orchestrator.store.chunk import Chunk
from orchestrator.store.reach import in_chunk
from orchestrator.store.tables import coupons, enrollments, messages, micros, orders

# As literals: with a parameter neither database can prove that the partial index fits.
_ISSUED: ColumnClause[str] = literal_column("'issued'")
_POOL: ColumnClause[str] = literal_column("'pool'")


Bearers = Sequence[Row[Any]]


class CodesTakenTwiceError(Exception):
    """A code that was locked for one campaign is not in its pool any more; nothing is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """An offer of a wave, and the variants that get it."""

    name: str
    offer: Offer
    variants: Sequence[str] | None  #: none: whoever has no offer of a variant's own
    otherwise: "Grant | None" = None  #: for those whom it leaves empty-handed


def issue(
    connection: Connection, chunk: Chunk, grant: Grant, random_bytes: Callable[[int], bytes]
) -> int:
    """Give every message of the chunk that was just planned its own code; return how many."""
    bearers = connection.execute(_bearers(chunk, grant)).all()
    return _hand_out(connection, chunk, grant, bearers, random_bytes)


def bring_again(connection: Connection, chunk: Chunk) -> None:
    """
    Give the messages of a reminder the coupon of the wave that they remind of.

    Those who are withheld by lot have it too, and what they redeem is compared.
    """
    chosen = and_(
        messages.c.enrollment_id.in_(select(enrollments.c.id).where(*in_chunk(chunk))),
        messages.c.wave == chunk.wave.wave,
        messages.c.occurrence == chunk.occurrence,
        messages.c.assigned.is_(True),
    )
    _attach(connection, chosen, str(chunk.wave.reminds), 0)


_EXPIRE = (
    update(coupons)
    .where(coupons.c.state == _ISSUED, coupons.c.expires_at < bindparam("now"))
    .values(state=CouponState.EXPIRED)
)


def expire(connection: Connection, now: datetime) -> int:
    """Coupons past their last moment cannot be redeemed any more."""
    return connection.execute(_EXPIRE, {"now": now}).rowcount


def _bearers(chunk: Chunk, grant: Grant) -> Select[Any]:
    """Found by the enrollments of the chunk, not by the wave: it may have a million messages."""
    columns = messages.c
    found = (
        select(columns.id, columns.enrollment_id, columns.would_go_at, enrollments.c.timezone)
        .join_from(enrollments, messages, columns.enrollment_id == enrollments.c.id)
        .where(*in_chunk(chunk), columns.wave == chunk.wave.wave)
        .where(columns.occurrence == chunk.occurrence, columns.coupon_id.is_(None))
        # Planned, as of what was just written. Asked by its state, PostgreSQL takes the index of
        # all planned messages, of which it knows of none yet, and reads it for every enrollment.
        .where(columns.finished_at.is_(None))
        .order_by(columns.id)
    )
    if grant.offer.ladder is not None:
        worth = (orders.c.total - orders.c.refunded).label("worth")
        found = found.join(orders, orders.c.id == enrollments.c.order_id)
        found = found.add_columns(worth, orders.c.currency)
    if grant.variants is not None:
        return found.where(columns.variant.in_(grant.variants))
    return found


def _hand_out(
    connection: Connection,
    chunk: Chunk,
    grant: Grant,
    bearers: Bearers,
    random_bytes: Callable[[int], bytes],
) -> int:
    """Give coupons as far as they go, first to whoever was due first; return how many."""
    if not bearers:
        return 0
    within = _within_stock(connection, chunk, grant, bearers)
    issued = 0
    empty_handed = {Reason.OUT_OF_STOCK: bearers[len(within) :]}
    for offer, some in _by_worth(grant.offer, within):
        if offer is None:
            empty_handed[Reason.BELOW_LADDER] = some
            continue
        served = _give(connection, chunk, replace(grant, offer=offer), some, random_bytes)
        empty_handed[Reason.POOL_EMPTY] = some[len(served) :]
        issued += len(served)
    if grant.otherwise is not None:
        left = [one for some in empty_handed.values() for one in some]
        return issued + _hand_out(connection, chunk, grant.otherwise, left, random_bytes)
    for reason, some in empty_handed.items():
        _skip(connection, chunk, some, reason)
    return issued


def _within_stock(connection: Connection, chunk: Chunk, grant: Grant, bearers: Bearers) -> Bearers:
    stock, lag = grant.offer.stock, chunk.definition.evaluate.lag.timedelta
    if stock is None:
        return bearers
    # What has come back is looked for only once it is needed.
    if stocks.issued(connection, chunk.campaign_id, grant.name) + len(bearers) <= stock:
        return bearers
    out = stocks.out(connection, chunk.campaign_id, grant.name, chunk.now, lag)
    return bearers[: max(0, stock - out)]


def _by_worth(offer: Offer, bearers: Bearers) -> list[tuple[Offer | None, Bearers]]:
    """Return what orders earn, and whose do; None: nothing, since a refund of this very moment."""
    if offer.ladder is None:
        return [(offer, bearers)]
    earned: dict[Offer | None, list[Row[Any]]] = {}
    for bearer in bearers:
        step = offer.earned_by(Money(bearer.worth, bearer.currency))
        earned.setdefault(step, []).append(bearer)
    return list(earned.items())


def _give(
    connection: Connection,
    chunk: Chunk,
    grant: Grant,
    bearers: Bearers,
    random_bytes: Callable[[int], bytes],
) -> Bearers:
    """Return who got a code: all of them, or as many as the pool has codes for."""
    if grant.offer.pool is not None:
        bearers = _draw(connection, chunk, grant, bearers)
    else:
        _generate(connection, chunk, grant, bearers, random_bytes)
    if bearers:
        given = messages.c.id.in_(select(_listed(connection, "given", bearers).c.message_id))
        _attach(connection, given, chunk.wave.wave, chunk.occurrence)
    return bearers


def _generate(
    connection: Connection,
    chunk: Chunk,
    grant: Grant,
    bearers: Bearers,
    random_bytes: Callable[[int], bytes],
) -> None:
    codes = new_codes(len(bearers), random_bytes)
    ends = _ends(grant, {(bearer.would_go_at, bearer.timezone) for bearer in bearers})
    drawn = rows_as_table(
        connection,
        "drawn",
        {"code": String, "enrollment_id": BigInteger, "expires_at": BigInteger},
        [
            (code, bearer.enrollment_id, ends[bearer.would_go_at, bearer.timezone])
            for bearer, code in zip(bearers, codes, strict=True)
        ],
    )
    values = _terms(chunk, grant)
    chosen = select(drawn, *(value.label(name) for name, value in values.items()))
    columns = [*drawn.c.keys(), *values]
    connection.execute(insert(coupons).from_select(columns, chosen))


def _draw(connection: Connection, chunk: Chunk, grant: Grant, bearers: Bearers) -> Bearers:
    """Hand out imported codes in their order, and return who got one."""
    pool = _take_from_pool(connection, str(grant.offer.pool), len(bearers))
    served = bearers[: len(pool)]
    ends = _ends(grant, {(bearer.would_go_at, bearer.timezone) for bearer in served})
    drawn = rows_as_table(
        connection,
        "drawn",
        {"coupon_id": BigInteger, "enrollment_id": BigInteger, "expires_at": BigInteger},
        [
            (coupon, bearer.enrollment_id, ends[bearer.would_go_at, bearer.timezone])
            for bearer, coupon in zip(served, pool, strict=True)
        ],
    ).c
    taken = (
        update(coupons)
        .where(coupons.c.id == drawn.coupon_id, coupons.c.state == _POOL)
        .values(
            **_terms(chunk, grant), enrollment_id=drawn.enrollment_id, expires_at=drawn.expires_at
        )
    )
    if connection.execute(taken).rowcount != len(served):
        raise CodesTakenTwiceError(
            f"codes of the pool {grant.offer.pool!r} went to others meanwhile"
        )
    return served


def _take_from_pool(connection: Connection, pool: str, wanted: int) -> list[int]:
    """Lock the first codes that are free and return their ids: fewer only where there are no more."""
    free = (
        select(coupons.c.id)
        .where(coupons.c.state == _POOL, coupons.c.offer == pool)
        .order_by(coupons.c.id)
    )
    # Another campaign that draws from the same pool need not be waited for while there are codes …
    passing = free.limit(wanted).with_for_update(skip_locked=True)
    taken = list(connection.execute(passing).scalars())
    if len(taken) < wanted:
        # … but a pool is empty only once nobody can give back what they hold.
        waiting = free.where(coupons.c.id.not_in(taken)).limit(wanted - len(taken))
        taken += connection.execute(waiting.with_for_update()).scalars()
    return taken


def _ends(grant: Grant, begun: set[tuple[datetime, str]]) -> dict[tuple[datetime, str], int]:
    """Return when coupons that count from a moment in a zone end, as microseconds."""
    valid, until = grant.offer.lasts, grant.offer.until
    return {(at, zone): micros(ends_at(at, valid, until, ZoneInfo(zone))) for at, zone in begun}


def _skip(connection: Connection, chunk: Chunk, bearers: Bearers, reason: Reason) -> None:
    if not bearers:
        return
    skipped = _listed(connection, "skipped", bearers)
    connection.execute(
        update(messages)
        .where(messages.c.id.in_(select(skipped.c.message_id)))
        .values(state=MessageState.SKIPPED, reason=reason, finished_at=chunk.now)
    )


def _listed(connection: Connection, name: str, bearers: Bearers) -> Subquery:
    ids = [(bearer.id,) for bearer in bearers]
    return rows_as_table(connection, name, {"message_id": BigInteger}, ids)


def _attach(
    connection: Connection, chosen: ColumnElement[bool], wave: str, occurrence: int
) -> None:
    """Let the chosen messages bring the coupon that their customers have of a wave."""
    own = (
        coupons.c.enrollment_id == messages.c.enrollment_id,
        coupons.c.wave == wave,
        coupons.c.occurrence == occurrence,
    )
    earlier = case(
        (messages.c.expires_at < coupons.c.expires_at, messages.c.expires_at),
        else_=coupons.c.expires_at,
    )
    connection.execute(
        update(messages)
        .where(chosen)
        .values(
            coupon_id=select(coupons.c.id).where(*own).correlate(messages).scalar_subquery(),
            # A message whose coupon is over by the time it could go is not sent.
            expires_at=select(earlier).where(*own).correlate(messages).scalar_subquery(),
        )
    )


def terms_of(offer: Offer) -> dict[str, Any]:
    """What a coupon of the offer gives, by the names of its columns."""
    money = offer.amount or offer.min_spend
    return {
        "amount": offer.amount.minor if offer.amount else None,
        "percent": offer.percent,
        "free_postage": offer.free_postage,
        "gift": offer.gift,
        "min_spend": offer.min_spend.minor if offer.min_spend else None,
        "currency": money.currency if money else None,
    }


def _terms(chunk: Chunk, grant: Grant) -> dict[str, Any]:
    terms = terms_of(grant.offer)
    values = {
        **terms,
        "free_postage": int(terms["free_postage"]),
        "offer": grant.name,
        "campaign_id": chunk.campaign_id,
        "wave": chunk.wave.wave,
        "occurrence": chunk.occurrence,
        "state": CouponState.ISSUED.value,
        "stock": grant.offer.stock,
        "issued_at": micros(chunk.now),
    }
    return {name: _literal(value) for name, value in values.items()}


def _literal(value: object) -> Any:
    if value is None:
        return case((literal(1) == literal(0), literal(0)))
    return literal(value, BigInteger if isinstance(value, int) else String)
