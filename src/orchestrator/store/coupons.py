"""Coupons: issued with the message that brings them, redeemed by an order, expired by date."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnClause,
    Connection,
    Select,
    String,
    and_,
    bindparam,
    case,
    exists,
    insert,
    literal,
    literal_column,
    select,
    type_coerce,
    update,
)

from orchestrator.domain.coupons import CouponState, new_codes
from orchestrator.domain.messages import MessageState, Reason
from orchestrator.playbooks.model import Offer
from orchestrator.store import functions
from orchestrator.store.bulk import rows_as_table
from orchestrator.store.chunk import Chunk
from orchestrator.store.tables import coupons, enrollments, messages, micros

# As literals: with a parameter neither database can prove that the partial index fits.
_ISSUED: ColumnClause[str] = literal_column("'issued'")
_POOL: ColumnClause[str] = literal_column("'pool'")


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
    ids = [row.id for row in connection.execute(_without_coupon(chunk, grant))]
    if not ids:
        return 0
    if grant.offer.pool is not None:
        _draw(connection, chunk, grant, ids)
    else:
        _generate(connection, chunk, grant, ids, random_bytes)
    _attach(connection, chunk)
    return len(ids)


_EXPIRE = (
    update(coupons)
    .where(coupons.c.state == _ISSUED, coupons.c.expires_at < bindparam("now"))
    .values(state=CouponState.EXPIRED)
)


def expire(connection: Connection, now: datetime) -> int:
    """Coupons past their last moment cannot be redeemed any more."""
    return connection.execute(_EXPIRE, {"now": now}).rowcount


def _without_coupon(chunk: Chunk, grant: Grant) -> Select[Any]:
    columns = messages.c
    found = (
        select(columns.id)
        .where(columns.campaign_id == chunk.campaign_id, columns.wave == chunk.wave.wave)
        .where(columns.occurrence == chunk.occurrence, columns.coupon_id.is_(None))
        .where(columns.state == MessageState.PLANNED, columns.planned_at == chunk.now)
        .order_by(columns.id)
    )
    if grant.variants is not None:
        return found.where(columns.variant.in_(grant.variants))
    return found


def _generate(
    connection: Connection,
    chunk: Chunk,
    grant: Grant,
    ids: Sequence[int],
    random_bytes: Callable[[int], bytes],
) -> None:
    codes = new_codes(len(ids), random_bytes)
    drawn = rows_as_table(
        connection,
        "drawn",
        {"message_id": BigInteger, "code": String},
        list(zip(ids, codes, strict=True)),
    )
    values = _terms(chunk, grant)
    chosen = (
        select(
            drawn.c.code,
            messages.c.enrollment_id,
            *(value.label(name) for name, value in values.items()),
        )
        .join_from(drawn, messages, messages.c.id == drawn.c.message_id)
        .join(enrollments, enrollments.c.id == messages.c.enrollment_id)
    )
    connection.execute(insert(coupons).from_select(["code", "enrollment_id", *values], chosen))


def _draw(connection: Connection, chunk: Chunk, grant: Grant, ids: Sequence[int]) -> None:
    """Hand out imported codes in their order; who comes too late for one is skipped."""
    free = (
        select(coupons.c.id)
        .where(coupons.c.state == _POOL, coupons.c.offer == grant.offer.pool)
        .order_by(coupons.c.id)
        .limit(len(ids))
    )
    pool = [row.id for row in connection.execute(free)]
    drawn = rows_as_table(
        connection,
        "drawn",
        {"message_id": BigInteger, "coupon_id": BigInteger},
        list(zip(ids, pool, strict=False)),
    )
    found = (
        select(drawn.c.coupon_id, messages.c.enrollment_id, enrollments.c.timezone)
        .join_from(drawn, messages, messages.c.id == drawn.c.message_id)
        .join(enrollments, enrollments.c.id == messages.c.enrollment_id)
    ).subquery("found")
    values = {name: value for name, value in _terms(chunk, grant).items() if name != "expires_at"}
    expires = functions.due_at(
        literal(micros(chunk.now), BigInteger), grant.offer.valid, found.c.timezone, None
    )
    taken = (
        update(coupons)
        .where(coupons.c.id == found.c.coupon_id)
        .values(**values, enrollment_id=found.c.enrollment_id, expires_at=expires)
    )
    connection.execute(taken)
    _skip_empty_handed(connection, chunk, ids[len(pool) :])


def _skip_empty_handed(connection: Connection, chunk: Chunk, ids: Sequence[int]) -> None:
    if not ids:
        return
    late = rows_as_table(connection, "late", {"message_id": BigInteger}, [(i,) for i in ids])
    connection.execute(
        update(messages)
        .where(messages.c.id.in_(select(late.c.message_id)))
        .values(state=MessageState.SKIPPED, reason=Reason.POOL_EMPTY, finished_at=chunk.now)
    )


def _attach(connection: Connection, chunk: Chunk) -> None:
    own = and_(
        coupons.c.enrollment_id == messages.c.enrollment_id,
        coupons.c.wave == messages.c.wave,
        coupons.c.occurrence == messages.c.occurrence,
    )
    connection.execute(
        update(messages)
        .where(messages.c.campaign_id == chunk.campaign_id, messages.c.wave == chunk.wave.wave)
        .where(messages.c.occurrence == chunk.occurrence, messages.c.coupon_id.is_(None))
        .where(messages.c.state == MessageState.PLANNED, messages.c.planned_at == chunk.now)
        .where(exists().where(own).correlate(messages))
        .values(
            coupon_id=select(coupons.c.id).where(own).correlate(messages).scalar_subquery(),
            # A message whose coupon is over by the time it could go is not sent.
            expires_at=select(
                case(
                    (messages.c.expires_at < coupons.c.expires_at, messages.c.expires_at),
                    else_=coupons.c.expires_at,
                )
            )
            .where(own)
            .correlate(messages)
            .scalar_subquery(),
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
    expires = functions.due_at(
        type_coerce(messages.c.would_go_at, BigInteger),
        offer.valid,
        enrollments.c.timezone,
        None,
    )
    return {**{name: _literal(value) for name, value in values.items()}, "expires_at": expires}


def _literal(value: object) -> Any:
    if value is None:
        return case((literal(1) == literal(0), literal(0)))
    return literal(value, BigInteger if isinstance(value, int) else String)
