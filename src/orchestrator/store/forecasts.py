"""What a campaign would do, asked inside a rehearsal that leaves nothing behind."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import (
    BigInteger,
    Connection,
    Row,
    Select,
    Subquery,
    and_,
    case,
    delete,
    func,
    literal,
    null,
    select,
    type_coerce,
    update,
)

from orchestrator.domain.arms import Arm
from orchestrator.domain.messages import Channel, MessageState, Reason
from orchestrator.playbooks.model import Definition, Wave
from orchestrator.playbooks.schedule import Step
from orchestrator.store import moments, persons, reach
from orchestrator.store.audience.candidates import entrance
from orchestrator.store.messages.claims import Claimed
from orchestrator.store.messages.sheets import COLUMNS, Sheet
from orchestrator.store.numbers import known_as, our_number
from orchestrator.store.tables import (
    MICROSECOND,
    coupons,
    customers,
    enrollments,
    messages,
    moment,
    orders,
)

_ADDRESSES = {
    Channel.SMS: (customers.c.phone, customers.c.phone_hash),
    Channel.EMAIL: (customers.c.email, customers.c.email_hash),
}
_QUARTER = 15 * 60 * 1_000_000  # microseconds: every zone's offset is a whole number of these


@dataclass(frozen=True, slots=True)
class RuleCount:
    """How many of those who are looked at a rule leaves out."""

    path: str
    wanted: str
    left_out: int


@dataclass(frozen=True, slots=True)
class Admission:
    customers: int  #: in the shop
    in_question: int  #: with an order that may bring them in
    admitted: int  #: whom the audience's rules let in
    tracked: int  #: who also match a track
    rules: tuple[RuleCount, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CouponsAlike:
    """Coupons of one offer that give the same."""

    offer: str
    amount: int | None  #: minor units
    percent: int | None
    free_postage: bool
    gift: str | None
    min_spend: int | None  #: minor units
    currency: str | None
    stock: int | None  #: of how many of the campaign's offer they are some
    coupons: int

    @property
    def face_value(self) -> int:
        """What they give in all, in minor units, as far as that is an amount."""
        return self.coupons * (self.amount or 0)


_TERMS = ("offer", "amount", "percent", "free_postage", "gift", "min_spend", "currency", "stock")


def admission(
    connection: Connection,
    definition: Definition,
    *,
    now: datetime,
    launched_at: datetime,
    currency: str,
) -> Admission:
    """Count who is let in, and whom each rule alone would leave out."""
    way_in = entrance(definition, now=now, launched_at=launched_at, currency=currency)
    by_order = select(
        customers.c.id,
        way_in.audience.holds.label("admitted"),
        way_in.track.is_not(None).label("tracked"),
        *(
            leaf.condition.holds.label(f"leaf_{position}")
            for position, leaf in enumerate(way_in.audience.leaves)
        ),
    ).where(orders.c.customer_id == customers.c.id, way_in.in_question)
    looked_at = by_order.subquery("looked_at").c
    anybody = looked_at.id
    passing = [
        func.count(anybody.distinct()).filter(looked_at[f"leaf_{position}"])
        for position in range(len(way_in.audience.leaves))
    ]
    row = connection.execute(
        select(
            func.count(anybody.distinct()),
            func.count(anybody.distinct()).filter(looked_at.admitted),
            func.count(anybody.distinct()).filter(and_(looked_at.admitted, looked_at.tracked)),
            *passing,
        )
    ).one()
    everybody = connection.execute(select(func.count()).select_from(customers)).scalar_one()
    rules = tuple(
        RuleCount(leaf.path, leaf.condition.wanted, row[0] - passed)
        for leaf, passed in zip(way_in.audience.leaves, row[3:], strict=True)
    )
    return Admission(everybody, row[0], row[1], row[2], rules)


def only(candidates: Select[Any], customer: str) -> Select[Any]:
    """The candidates as far as they are one customer."""
    wanted = select(customers.c.id).where(known_as(customer)).scalar_subquery()
    return candidates.where(candidates.selected_columns.customer_id == wanted)


def enrolled(connection: Connection, campaign_id: int) -> list[tuple[str, str | None, Arm, int]]:
    """Return (track, category, arm, number) of everybody enrolled."""
    columns = enrollments.c
    counted = (
        select(columns.track, columns.category, columns.arm, func.count())
        .where(columns.campaign_id == campaign_id)
        .group_by(columns.track, columns.category, columns.arm)
        .order_by(columns.track, columns.category, columns.arm)
    )
    return [(row[0], row[1], row[2], row[3]) for row in connection.execute(counted)]


def days_of(
    connection: Connection, campaign_id: int, definition: Definition, track: str, step: Step
) -> dict[date, int]:
    """Return how many of a track a step would reach on each day, if nobody came back meanwhile."""
    due = moments.step_would_be_at(definition, track, step, enrollments)
    bucket = (type_coerce(due, BigInteger) // _QUARTER).label("bucket")
    counted = (
        select(bucket, func.count())
        .where(enrollments.c.campaign_id == campaign_id, enrollments.c.track == track)
        .where(enrollments.c.arm == Arm.TREATED)
        .group_by(bucket)
    )
    days: dict[date, int] = {}
    zone = ZoneInfo(definition.timezone)
    for quarter, number in connection.execute(counted):
        day = moment(int(quarter) * _QUARTER).astimezone(zone).date()
        days[day] = days.get(day, 0) + number
    return days


def set_holdout_aside(connection: Connection, campaign_id: int) -> None:
    """Let the campaign's holdout stand nowhere: what a wave withholds is counted without it."""
    columns = enrollments.c
    held_out = update(enrollments).where(
        columns.campaign_id == campaign_id, columns.arm == Arm.HOLDOUT
    )
    connection.execute(held_out.values(wave=None, due_at=None))


def put_at(connection: Connection, campaign_id: int, wave: Wave, now: datetime) -> None:
    """Let everybody treated stand at one wave, as if it were due now."""
    columns = enrollments.c
    walkers = update(enrollments).where(
        columns.campaign_id == campaign_id, columns.arm == Arm.TREATED
    )
    if wave.tracks is not None:
        walkers = walkers.where(columns.track.in_(wave.tracks))
    connection.execute(walkers.values(wave=wave.wave, occurrence=0, due_at=now))


def outcomes(
    connection: Connection, campaign_id: int, wave: str
) -> list[tuple[MessageState, Reason | None, str | None, int]]:
    """Return (state, reason, channel, number) of a wave's messages."""
    columns = messages.c
    counted = (
        select(columns.state, columns.reason, columns.channel, func.count())
        .where(columns.campaign_id == campaign_id, columns.wave == wave)
        .group_by(columns.state, columns.reason, columns.channel)
        .order_by(columns.state, columns.reason, columns.channel)
    )
    return [(row[0], row[1], row[2], row[3]) for row in connection.execute(counted)]


def planned_batches(
    connection: Connection, campaign_id: int, wave: str, size: int = 500
) -> Iterator[list[Claimed]]:
    """Yield the wave's planned messages in the order of their ids."""
    columns, last = messages.c, 0
    page = (
        select(columns.id, columns.token, columns.due_at, columns.send_id, columns.channel)
        .where(columns.campaign_id == campaign_id, columns.wave == wave)
        .where(columns.state == MessageState.PLANNED)
        .order_by(columns.id)
        .limit(size)
    )
    while rows := connection.execute(page.where(columns.id > last)).all():
        last = rows[-1].id
        yield [
            Claimed(row.id, row.token, row.due_at, row.send_id, campaign_id, row.channel)
            for row in rows
        ]


class Prospect(NamedTuple):
    """Somebody enrolled, with what a wave's texts may say, and where they can be reached now."""

    customer: str  #: our number (id:42)
    sheet: Sheet  #: channel, variant and coupon are those of the planned message, if there is one
    ways: Mapping[Channel, str]  #: the address on each channel that is open

    def __repr__(self) -> str:
        return f"Prospect(customer={self.customer!r})"


def prospects(
    connection: Connection, campaign_id: int, wave: Wave, size: int = 500
) -> Iterator[list[Prospect]]:
    """Yield everybody in the wave's tracks, whatever the lots say: another salt draws others."""
    asked = select(enrollments.c.customer_id).where(enrollments.c.campaign_id == campaign_id)
    others = persons.as_table(connection, persons.other_profiles(connection, asked))
    everybody, own = _prospects(campaign_id, wave, others), enrollments.c.id
    ends = select(func.min(own), func.max(own)).where(enrollments.c.campaign_id == campaign_id)
    first, last = connection.execute(ends).one()
    # By spans of ids: PostgreSQL knows nothing yet of rows that this transaction wrote, and
    # would read and sort all of them for each page.
    for start in range(first or 0, (last or 0) + 1, size):
        page = everybody.where(own >= start, own < start + size)
        if rows := connection.execute(page).all():
            yield [_prospect(row) for row in rows]


def _prospects(campaign_id: int, wave: Wave, others: Subquery | None) -> Select[Any]:
    columns = enrollments.c
    here = {
        **COLUMNS,
        "message_id": func.coalesce(messages.c.id, 0),
        "token": func.coalesce(messages.c.token, 0),
        "campaign_id": columns.campaign_id,
        "wave": literal(wave.wave),
        "occurrence": literal(0),
        "kind": literal(wave.kind, messages.c.kind.type),
        "address": null(),
    }
    planned = and_(
        messages.c.enrollment_id == columns.id,
        messages.c.wave == wave.wave,
        messages.c.occurrence == 0,
        # Planned, as of what was just written; the index of all planned messages is no help here.
        messages.c.finished_at.is_(None),
    )
    found = (
        select(
            *(here[name].label(name) for name in Sheet._fields),
            columns.customer_id,
            *(_address(wave, channel, others).label(f"by_{channel}") for channel in Channel),
        )
        .join_from(enrollments, customers, customers.c.id == columns.customer_id)
        .join(orders, orders.c.id == columns.order_id)
        .outerjoin(messages, planned)
        .outerjoin(coupons, coupons.c.id == messages.c.coupon_id)
        # Added to nothing, so that no index of whole campaigns is read for a page.
        .where(columns.campaign_id + 0 == campaign_id)
        .order_by(columns.id)
    )
    return found if wave.tracks is None else found.where(columns.track.in_(wave.tracks))


def _address(wave: Wave, channel: Channel, others: Subquery | None) -> Any:
    address, address_hash = _ADDRESSES[channel]
    return case((reach.open_for(wave.kind, channel, address_hash, others), address))


def _prospect(row: Row[Any]) -> Prospect:
    addresses = {channel: getattr(row, f"by_{channel}") for channel in Channel}
    return Prospect(
        our_number(row.customer_id),
        Sheet(*row[: len(Sheet._fields)]),
        {channel: address for channel, address in addresses.items() if address is not None},
    )


def coupons_of(connection: Connection, campaign_id: int, wave: str) -> list[CouponsAlike]:
    """Return what the wave's coupons give, as often as they do; an offer's lowest step first."""
    columns = coupons.c
    alike = [columns[name] for name in _TERMS]
    counted = (
        select(*alike, func.count().label("coupons"))
        .where(columns.campaign_id == campaign_id, columns.wave == wave)
        .group_by(*alike)
        .order_by(columns.offer, columns.amount, columns.percent)
    )
    return [CouponsAlike(**row._mapping) for row in connection.execute(counted)]  # noqa: SLF001  # SQLAlchemy's public name


def forget_messages(connection: Connection, campaign_id: int) -> None:
    connection.execute(delete(messages).where(messages.c.campaign_id == campaign_id))


def repurchase_counts(
    connection: Connection, since: datetime, until: datetime, window: timedelta
) -> tuple[int, int]:
    """
    Return (customers who bought in a period, those of them who bought again within the window).

    The window counts from each customer's first order of the period.
    """
    placed = type_coerce(orders.c.placed_at, BigInteger)
    first = (
        select(orders.c.customer_id, func.min(placed).label("placed_at"))
        .where(orders.c.counts.is_(True), orders.c.placed_at >= since, orders.c.placed_at < until)
        .group_by(orders.c.customer_id)
        .subquery("first")
    )
    again = (
        select(orders.c.id)
        .where(orders.c.customer_id == first.c.customer_id, orders.c.counts.is_(True))
        .where(placed > first.c.placed_at, placed <= first.c.placed_at + window // MICROSECOND)
        .exists()
    )
    counted = select(func.count(), func.count().filter(again)).select_from(first)
    row = connection.execute(counted).one()
    return int(row[0]), int(row[1])
