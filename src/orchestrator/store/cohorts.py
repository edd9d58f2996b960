"""
Who an evaluation compares, each with their own window.

A window begins at `messages.would_go_at` in both arms, never at the acceptance: a message that is
put off (by a cap, a pause, a busy provider) and then skipped because its customer bought meanwhile
would otherwise show a lift out of nothing.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Select,
    Subquery,
    and_,
    case,
    func,
    null,
    select,
    type_coerce,
)

from orchestrator.domain.coupons import CouponState
from orchestrator.domain.evaluations import EvaluationKind
from orchestrator.domain.messages import OPEN_STATES
from orchestrator.playbooks.model import Definition
from orchestrator.playbooks.schedule import last_action, tracks_beginning
from orchestrator.store.moments import would_be_at
from orchestrator.store.tables import coupons, enrollments, messages
from orchestrator.store.tables.types import MICROSECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """All that the sums of one evaluation depend on."""

    kind: EvaluationKind
    send_id: int
    campaign_id: int
    wave: str
    currency: str
    definition: Definition
    window: timedelta  #: after the start; of a group, after its last action
    track: str | None = None  #: of a group
    category: str | None = None


def cohort_of(question: Question) -> Select[Any]:
    """
    Return one row a customer compared.

    unit, customer_id, track, arm, variant; starts and ends of the own window (microseconds); open,
    accepted and delivered (0 or 1); message_cost, coupons_issued, coupons_redeemed, discount.
    """
    return _of_send(question) if question.kind is EvaluationKind.SEND else _of_campaign(question)


def _of_send(question: Question) -> Select[Any]:
    """Everybody the lot of this send was drawn for, from the moment alike in both arms."""
    columns = messages.c
    starts = as_micros(columns.would_go_at)
    ends = starts + question.window // MICROSECOND
    redeemed = and_(coupons.c.state == CouponState.REDEEMED, coupons.c.redeemed_at <= ends)
    return (
        select(
            columns.id.label("unit"),
            columns.customer_id,
            enrollments.c.track,
            columns.arm,
            columns.variant,
            starts.label("starts"),
            ends.label("ends"),
            as_flag(columns.state.in_(OPEN_STATES)).label("open"),
            as_flag(columns.accepted_at.is_not(None)).label("accepted"),
            as_flag(columns.delivered_at.is_not(None)).label("delivered"),
            columns.cost.label("message_cost"),
            as_flag(columns.coupon_id.is_not(None)).label("coupons_issued"),
            as_flag(redeemed).label("coupons_redeemed"),
            case((redeemed, func.coalesce(coupons.c.discount, 0)), else_=0).label("discount"),
        )
        .join(enrollments, enrollments.c.id == columns.enrollment_id)
        .outerjoin(coupons, coupons.c.id == columns.coupon_id)
        .where(columns.send_id == question.send_id, columns.assigned.is_(True))
    )


def _of_campaign(question: Question) -> Select[Any]:
    """The enrollments of a first wave's send, whatever became of its row, by the campaign's arm."""
    member = _members(question).subquery("member")
    ends = _window_end(question, member)
    walked = select(member, ends.label("ends")).cte("walked")
    touched = _touches(walked)
    gifts = _gifts(walked)
    return (
        select(
            walked.c.enrollment_id.label("unit"),
            walked.c.customer_id,
            walked.c.track,
            walked.c.arm,
            null().label("variant"),
            walked.c.starts,
            walked.c.ends,
            walked.c.open,
            as_flag(touched.c.accepted > 0).label("accepted"),
            as_flag(touched.c.delivered > 0).label("delivered"),
            func.coalesce(touched.c.message_cost, 0).label("message_cost"),
            func.coalesce(gifts.c.issued, 0).label("coupons_issued"),
            func.coalesce(gifts.c.redeemed, 0).label("coupons_redeemed"),
            func.coalesce(gifts.c.discount, 0).label("discount"),
        )
        .outerjoin(touched, touched.c.enrollment_id == walked.c.enrollment_id)
        .outerjoin(gifts, gifts.c.enrollment_id == walked.c.enrollment_id)
    )


def _members(question: Question) -> Select[Any]:
    columns = enrollments.c
    return (
        select(
            columns.id.label("enrollment_id"),
            columns.customer_id,
            columns.track,
            columns.arm,
            as_micros(columns.anchor_at).label("anchor_at"),
            as_micros(columns.enrolled_at).label("enrolled_at"),
            columns.timezone,
            as_micros(messages.c.would_go_at).label("starts"),
            as_flag(messages.c.state.in_(OPEN_STATES)).label("open"),
        )
        .join(messages, messages.c.enrollment_id == columns.id)
        .where(messages.c.send_id == question.send_id, *_in_scope(question))
    )


def _in_scope(question: Question) -> list[ColumnElement[bool]]:
    """Those whose walk begins with this send: the holdout of other tracks is not among them."""
    columns = enrollments.c
    if question.track is None:
        return [columns.track.in_(tracks_beginning(question.definition, question.wave))]
    same = columns.category == question.category
    none = columns.category.is_(None)
    return [columns.track == question.track, none if question.category is None else same]


def _window_end(question: Question, member: Subquery) -> ColumnElement[Any]:
    starts = as_micros(member.c.starts)
    length = question.window // MICROSECOND
    if question.kind is not EvaluationKind.GROUP or question.track is None:
        return starts + length
    last = last_action(question.definition, question.track)
    if last is None:
        return starts + length
    acted = as_micros(would_be_at(question.definition, question.track, last.wave, member))
    return case((acted < starts, starts), else_=acted) + length


def _touches(walked: CTE) -> Subquery:
    """Every message to the enrollment that went within its window."""
    columns = messages.c
    return (
        select(
            columns.enrollment_id,
            func.count(columns.accepted_at).label("accepted"),
            func.count(columns.delivered_at).label("delivered"),
            func.sum(columns.cost).label("message_cost"),
        )
        .join(walked, walked.c.enrollment_id == columns.enrollment_id)
        .where(as_micros(columns.accepted_at) <= walked.c.ends)
        .group_by(columns.enrollment_id)
        .subquery("touched")
    )


def _gifts(walked: CTE) -> Subquery:
    columns = coupons.c
    redeemed = and_(
        columns.state == CouponState.REDEEMED, as_micros(columns.redeemed_at) <= walked.c.ends
    )
    return (
        select(
            columns.enrollment_id,
            func.count().label("issued"),
            func.sum(as_flag(redeemed)).label("redeemed"),
            func.sum(case((redeemed, columns.discount), else_=0)).label("discount"),
        )
        .join(walked, walked.c.enrollment_id == columns.enrollment_id)
        .where(as_micros(columns.issued_at) <= walked.c.ends)
        .group_by(columns.enrollment_id)
        .subquery("gifts")
    )


def as_micros(column: Any) -> ColumnElement[Any]:
    return type_coerce(column, BigInteger)


def as_flag(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return case((condition, 1), else_=0)
