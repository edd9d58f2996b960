"""What does not add up: rows that the ledger's promises say cannot be there, or must be."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    case,
    exists,
    func,
    not_,
    or_,
    select,
)

from orchestrator.domain.arms import Arm
from orchestrator.domain.coupons import CouponState
from orchestrator.domain.messages import FINAL_STATES, MessageState, Reason
from orchestrator.store.inspection.suspects import Since
from orchestrator.store.stocks import is_out
from orchestrator.store.tables import (
    attempts,
    campaigns,
    coupons,
    enrollments,
    evaluations,
    events,
    messages,
    orders,
    sends,
    suppressions,
)

Place = tuple[str, str | None, int]  #: track, wave, occurrence


def sends_without_evaluation(since: Since) -> Select[Any]:  # noqa: ARG001  # one signature for all checks
    counted = exists(
        select(evaluations.c.id).where(evaluations.c.send_id == sends.c.id).correlate(sends)
    )
    return _sends(~counted)


def sends_without_message(since: Since) -> Select[Any]:  # noqa: ARG001  # one signature for all checks
    filled = exists(select(messages.c.id).where(messages.c.send_id == sends.c.id).correlate(sends))
    return _sends(~filled)


def messages_of_another_send(since: Since) -> Select[Any]:  # noqa: ARG001  # one signature for all checks
    same = and_(
        sends.c.id == messages.c.send_id,
        sends.c.campaign_id == messages.c.campaign_id,
        sends.c.wave == messages.c.wave,
        sends.c.occurrence == messages.c.occurrence,
    )
    return _messages().outerjoin(sends, same).where(sends.c.id.is_(None))


def accepted_without_attempt(since: Since) -> Select[Any]:  # noqa: ARG001  # one signature for all checks
    tried = exists(
        select(attempts.c.id)
        .where(attempts.c.message_id == messages.c.id, attempts.c.outcome == "accepted")
        .correlate(messages)
    )
    return _messages().where(messages.c.state == MessageState.ACCEPTED, ~tried)


def accepted_twice(since: Since) -> Select[Any]:  # noqa: ARG001  # one signature for all checks
    twice = (
        select(attempts.c.message_id)
        .where(attempts.c.outcome == "accepted")
        .group_by(attempts.c.message_id)
        .having(func.count() > 1)
    )
    return _messages().where(messages.c.id.in_(twice))


def ends_without_moment(since: Since) -> Select[Any]:  # noqa: ARG001  # one signature for all checks
    """Final without the moment when it became so, or open with one."""
    final = messages.c.state.in_(FINAL_STATES)
    return _messages().where(final != messages.c.finished_at.is_not(None))


def messages_of_the_held_out(since: Since) -> Select[Any]:  # noqa: ARG001  # one signature for all checks
    """All but the row that keeps their place in the first wave's send."""
    enrolled = _messages().join(enrollments, enrollments.c.id == messages.c.enrollment_id)
    placed = and_(messages.c.state == MessageState.WITHHELD, messages.c.assigned.is_(False))
    return enrolled.where(enrollments.c.arm == Arm.HOLDOUT, not_(placed))


def held_out_without_place(since: Since) -> Select[Any]:  # noqa: ARG001  # one signature for all checks
    """Past the first wave, but without exactly the one row that compares them with the treated."""
    rows = (
        select(func.count(messages.c.id))
        .where(messages.c.enrollment_id == enrollments.c.id)
        .correlate(enrollments)
        .scalar_subquery()
    )
    return (
        select(campaigns.c.name.label("subject"), enrollments.c.id)
        .join(campaigns, campaigns.c.id == enrollments.c.campaign_id)
        .where(enrollments.c.arm == Arm.HOLDOUT)
        .where(enrollments.c.exit_reason == Reason.HELD_OUT, rows != 1)
    )


def spent_otherwise(since: Since) -> Select[Any]:  # noqa: ARG001  # one signature for all checks
    cost = func.coalesce(func.sum(messages.c.cost), 0)
    return (
        select(campaigns.c.name.label("subject"), campaigns.c.id)
        .outerjoin(messages, messages.c.campaign_id == campaigns.c.id)
        .group_by(campaigns.c.id, campaigns.c.name, campaigns.c.spent)
        .having(cost != campaigns.c.spent)
    )


def stray_coupons(since: Since) -> Select[Any]:  # noqa: ARG001  # one signature for all checks
    """Handed out, but no message of that wave brings it."""
    own = exists(
        select(messages.c.id)
        .where(
            messages.c.enrollment_id == coupons.c.enrollment_id,
            messages.c.wave == coupons.c.wave,
            messages.c.occurrence == coupons.c.occurrence,
            messages.c.coupon_id == coupons.c.id,
        )
        .correlate(coupons)
    )
    return (
        select(campaigns.c.name.label("subject"), coupons.c.id)
        .join(campaigns, campaigns.c.id == coupons.c.campaign_id)
        .where(coupons.c.state != CouponState.POOL, ~own)
    )


def foreign_coupons(since: Since) -> Select[Any]:  # noqa: ARG001  # one signature for all checks
    """The message brings a coupon of somebody else, or of a wave that never brought it."""
    first = messages.alias("first")
    own = and_(
        coupons.c.id == messages.c.coupon_id,
        coupons.c.enrollment_id == messages.c.enrollment_id,
        # A reminder brings it again.
        exists().where(
            first.c.enrollment_id == coupons.c.enrollment_id,
            first.c.wave == coupons.c.wave,
            first.c.occurrence == coupons.c.occurrence,
            first.c.coupon_id == coupons.c.id,
        ),
    )
    found = _messages().outerjoin(coupons, own)
    return found.where(messages.c.coupon_id.is_not(None), coupons.c.id.is_(None))


def stocks_overdrawn(since: Since) -> Select[Any]:
    """More of an offer are out than its stock allows; whatever the lag, those redeemed are."""
    columns = coupons.c
    out = is_out(coupons, since.now, timedelta())
    return (
        select(campaigns.c.name.label("subject"), func.max(columns.id).label("id"))
        .join(campaigns, campaigns.c.id == columns.campaign_id)
        .where(columns.stock.is_not(None), out)
        .group_by(campaigns.c.name, columns.offer)
        .having(func.count() > func.max(columns.stock))
    )


def written_though_suppressed(since: Since) -> Select[Any]:  # noqa: ARG001  # one signature for all checks
    stopped = exists(
        select(suppressions.c.id)
        .where(
            suppressions.c.channel == messages.c.channel,
            suppressions.c.address_hash == messages.c.address_hash,
            suppressions.c.at < messages.c.sending_at,
            or_(
                suppressions.c.lifted_at.is_(None),
                suppressions.c.lifted_at > messages.c.sending_at,
            ),
        )
        .correlate(messages)
    )
    return _messages().where(messages.c.state == MessageState.ACCEPTED, stopped)


def news_of_unknown_messages(since: Since) -> Select[Any]:  # noqa: ARG001  # one signature for all checks
    known = exists(
        select(messages.c.id).where(messages.c.id == events.c.message_id).correlate(events)
    )
    return select(events.c.provider.label("subject"), events.c.id).where(
        events.c.message_id.is_not(None), ~known
    )


def orders_in_another_currency(since: Since) -> Select[Any]:
    """Orders of enrolled customers since their anchor, which no sum of the campaign counts."""
    return (
        select(campaigns.c.name.label("subject"), orders.c.id)
        .join(enrollments, enrollments.c.campaign_id == campaigns.c.id)
        .join(orders, orders.c.customer_id == enrollments.c.customer_id)
        .where(
            or_(
                orders.c.id == enrollments.c.order_id, orders.c.placed_at > enrollments.c.anchor_at
            ),
            orders.c.placed_at <= since.now,
            orders.c.counts,
            orders.c.currency != campaigns.c.currency,
        )
    )


def standing(connection: Connection, campaign_id: int) -> Mapping[Place, tuple[int, int]]:
    """
    Return how many enrollments of the treated stand at each place: walking, and gone.

    Who walked through all waves is walking, at no wave; who left on the way is gone.
    """
    columns = enrollments.c
    walking = or_(columns.exited_at.is_(None), columns.exit_reason == "completed")
    counted = (
        select(
            columns.track,
            columns.wave,
            columns.occurrence,
            func.sum(case((walking, 1), else_=0)),
            func.sum(case((walking, 0), else_=1)),
        )
        .where(columns.campaign_id == campaign_id, columns.arm == Arm.TREATED)
        .group_by(columns.track, columns.wave, columns.occurrence)
    )
    return {
        (track, wave, occurrence): (int(here), int(gone))
        for track, wave, occurrence, here, gone in connection.execute(counted)
    }


def written(connection: Connection, campaign_id: int) -> Mapping[Place, int]:
    """Return how many messages the treated have by track, wave and occurrence, in any state."""
    columns = messages.c
    counted = (
        select(enrollments.c.track, columns.wave, columns.occurrence, func.count())
        .join(enrollments, enrollments.c.id == columns.enrollment_id)
        .where(columns.campaign_id == campaign_id, enrollments.c.arm == Arm.TREATED)
        .group_by(enrollments.c.track, columns.wave, columns.occurrence)
    )
    return {
        (track, wave, occurrence): int(count)
        for track, wave, occurrence, count in connection.execute(counted)
    }


def _sends(condition: ColumnElement[bool]) -> Select[Any]:
    return (
        select(campaigns.c.name.label("subject"), sends.c.id)
        .join(campaigns, campaigns.c.id == sends.c.campaign_id)
        .where(condition)
    )


def _messages() -> Select[Any]:
    return select(campaigns.c.name.label("subject"), messages.c.id).join(
        campaigns, campaigns.c.id == messages.c.campaign_id
    )
