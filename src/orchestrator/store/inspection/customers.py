"""Everything written down about one customer, without names, addresses or texts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, Select, and_, func, or_, select

from orchestrator.domain.arms import Arm
from orchestrator.domain.coupons import CouponState
from orchestrator.domain.evaluations import EvaluationKind
from orchestrator.domain.messages import Channel, Fact, MessageState, Reason, WaveKind
from orchestrator.store import persons
from orchestrator.store.numbers import known_as
from orchestrator.store.stocks import is_unread
from orchestrator.store.tables import (
    attempts,
    concerns,
    consents,
    coupons,
    customers,
    enrollments,
    evaluations,
    events,
    messages,
    orders,
    put_offs,
    sends,
    suppressions,
)

_Shape = TypeVar("_Shape")


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    id: int
    customer: str  #: the shop's own number
    profiles: int  #: that are this person, this one included
    has_phone: bool
    has_email: bool
    locale: str | None
    timezone: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentSaid:
    channel: Channel
    purpose: str
    granted: bool
    source: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppressed:
    channel: Channel
    reason: str
    source: str
    at: datetime
    lifted_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidElsewhere:
    """What another profile of the same person said, and what holds for this one too."""

    channel: Channel
    purpose: str | None  #: refused; none: another address opted out or complained


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    id: int
    campaign_id: int
    customer: str  #: whose profile is enrolled; another one of the same person stands for all
    order: str
    anchor_at: datetime
    track: str
    category: str | None
    arm: Arm
    enrolled_at: datetime
    wave: str | None
    occurrence: int
    due_at: datetime | None
    exited_at: datetime | None
    exit_reason: Reason | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """One message, whatever became of it."""

    id: int
    enrollment_id: int
    send_id: int
    day: date
    wave: str
    occurrence: int
    kind: WaveKind
    arm: Arm
    assigned: bool
    variant: str | None
    channel: Channel | None
    state: MessageState
    reason: Reason | None
    planned_at: datetime
    due_at: datetime
    would_go_at: datetime
    expires_at: datetime | None
    accepted_at: datetime | None
    finished_at: datetime | None
    offer: str | None
    coupon: CouponState | None
    coupon_expires_at: datetime | None
    redeemed_at: datetime | None
    stock: int | None  #: of how many the coupon is one
    returned: bool  #: to its stock: nobody can have read it
    question: str | None  #: that it answered
    dated: date | None  #: when somebody last looked at the answer
    withdrawn_at: datetime | None  #: since when the playbook gives another answer, or none


@dataclass(frozen=True, slots=True, kw_only=True)
class Waited:
    """What a message had to wait for, before it was sent or ended."""

    message_id: int
    reason: Reason
    times: int
    first_at: datetime
    until: datetime  #: as of the last time


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempted:
    message_id: int
    token: int
    provider: str
    intended_at: datetime
    outcome: str | None
    code: str | None
    answered_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    message_id: int
    fact: Fact
    at: datetime
    provider: str
    code: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """An evaluation that counts the messages of a send."""

    send_id: int
    kind: EvaluationKind
    scope: str
    revision: int
    due_at: datetime
    recorded_at: datetime | None


def profile(connection: Connection, customer: str) -> Profile | None:
    """Return the profile with the shop's own number, or with ours where it is asked as id:42."""
    same = customers.alias("same")
    shared = select(func.count()).select_from(same).where(same.c.person == customers.c.person)
    asked = select(
        customers.c.id,
        customers.c.external_id.label("customer"),
        shared.scalar_subquery().label("profiles"),
        customers.c.phone_hash.is_not(None).label("has_phone"),
        customers.c.email_hash.is_not(None).label("has_email"),
        customers.c.locale,
        customers.c.timezone,
    ).where(known_as(customer))
    found = _all(connection, Profile, asked)
    return found[0] if found else None


def person(connection: Connection, customer_id: int) -> str:
    """What the lots are drawn from. It holds a phone or an address: never show it."""
    return str(
        connection.execute(
            select(customers.c.person).where(customers.c.id == customer_id)
        ).scalar_one()
    )


def consents_of(connection: Connection, customer_id: int) -> tuple[ConsentSaid, ...]:
    columns = consents.c
    asked = select(
        columns.channel, columns.purpose, columns.granted, columns.source, columns.at
    ).where(columns.customer_id == customer_id)
    return _all(connection, ConsentSaid, asked.order_by(columns.channel, columns.purpose))


def suppressions_of(connection: Connection, customer_id: int) -> tuple[Suppressed, ...]:
    columns = suppressions.c
    own = or_(
        and_(columns.channel == Channel.SMS, columns.address_hash == customers.c.phone_hash),
        and_(columns.channel == Channel.EMAIL, columns.address_hash == customers.c.email_hash),
    )
    asked = select(
        columns.channel, columns.reason, columns.source, columns.at, columns.lifted_at
    ).join(customers, own)
    return _all(
        connection, Suppressed, asked.where(customers.c.id == customer_id).order_by(columns.id)
    )


def said_elsewhere(connection: Connection, customer_id: int) -> tuple[SaidElsewhere, ...]:
    asked = select(customers.c.id).where(customers.c.id == customer_id)
    others = persons.as_table(connection, persons.other_profiles(connection, asked))
    if others is None:
        return ()
    refused = connection.execute(persons.refusals(others)).all()
    opted_out = connection.execute(persons.opt_outs(others)).all()
    found = {(row.channel, row.purpose) for row in refused} | {(r.channel, None) for r in opted_out}
    listed = sorted(found, key=lambda one: (one[0], one[1] or ""))
    return tuple(SaidElsewhere(channel=channel, purpose=what) for channel, what in listed)


def enrollments_of(connection: Connection, customer_id: int) -> tuple[Enrolled, ...]:
    """Return the enrollments of the customer and of the profiles that are the same person."""
    columns, own = enrollments.c, customers.alias("own")
    asked = (
        select(
            columns.id,
            columns.campaign_id,
            customers.c.external_id.label("customer"),
            orders.c.external_id.label("order"),
            *(columns[name] for name in ("anchor_at", "track", "category", "arm", "enrolled_at")),
            *(columns[name] for name in ("wave", "occurrence", "due_at")),
            *(columns[name] for name in ("exited_at", "exit_reason")),
        )
        .join(customers, customers.c.id == columns.customer_id)
        .join(orders, orders.c.id == columns.order_id)
        .join(own, own.c.person == customers.c.person)
        .where(own.c.id == customer_id)
    )
    return _all(connection, Enrolled, asked.order_by(columns.id))


def messages_of(connection: Connection, enrollment_ids: Sequence[int]) -> tuple[Written, ...]:
    columns, plain = messages.c, [name for name in Written.__annotations__ if name in messages.c]
    asked = (
        select(
            *(columns[name] for name in plain),
            sends.c.day,
            coupons.c.offer,
            coupons.c.state.label("coupon"),
            coupons.c.expires_at.label("coupon_expires_at"),
            coupons.c.redeemed_at,
            coupons.c.stock,
            (coupons.c.stock.is_not(None) & is_unread(coupons)).label("returned"),
            *(concerns.c[name] for name in ("question", "dated", "withdrawn_at")),
        )
        .join(sends, sends.c.id == columns.send_id)
        .outerjoin(coupons, coupons.c.id == columns.coupon_id)
        .outerjoin(concerns, concerns.c.id == columns.concern_id)
        .where(columns.enrollment_id.in_(enrollment_ids))
    )
    return _all(connection, Written, asked.order_by(columns.would_go_at, columns.id))


def put_offs_of(connection: Connection, message_ids: Sequence[int]) -> tuple[Waited, ...]:
    asked = select(*(put_offs.c[name] for name in Waited.__annotations__))
    chosen = asked.where(put_offs.c.message_id.in_(message_ids))
    return _all(connection, Waited, chosen.order_by(put_offs.c.first_at, put_offs.c.reason))


def attempts_on(connection: Connection, message_ids: Sequence[int]) -> tuple[Attempted, ...]:
    asked = select(*(attempts.c[name] for name in Attempted.__annotations__))
    chosen = asked.where(attempts.c.message_id.in_(message_ids))
    return _all(connection, Attempted, chosen.order_by(attempts.c.message_id, attempts.c.token))


def events_of(connection: Connection, message_ids: Sequence[int]) -> tuple[Happened, ...]:
    asked = select(*(events.c[name] for name in Happened.__annotations__))
    chosen = asked.where(events.c.message_id.in_(message_ids))
    return _all(connection, Happened, chosen.order_by(events.c.at, events.c.id))


def evaluations_of(connection: Connection, send_ids: Sequence[int]) -> tuple[Counted, ...]:
    columns = evaluations.c
    asked = select(*(columns[name] for name in Counted.__annotations__))
    chosen = asked.where(columns.send_id.in_(send_ids))
    ordered = chosen.order_by(columns.send_id, columns.due_at, columns.id)
    rows = connection.execute(ordered).mappings()
    return tuple(Counted(**{**row, "kind": EvaluationKind(row["kind"])}) for row in rows)


def _all(connection: Connection, shape: type[_Shape], asked: Select[Any]) -> tuple[_Shape, ...]:
    return tuple(shape(**row) for row in connection.execute(asked).mappings())
