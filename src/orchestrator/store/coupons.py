"""Coupons: issued with the message that brings them, redeemed by an order, expired by date."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    BigInteger,
    ColumnClause,
    Connection,
    Row,
    Select,
    String,
    bindparam,
    case,
    insert,
    literal,
    literal_column,
    select,
    update,
)

from orchestrator.domain.calendar import due_at
from orchestrator.domain.coupons import CouponState, new_codes
from orchestrator.domain.messages import MessageState, Reason
from orchestrator.playbooks.model import Offer
from orchestrator.store.bulk import rows_as_table
from orchestrator.store.chunk import Chunk
from orchestrator.store.reach import in_chunk
from orchestrator.store.tables import coupons, enrollments, messages, micros

# As literals: with a parameter neither database can prove that the partial index fits.
_ISSUED: ColumnClause[str] = literal_column("'issued'")
_POOL: ColumnClause[str] = literal_column("'pool'")


class CodesTakenTwiceError(Exception):
    """A code that was locked for one campaign is not in its pool any more; nothing is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """An offer of a wave, and the variants that get it."""

    name: str
    offer: Offer
    variants: Sequence[str] | None  #: none: whoever has no offer of a variant's own


def issue(
    connection: Connection, chunk: Chunk, grant: Grant, random_bytes: Callable[[int], bytes]
) -> int:
    """Give every message of the chunk that was just planned its own code; return how many."""
    bearers = connection.execute(_bearers(chunk, grant)).all()
    if not bearers:
        return 0
    if grant.offer.pool is not None:
        bearers = _draw(connection, chunk, grant, bearers)
    else:
        _generate(connection, chunk, grant, bearers, random_bytes)
    _attach(connection, chunk, bearers)
    return len(bearers)


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
    if grant.variants is not None:
        return found.where(columns.variant.in_(grant.variants))
    return found


def _generate(
    connection: Connection,
    chunk: Chunk,
    grant: Grant,
    bearers: Sequence[Row[Any]],
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


def _draw(
    connection: Connection, chunk: Chunk, grant: Grant, bearers: Sequence[Row[Any]]
) -> Sequence[Row[Any]]:
    """Hand out imported codes in their order, and return who got one; the others are skipped."""
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
    _skip_empty_handed(connection, chunk, [bearer.id for bearer in bearers[len(pool) :]])
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
    return {(at, zone): micros(due_at(at, grant.offer.valid, ZoneInfo(zone))) for at, zone in begun}


def _skip_empty_handed(connection: Connection, chunk: Chunk, ids: Sequence[int]) -> None:
    if not ids:
        return
    late = rows_as_table(connection, "late", {"message_id": BigInteger}, [(i,) for i in ids])
    connection.execute(
        update(messages)
        .where(messages.c.id.in_(select(late.c.message_id)))
        .values(state=MessageState.SKIPPED, reason=Reason.POOL_EMPTY, finished_at=chunk.now)
    )


def _attach(connection: Connection, chunk: Chunk, bearers: Sequence[Row[Any]]) -> None:
    if not bearers:
        return
    given = rows_as_table(
        connection, "given", {"message_id": BigInteger}, [(bearer.id,) for bearer in bearers]
    )
    own = (
        coupons.c.enrollment_id == messages.c.enrollment_id,
        coupons.c.wave == chunk.wave.wave,
        coupons.c.occurrence == chunk.occurrence,
    )
    earlier = case(
        (messages.c.expires_at < coupons.c.expires_at, messages.c.expires_at),
        else_=coupons.c.expires_at,
    )
    connection.execute(
        update(messages)
        .where(messages.c.id.in_(select(given.c.message_id)))
        .values(
            coupon_id=select(coupons.c.id).where(*own).correlate(messages).scalar_subquery(),
            # A message whose coupon is over by the time it could go is not sent.
            expires_at=select(earlier).where(*own).correlate(messages).scalar_subquery(),
        )
    )


def _terms(chunk: Chunk, grant: Grant) -> dict[str, Any]:
    offer = grant.offer
    money = offer.amount or offer.min_spend
    values = {
        "offer": grant.name,
        "campaign_id": chunk.campaign_id,
        "wave": chunk.wave.wave,
        "occurrence": chunk.occurrence,
        "state": CouponState.ISSUED.value,
        "amount": offer.amount.minor if offer.amount else None,
        "percent": offer.percent,
        "free_postage": int(offer.free_postage),
        "gift": offer.gift,
        "min_spend": offer.min_spend.minor if offer.min_spend else None,
        "currency": money.currency if money else None,
        "issued_at": micros(chunk.now),
    }
    return {name: _literal(value) for name, value in values.items()}


def _literal(value: object) -> Any:
    if value is None:
        return case((literal(1) == literal(0), literal(0)))
    return literal(value, BigInteger if isinstance(value, int) else String)
