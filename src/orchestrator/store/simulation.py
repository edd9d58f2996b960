"""What a simulation has to know of the ledger that it plays with."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import BigInteger, Connection, func, literal_column, select

from orchestrator.domain.arms import Arm
from orchestrator.domain.messages import MessageState, Reason
from orchestrator.store.bulk import rows_as_table
from orchestrator.store.cohorts import Question, cohort_of
from orchestrator.store.tables import (
    coupons,
    customers,
    enrollments,
    evaluations,
    messages,
    sends,
    suppressions,
)

_UNDER_WAY = ("claimed", "sending", "unknown")


def has_customers(connection: Connection) -> bool:
    return connection.execute(select(customers.c.id).limit(1)).first() is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A message as its customer meets it: accepted, still under way, or withheld by lot."""

    message_id: int
    customer_id: int
    wave: str
    occurrence: int
    track: str
    state: MessageState
    planned_at: datetime
    would_go_at: datetime
    accepted_at: datetime | None
    code: str | None
    coupon_expires_at: datetime | None
    amount: int | None
    percent: int | None
    min_spend: int | None


def messages_since(connection: Connection, last_id: int, waiting: Sequence[int]) -> list[Heard]:
    """
    Return messages planned after the one with ``last_id``, and those asked for by id.

    The simulation has the database for itself: a filter by campaign would only mislead planners.
    """
    some = rows_as_table(connection, "waiting", {"id": BigInteger}, [(one,) for one in waiting])
    columns = messages.c
    read = (
        select(
            columns.id.label("message_id"),
            columns.customer_id,
            columns.wave,
            columns.occurrence,
            enrollments.c.track,
            columns.state,
            columns.planned_at,
            columns.would_go_at,
            columns.accepted_at,
            coupons.c.code,
            coupons.c.expires_at.label("coupon_expires_at"),
            coupons.c.amount,
            coupons.c.percent,
            coupons.c.min_spend,
        )
        .join(enrollments, enrollments.c.id == columns.enrollment_id)
        .outerjoin(coupons, coupons.c.id == columns.coupon_id)
    )
    fresh = connection.execute(read.where(columns.id > last_id).order_by(columns.id)).all()
    known = (
        connection.execute(read.where(columns.id.in_(select(some.c.id)))).all() if waiting else []
    )
    return [Heard(**row._mapping) for row in (*fresh, *known)]  # noqa: SLF001  -- SQLAlchemy's own name for it


@dataclass(frozen=True, slots=True)
class Due:
    """The earliest moments, past or to come, at which something of the campaign is due."""

    message: datetime | None  #: a planned message
    other: datetime | None  #: a step, an evaluation, or a lost answer


def next_due(connection: Connection, campaign_id: int) -> Due:
    walking = select(func.min(enrollments.c.due_at)).where(
        enrollments.c.campaign_id == campaign_id, enrollments.c.due_at.is_not(None)
    )
    planned = select(func.min(messages.c.due_at)).where(
        messages.c.state == literal_column("'planned'")
    )
    leased = select(func.min(messages.c.lease_until)).where(
        messages.c.state.in_([literal_column(f"'{state}'") for state in _UNDER_WAY])
    )
    to_come = select(func.min(evaluations.c.due_at)).where(evaluations.c.recorded_at.is_(None))
    others = [connection.execute(each).scalar_one() for each in (walking, leased, to_come)]
    return Due(
        message=connection.execute(planned).scalar_one(),
        other=min((each for each in others if each is not None), default=None),
    )


@dataclass(frozen=True, slots=True)
class Compared:
    """One customer in the cohort of an evaluation, with their own window in microseconds."""

    unit: int
    customer_id: int
    arm: Arm
    starts: int
    ends: int


def compared(connection: Connection, question: Question) -> list[Compared]:
    cohort = cohort_of(question).subquery("cohort")
    columns = cohort.c
    read = select(columns.unit, columns.customer_id, columns.arm, columns.starts, columns.ends)
    return [
        Compared(row.unit, row.customer_id, Arm(row.arm), row.starts, row.ends)
        for row in connection.execute(read)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Messages alike in wave, occurrence, day, state and reason."""

    wave: str
    occurrence: int
    day: date
    state: MessageState
    reason: Reason | None
    messages: int
    parts: int
    cost: int  #: thousandths of a minor unit


def tallies(connection: Connection, campaign_id: int) -> list[Tally]:
    """Return the ledger summed up; the messages of all rows together are all there are."""
    key = (sends.c.wave, sends.c.occurrence, sends.c.day, messages.c.state, messages.c.reason)
    read = (
        select(
            *key,
            func.count().label("messages"),
            func.sum(messages.c.parts).label("parts"),
            func.sum(messages.c.cost).label("cost"),
        )
        .join(sends, sends.c.id == messages.c.send_id)
        .where(messages.c.campaign_id == campaign_id)
        .group_by(*key)
        .order_by(sends.c.day, *key)
    )
    return [Tally(**row._mapping) for row in connection.execute(read)]  # noqa: SLF001  -- SQLAlchemy's own name for it


def enrolled(connection: Connection, campaign_id: int) -> int:
    inside = select(func.count()).where(enrollments.c.campaign_id == campaign_id)
    return int(connection.execute(inside).scalar_one())


def opt_outs(connection: Connection) -> int:
    stopped = select(func.count()).where(suppressions.c.reason == "opted_out")
    return int(connection.execute(stopped).scalar_one())
