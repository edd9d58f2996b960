"""One step of a campaign, planned over the whole set: who returned, who is withheld, who is written to."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    String,
    Subquery,
    case,
    exists,
    false,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    text,
    type_coerce,
    update,
)

from orchestrator.domain.arms import Arm
from orchestrator.domain.messages import Channel, MessageState, Reason
from orchestrator.playbooks.schedule import Step, step_after
from orchestrator.store import functions, persons, reach
from orchestrator.store.bulk import is_one_of, rows_as_table
from orchestrator.store.chunk import Chunk, Zone
from orchestrator.store.dialects import insert_on
from orchestrator.store.enrollments import bought_since, order_fell_through, step_due
from orchestrator.store.entitlements import lacking
from orchestrator.store.reach import in_chunk
from orchestrator.store.tables import enrollments, messages, micros, sends

CHUNK = 50_000  #: enrollments planned in one transaction
_ADDRESS = ("campaign_id", "wave", "occurrence", "channel", "address_hash")
_LOCK = 2_718_281  # any number, the same in every process


def lock_campaign(connection: Connection, campaign_id: int) -> None:
    """Let one planner at a time work on a campaign; SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(
            text("SELECT pg_advisory_xact_lock(:lock, :campaign)"),
            {"lock": _LOCK, "campaign": campaign_id},
        )


def chunk_end(
    connection: Connection, campaign_id: int, wave: str, occurrence: int, now: datetime
) -> datetime | None:
    """Return the due moment up to which one transaction plans, or None where nothing is due."""
    columns = enrollments.c
    due = (
        select(columns.due_at)
        .where(columns.campaign_id == campaign_id, columns.wave == wave)
        .where(columns.occurrence == occurrence, columns.due_at.is_not(None))
        .where(columns.due_at <= now)
        .order_by(columns.due_at)
    )
    last = connection.execute(due.offset(CHUNK - 1).limit(1)).scalar()
    if last is None and connection.execute(due.limit(1)).first() is not None:
        return now
    return last


def with_others(connection: Connection, chunk: Chunk) -> Chunk:
    """Return the chunk with the other profiles of its persons."""
    asked = select(enrollments.c.customer_id).where(*in_chunk(chunk))
    pairs = persons.other_profiles(connection, asked)
    return replace(chunk, others=persons.as_table(connection, pairs))


def let_go(connection: Connection, chunk: Chunk) -> Counter[Reason]:
    """
    Let those leave who have no reason to hear more; return how many for which reason.

    The order that brought them in was cancelled or refunded, they turned out to be somebody who is
    in the campaign already, or they bought again since their anchor and the wave is not for those.
    """
    against = [(order_fell_through(), Reason.ORDER_CANCELLED)]
    if before := persons.enrolled_before(connection, chunk.others):
        among_them = is_one_of(connection, enrollments.c.id, before)
        against.append((among_them, Reason.SAME_PERSON))
    if chunk.wave.unless == "purchased":
        against.append((bought_since(chunk.now), Reason.PURCHASED))
    # What is asked last need not be asked again to name it.
    *others, (_, last) = against
    reason: ColumnElement[str] = literal(last.value)
    if others:
        reason = case(*((stands, name.value) for stands, name in others), else_=reason)
    left = (
        update(enrollments)
        .where(*in_chunk(chunk), or_(*(stands for stands, _ in against)))
        .values(wave=None, due_at=None, exited_at=chunk.now, exit_reason=reason)
        .returning(enrollments.c.exit_reason)
    )
    return Counter(connection.execute(left).scalars())


def zones_of(connection: Connection, chunk: Chunk) -> list[str]:
    found = select(enrollments.c.timezone).where(*in_chunk(chunk)).distinct()
    return [row.timezone for row in connection.execute(found)]


def ensure_send(connection: Connection, chunk: Chunk, day: Any) -> int:
    """Return the send of that day, made if there is none yet."""
    key = {
        "campaign_id": chunk.campaign_id,
        "wave": chunk.wave.wave,
        "occurrence": chunk.occurrence,
        "day": day,
    }
    found = connection.execute(select(sends.c.id).filter_by(**key)).scalar()
    if found is None:
        made = insert(sends).values(**key, created_at=chunk.now).returning(sends.c.id)
        found = connection.execute(made).scalar_one()
    return int(found)


def write_messages(connection: Connection, chunk: Chunk, zones: Sequence[Zone]) -> int:
    """Write one row an enrollment: planned, withheld by either lot, or skipped with its reason."""
    places = _zone_table(connection, zones)
    written = 0
    if chunk.definition.holdout and not chunk.occurrence:
        written += _insert(connection, _kept_out(chunk, places))
    decided = _decided(chunk, places, lacking(chunk, zones, places))
    # Of those who share a phone or an e-mail the first keeps it …
    written += _insert(connection, decided, unless_taken=_ADDRESS)
    if written < _count(connection, chunk):
        # … and the others are told why they get nothing.
        written += _insert(connection, _doubled(chunk, places))
    return written


def _insert(
    connection: Connection, chosen: Select[Any], *, unless_taken: Sequence[str] = ()
) -> int:
    columns = [column.name for column in chosen.selected_columns]
    written = insert_on(connection)(messages).from_select(columns, chosen)
    if unless_taken:
        written = written.on_conflict_do_nothing(index_elements=unless_taken)
    return int(connection.execute(written).rowcount)


def expire_older(connection: Connection, chunk: Chunk) -> int:
    """Repeats never pile up: what is still unsent of the occurrences before is over now."""
    if not chunk.occurrence:
        return 0
    columns = messages.c
    over = (
        update(messages)
        .where(columns.campaign_id == chunk.campaign_id, columns.wave == chunk.wave.wave)
        .where(columns.occurrence < chunk.occurrence)
        .where(columns.state == MessageState.PLANNED)
        .where(columns.enrollment_id.in_(select(enrollments.c.id).where(*in_chunk(chunk))))
        .values(state=MessageState.EXPIRED, reason=Reason.OVERTAKEN, finished_at=chunk.now)
    )
    return connection.execute(over).rowcount


def move_on(connection: Connection, chunk: Chunk) -> int:
    """
    Move everybody in the chunk to the next step of their track, or out at the end of the walk.

    For the campaign's holdout the first wave is the end.
    """
    moved = update(enrollments).where(*in_chunk(chunk)).values(**_whereto(chunk))
    return connection.execute(moved).rowcount


def shift_late(connection: Connection, chunk: Chunk) -> int:
    """Move the rest of the walk of those found late by as much as they are late."""
    columns = enrollments.c
    behind = micros(chunk.now) - type_coerce(columns.due_at, BigInteger)
    grace_over = functions.due_at(columns.due_at, chunk.wave.grace, columns.timezone, None)
    shifted = (
        update(enrollments)
        .where(*in_chunk(chunk), grace_over < micros(chunk.now))
        .values(shifted=enrollments.c.shifted + behind)
    )
    return connection.execute(shifted).rowcount


def _whereto(chunk: Chunk) -> dict[str, Any]:
    columns, left_at = enrollments.c, literal(micros(chunk.now), BigInteger)
    held_out = columns.arm == Arm.HOLDOUT
    reason = case((held_out, Reason.HELD_OUT.value), else_=Reason.COMPLETED.value)
    ahead = _steps_ahead(chunk)
    if not ahead:
        return {"wave": null(), "due_at": null(), "exited_at": left_at, "exit_reason": reason}
    goes = ~held_out & columns.track.in_(ahead)

    def by_track(value: Callable[[Step], Any]) -> ColumnElement[Any]:
        return case({track: value(step) for track, step in ahead.items()}, value=columns.track)

    return {
        "wave": case((goes, by_track(lambda step: step.wave))),
        "occurrence": case(
            (goes, by_track(lambda step: step.occurrence)), else_=columns.occurrence
        ),
        "due_at": case((goes, by_track(step_due))),
        "exited_at": case((~goes, left_at)),
        "exit_reason": case((~goes, reason)),
    }


def _steps_ahead(chunk: Chunk) -> dict[str, Step]:
    """Return the next step of each track that goes on."""
    definition, wave = chunk.definition, chunk.wave
    found = {
        track: step_after(definition, track, wave.wave, chunk.occurrence)
        for track in wave.tracks or definition.tracks
    }
    return {track: step for track, step in found.items() if step is not None}


def _count(connection: Connection, chunk: Chunk) -> int:
    counted = select(func.count()).select_from(enrollments).where(*in_chunk(chunk))
    return int(connection.execute(counted).scalar_one())


def _decided(chunk: Chunk, zones: Subquery, lacks: ColumnElement[Any]) -> Select[Any]:
    found = reach.judged(chunk, zones, lacks).c
    withheld = found.state == MessageState.WITHHELD.value
    goes = found.state == MessageState.PLANNED.value
    by_channel = [
        ((goes | withheld) & (found.way == channel.value), found[f"{channel}_hash"])
        for channel in Channel
    ]
    return select(
        found.send_id,
        found.enrollment_id,
        found.customer_id,
        *_alike(chunk),
        case((withheld, Arm.HOLDOUT.value), else_=Arm.TREATED.value).label("arm"),
        (goes | withheld).label("assigned"),
        case((withheld, null()), else_=found.variant).label("variant"),
        case((goes | withheld, found.way)).label("channel"),
        case(*by_channel).label("address_hash"),
        found.state,
        found.reason,
        found.would_go_at.label("due_at"),
        found.would_go_at.label("would_go_at"),
        found.expires_at,
        case((goes, null()), else_=literal(micros(chunk.now), BigInteger)).label("finished_at"),
    ).where(found.enrollment_id.is_not(None))


def _doubled(chunk: Chunk, zones: Subquery) -> Select[Any]:
    """Everybody of the chunk who has no message although nothing but the address is in the way."""
    columns = enrollments.c
    told = exists().where(
        messages.c.enrollment_id == columns.id,
        messages.c.wave == chunk.wave.wave,
        messages.c.occurrence == chunk.occurrence,
    )
    return (
        select(
            zones.c.send_id,
            columns.id.label("enrollment_id"),
            columns.customer_id,
            *_alike(chunk),
            _constant(Arm.TREATED.value, "arm"),
            false().label("assigned"),
            reach.variant_of(chunk).label("variant"),
            _constant(MessageState.SKIPPED.value, "state"),
            _constant(Reason.SAME_ADDRESS.value, "reason"),
            zones.c.would_go_at.label("due_at"),
            zones.c.would_go_at.label("would_go_at"),
            zones.c.expires_at,
            _constant(micros(chunk.now), "finished_at"),
        )
        .join_from(enrollments, zones, zones.c.timezone == columns.timezone)
        .where(*in_chunk(chunk), columns.arm == Arm.TREATED, ~told)
    )


def _kept_out(chunk: Chunk, zones: Subquery) -> Select[Any]:
    """The campaign's holdout: in the first wave's send as the treated are, but not in its lot."""
    columns = enrollments.c
    return (
        select(
            zones.c.send_id,
            columns.id.label("enrollment_id"),
            columns.customer_id,
            *_alike(chunk),
            _constant(Arm.HOLDOUT.value, "arm"),
            false().label("assigned"),
            _constant(MessageState.WITHHELD.value, "state"),
            _constant(Reason.HELD_OUT.value, "reason"),
            zones.c.would_go_at.label("due_at"),
            zones.c.would_go_at.label("would_go_at"),
            _constant(micros(chunk.now), "finished_at"),
        )
        .join_from(enrollments, zones, zones.c.timezone == columns.timezone)
        .where(*in_chunk(chunk), columns.arm == Arm.HOLDOUT)
    )


def _alike(chunk: Chunk) -> list[ColumnElement[Any]]:
    return [
        _constant(chunk.campaign_id, "campaign_id"),
        _constant(chunk.wave.wave, "wave"),
        _constant(chunk.occurrence, "occurrence"),
        _constant(chunk.wave.kind.value, "kind"),
        _constant(micros(chunk.now), "planned_at"),
    ]


def _zone_table(connection: Connection, zones: Iterable[Zone]) -> Subquery:
    rows = [
        (
            zone.timezone,
            micros(zone.would_go_at),
            zone.send_id,
            None if zone.expires_at is None else micros(zone.expires_at),
        )
        for zone in zones
    ]
    columns = {
        "timezone": String,
        "would_go_at": BigInteger,
        "send_id": BigInteger,
        "expires_at": BigInteger,
    }
    return reach.computed_once(select(rows_as_table(connection, "given", columns, rows)), "zones")


def _constant(value: int | str, name: str) -> Any:
    return literal(value, BigInteger if isinstance(value, int) else String).label(name)
