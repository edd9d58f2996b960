"""When a wave would reach an enrollment, as SQL, for those whom no message tells."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, FromClause, case, func, select

from orchestrator.domain.evaluations import group_scope
from orchestrator.playbooks.model import Definition
from orchestrator.playbooks.schedule import Step, steps_of
from orchestrator.store import functions
from orchestrator.store.tables import enrollments, messages, moment


def would_be_at(
    definition: Definition, track: str, wave: str, enrollment: FromClause
) -> ColumnElement[Any]:
    """
    Return the moment the wave's first occurrence is due for an enrollment, as microseconds.

    Never before it was enrolled, and out of the quiet hours: alike for the treated and for the
    campaign holdout, whose walk ends at the first wave.
    """
    step = next(step for step in steps_of(definition, track) if step.wave == wave)
    return step_would_be_at(definition, track, step, enrollment)


def step_would_be_at(
    definition: Definition, track: str, step: Step, enrollment: FromClause
) -> ColumnElement[Any]:
    """``would_be_at`` for any occurrence."""
    anchor = _anchor(definition, track, step, enrollment)
    columns = enrollment.c
    due = functions.due_at(anchor, step.span, columns.timezone, None)
    earliest = case((due < columns.enrolled_at, columns.enrolled_at), else_=due)
    return functions.awake_at(earliest, columns.timezone, definition.quiet_hours)


def group_ends(
    connection: Connection, send_id: int, definition: Definition, track: str, last_wave: str
) -> list[tuple[str, datetime]]:
    """Return each group (track/category) of a first wave's send, and when its last action would be."""
    ends = would_be_at(definition, track, last_wave, enrollments)
    groups = (
        select(enrollments.c.category, func.max(ends, type_=BigInteger))
        .join_from(messages, enrollments, enrollments.c.id == messages.c.enrollment_id)
        .where(messages.c.send_id == send_id, enrollments.c.track == track)
        .group_by(enrollments.c.category)
    )
    return [
        (group_scope(track, category), moment(ends_at))
        for category, ends_at in connection.execute(groups)
    ]


def _anchor(
    definition: Definition, track: str, step: Step, enrollment: FromClause
) -> ColumnElement[Any]:
    if step.follows is None:
        return enrollment.c.anchor_at
    return would_be_at(definition, track, step.follows, enrollment)
