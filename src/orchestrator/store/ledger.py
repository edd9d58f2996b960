"""What became of everybody and of every message of a campaign, counted."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, Select, case, func, literal, select, union_all

from orchestrator.domain.arms import Arm
from orchestrator.domain.coupons import CouponState
from orchestrator.domain.messages import OPEN_STATES, WAITED_FOR, MessageState, Reason
from orchestrator.store.tables import coupons, enrollments, messages, put_offs, sends


@dataclass(frozen=True, slots=True)
class LedgerRow:
    state: MessageState
    reason: Reason | None
    of_campaign: bool  #: withheld by the campaign's lot, not by the send's
    messages: int


@dataclass(frozen=True, slots=True)
class PutOffRow:
    """Messages that had to wait for the reason, or could not because they would have been over."""

    reason: Reason
    messages: int
    times: int  #: that they were put off, all together
    accepted: int  #: of the messages, in the end
    still_open: int

    @property
    def ended(self) -> int:
        """Never went."""
        return self.messages - self.accepted - self.still_open


@dataclass(frozen=True, slots=True)
class EnrolledRow:
    track: str
    arm: Arm
    customers: int


@dataclass(frozen=True, slots=True)
class CouponRow:
    offer: str
    state: CouponState
    coupons: int
    discount: int  #: minor units


@dataclass(frozen=True, slots=True, kw_only=True)
class SentRow:
    send_id: int
    wave: str
    occurrence: int
    day: date
    messages: int
    eligible: int  #: took part in the lot
    assigned: int  #: of them, to be written to
    accepted: int


def messages_by_state(connection: Connection, campaign_id: int) -> list[LedgerRow]:
    """Return every message once: the counts add up to the planned rows."""
    columns = messages.c
    of_campaign = (columns.state == MessageState.WITHHELD) & columns.assigned.is_(False)
    kept_out = case((of_campaign, 1), else_=0).label("of_campaign")
    counted = (
        select(columns.state, columns.reason, kept_out, func.count())
        .where(columns.campaign_id == campaign_id)
        .group_by(columns.state, columns.reason, kept_out)
        .order_by(columns.state, columns.reason, kept_out)
    )
    return [
        LedgerRow(state, reason, bool(by_campaign), number)
        for state, reason, by_campaign, number in connection.execute(counted)
    ]


def put_offs_by_reason(connection: Connection, campaign_id: int) -> list[PutOffRow]:
    """Return what messages waited for; one that waited for two things counts with both."""
    hindered = _hindered(campaign_id).subquery("hindered")
    columns = messages.c
    counted = (
        select(
            hindered.c.reason,
            func.count(),
            func.sum(hindered.c.times),
            _sum_of(columns.state == MessageState.ACCEPTED),
            _sum_of(columns.state.in_(OPEN_STATES)),
        )
        .join(messages, columns.id == hindered.c.message_id)
        .group_by(hindered.c.reason)
        .order_by(hindered.c.reason)
    )
    return [PutOffRow(row[0], *map(int, row[1:])) for row in connection.execute(counted)]


def _hindered(campaign_id: int) -> Select[Any]:
    """A row for each message and reason: put off for it, or ended because it could not wait."""
    columns = messages.c
    ended = columns.state == MessageState.EXPIRED
    waited = (
        select(put_offs.c.message_id, put_offs.c.reason, put_offs.c.times)
        .join(messages, columns.id == put_offs.c.message_id)
        .where(columns.campaign_id == campaign_id)
    )
    could_not = select(columns.id, columns.reason, literal(0)).where(
        columns.campaign_id == campaign_id, ended, columns.reason.in_(WAITED_FOR)
    )
    each = union_all(waited, could_not).subquery("each")
    return select(each.c.message_id, each.c.reason, func.sum(each.c.times).label("times")).group_by(
        each.c.message_id, each.c.reason
    )


def enrolled(connection: Connection, campaign_id: int) -> list[EnrolledRow]:
    columns = enrollments.c
    counted = (
        select(columns.track, columns.arm, func.count())
        .where(columns.campaign_id == campaign_id)
        .group_by(columns.track, columns.arm)
        .order_by(columns.track, columns.arm)
    )
    return [EnrolledRow(*row) for row in connection.execute(counted)]


def coupons_by_state(connection: Connection, campaign_id: int) -> list[CouponRow]:
    columns = coupons.c
    counted = (
        select(
            columns.offer,
            columns.state,
            func.count(),
            func.coalesce(func.sum(columns.discount), 0),
        )
        .where(columns.campaign_id == campaign_id)
        .group_by(columns.offer, columns.state)
        .order_by(columns.offer, columns.state)
    )
    return [
        CouponRow(offer, state, count, int(discount))
        for offer, state, count, discount in connection.execute(counted)
    ]


def sent(connection: Connection, campaign_id: int) -> list[SentRow]:
    """Return every send with its messages, in the order of their days."""
    columns = messages.c
    treated = columns.assigned.is_(True) & (columns.arm == Arm.TREATED)
    counted = (
        select(
            sends.c.id.label("send_id"),
            sends.c.wave,
            sends.c.occurrence,
            sends.c.day,
            func.count(columns.id).label("messages"),
            _sum_of(columns.assigned.is_(True)).label("eligible"),
            _sum_of(treated).label("assigned"),
            func.count(columns.accepted_at).label("accepted"),
        )
        .outerjoin(messages, columns.send_id == sends.c.id)
        .where(sends.c.campaign_id == campaign_id)
        .group_by(sends.c.id, sends.c.wave, sends.c.occurrence, sends.c.day)
        .order_by(sends.c.day, sends.c.id)
    )
    return [SentRow(**row) for row in connection.execute(counted).mappings()]


def _sum_of(condition: Any) -> Any:
    return func.sum(case((condition, 1), else_=0))
