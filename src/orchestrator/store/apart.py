"""Two waves of one walk kept apart, after ticks that were missed and where one had to wait."""

from datetime import timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    ScalarSelect,
    and_,
    case,
    func,
    literal,
    select,
    type_coerce,
    update,
)

from orchestrator.domain.calendar import Span
from orchestrator.domain.messages import MessageState
from orchestrator.playbooks.schedule import gaps_before
from orchestrator.store import functions, reach
from orchestrator.store.chunk import Chunk
from orchestrator.store.reach import in_chunk
from orchestrator.store.tables import enrollments, messages, micros
from orchestrator.store.tables.types import MICROSECOND

_DAY = timedelta(days=1)
_WAITING = (MessageState.PLANNED, MessageState.CLAIMED)
_NEVER_GOES = (MessageState.SKIPPED, MessageState.EXPIRED, MessageState.CANCELLED)


def keep_apart(connection: Connection, chunk: Chunk) -> int:
    """
    Put off those who hear, or are about to hear, of another wave; return how many.

    After ticks that were missed several waves are due. No two messages of a walk are closer than
    planned, or than a day where more is planned. Who is too late for the wave by its own policy is
    left, to be found late.
    """
    moved = 0
    for track in chunk.wave.tracks or chunk.definition.tracks:
        apart = _apart(chunk, track)
        if apart is not None:
            near = [enrollments.c.track == track, apart > micros(chunk.now), apart > _awake(chunk)]
            walkers = update(enrollments).where(*in_chunk(chunk), *near, ~reach.is_late(chunk))
            moved += connection.execute(walkers.values(_put_off(chunk, apart))).rowcount
    return moved


def _apart(chunk: Chunk, track: str) -> ScalarSelect[Any] | None:
    """When enough time lies behind the walk's other messages; null where there are none."""
    gaps = gaps_before(chunk.definition, track, chunk.wave.wave, chunk.occurrence)
    if not gaps:
        return None
    columns, now = messages.c, micros(chunk.now)
    waits = columns.state.in_(_WAITING)
    went = func.coalesce(columns.sending_at, columns.would_go_at, type_=BigInteger)
    goes = type_coerce(columns.due_at, BigInteger)
    at = case((waits & (columns.due_at < now), literal(now, BigInteger)), (waits, goes), else_=went)
    day_later = functions.due_at(at, Span(days=1), enrollments.c.timezone, None)
    close = {
        and_(columns.wave == step.wave, columns.occurrence == step.occurrence): at
        + gap // MICROSECOND
        for step, gap in gaps.items()
        if gap < _DAY
    }
    free = case(*close.items(), else_=day_later) if close else day_later
    return (
        select(func.max(free, type_=BigInteger))
        .where(columns.enrollment_id == enrollments.c.id, columns.state.not_in(_NEVER_GOES))
        # Nothing that went two days ago or before is near.
        .where(waits | (went > now - 2 * _DAY // MICROSECOND))
        .correlate(enrollments)
        .scalar_subquery()
    )


def _awake(chunk: Chunk) -> ColumnElement[int]:
    now, quiet = literal(micros(chunk.now), BigInteger), chunk.definition.quiet_hours
    return functions.awake_at(now, enrollments.c.timezone, quiet)


def _put_off(chunk: Chunk, until: ColumnElement[Any]) -> dict[str, Any]:
    """A wave that shifts the rest of the walk when it is late shifts it by this as well."""
    if chunk.wave.late != "shift":
        return {"due_at": until}
    columns = enrollments.c
    behind = until - type_coerce(columns.due_at, BigInteger)
    grace_over = functions.due_at(columns.due_at, chunk.wave.grace, columns.timezone, None)
    shifts = case((grace_over < until, behind), else_=0)
    return {"due_at": until, "shifted": columns.shifted + shifts}
