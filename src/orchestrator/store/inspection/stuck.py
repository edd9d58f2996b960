"""What should have moved by now and has not."""

from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, literal, or_, select

from orchestrator.domain.messages import OPEN_STATES, MessageState
from orchestrator.store.inspection.suspects import Since
from orchestrator.store.intake import runs
from orchestrator.store.tables import (
    campaigns,
    dispatchers,
    enrollments,
    evaluations,
    heartbeats,
    imports,
    instance,
    messages,
)

_RUNNING = campaigns.c.state == "running"
_IN_DOUBT = messages.c.state.in_([MessageState.SENDING, MessageState.UNKNOWN])


def overdue_messages(since: Since) -> Select[Any]:
    planned = messages.c.state == MessageState.PLANNED
    return _messages(planned, messages.c.due_at < since.late, _RUNNING)


def overdue_steps(since: Since) -> Select[Any]:
    due = enrollments.c.due_at
    return _enrollments(due.is_not(None), due < since.late)


def claims_over(since: Since) -> Select[Any]:
    return _messages(messages.c.state == MessageState.CLAIMED, messages.c.lease_until < since.late)


def doubts_of_the_dead(since: Since) -> Select[Any]:
    return _messages(_IN_DOUBT, messages.c.sending_at < since.late, ~_sender_lives())


def doubts_of_the_living(since: Since) -> Select[Any]:
    return _messages(_IN_DOUBT, messages.c.sending_at < since.late, _sender_lives())


def unresolved(since: Since) -> Select[Any]:  # noqa: ARG001  # one signature for all checks
    return _messages(messages.c.state == MessageState.UNRESOLVED)


def overdue_evaluations(since: Since) -> Select[Any]:
    return (
        select(campaigns.c.name.label("subject"), evaluations.c.id)
        .join(campaigns, campaigns.c.id == evaluations.c.campaign_id)
        .where(evaluations.c.recorded_at.is_(None), evaluations.c.due_at < since.late)
    )


def waiting_for_the_final(since: Since) -> Select[Any]:
    """All their messages are final, so none can be accepted any more; the next plan lets them go on."""
    last = (
        select(func.max(messages.c.finished_at))
        .where(messages.c.enrollment_id == enrollments.c.id)
        .correlate(enrollments)
        .scalar_subquery()
    )
    return _enrollments(
        enrollments.c.due_at.is_(None), ~_has_message(open_only=True), last < since.late
    )


def waiting_for_nothing(since: Since) -> Select[Any]:
    waiting = enrollments.c.due_at.is_(None)
    return _enrollments(waiting, ~_has_message(), enrollments.c.enrolled_at < since.late)


def interrupted_imports(since: Since) -> Select[Any]:
    return select(imports.c.kind.label("subject"), imports.c.id).where(
        or_(
            imports.c.state == "failed",
            (imports.c.state == "running") & (imports.c.started_at < since.late),
        ),
        ~runs.was_repeated(),
    )


def paused_campaigns(since: Since) -> Select[Any]:  # noqa: ARG001  # one signature for all checks
    return select(campaigns.c.name.label("subject"), campaigns.c.id).where(
        campaigns.c.state == "paused"
    )


def stopped_dispatch(since: Since) -> Select[Any]:  # noqa: ARG001  # one signature for all checks
    return select(literal("dispatch").label("subject"), instance.c.id).where(
        instance.c.dispatch_stopped.is_not(None)
    )


def quarantined_places(since: Since) -> Select[Any]:  # noqa: ARG001  # one signature for all checks
    return select(heartbeats.c.host.label("subject"), heartbeats.c.place.label("id")).where(
        heartbeats.c.suspicion.is_not(None)
    )


def _messages(*conditions: ColumnElement[bool]) -> Select[Any]:
    return (
        select(campaigns.c.name.label("subject"), messages.c.id)
        .join(campaigns, campaigns.c.id == messages.c.campaign_id)
        .where(*conditions)
    )


def _enrollments(*conditions: ColumnElement[bool]) -> Select[Any]:
    return (
        select(campaigns.c.name.label("subject"), enrollments.c.id)
        .join(campaigns, campaigns.c.id == enrollments.c.campaign_id)
        .where(enrollments.c.wave.is_not(None), _RUNNING, *conditions)
    )


def _has_message(*, open_only: bool = False) -> ColumnElement[bool]:
    own = select(messages.c.id).where(messages.c.enrollment_id == enrollments.c.id)
    if open_only:
        own = own.where(messages.c.state.in_(OPEN_STATES))
    return exists(own.correlate(enrollments))


def _sender_lives() -> ColumnElement[bool]:
    return exists(
        select(dispatchers.c.owner)
        .where(dispatchers.c.owner == messages.c.owner, dispatchers.c.dead_at.is_(None))
        .correlate(messages)
    )
