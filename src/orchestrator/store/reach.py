"""On which channel an enrollment can be reached for a wave, and what stands in the way."""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Subquery,
    and_,
    case,
    exists,
    false,
    literal,
    not_,
    null,
    or_,
    select,
)

from orchestrator.domain.arms import Arm, lots_of, variant_bounds, variant_salt, wave_salt
from orchestrator.domain.messages import Channel, MessageState, Reason, WaveKind
from orchestrator.playbooks.schedule import steps_of
from orchestrator.store import functions, persons
from orchestrator.store.chunk import Chunk
from orchestrator.store.tables import (
    consents,
    customers,
    enrollments,
    messages,
    micros,
    suppressions,
)

_HASHES = {Channel.SMS: customers.c.phone_hash, Channel.EMAIL: customers.c.email_hash}


def judged(chunk: Chunk, zones: Subquery, lacking: ColumnElement[Any]) -> Subquery:
    """
    Return one row a treated enrollment of the chunk: way and address, variant, state and reason.

    Filters come before the lot: who cannot be reached is not part of the experiment, nor who has no
    coupon coming (``lacking``). ``way`` is the channel, or the reason why there is none. Whoever was
    due first comes first.
    """
    due = computed_once(_due(chunk, zones, lacking), "due")
    found = due.c
    closed = found.way.not_in([channel.value for channel in Channel])
    state = case(
        (found.late, MessageState.EXPIRED.value),
        (found.missed | closed | found.lacks.is_not(None), MessageState.SKIPPED.value),
        (found.held_out, MessageState.WITHHELD.value),
        else_=MessageState.PLANNED.value,
    )
    reason = case(
        (found.late, Reason.LATE.value),
        (found.missed, Reason.PREVIOUS_MISSED.value),
        (closed, found.way),
        (found.lacks.is_not(None), found.lacks),
        (found.held_out, Reason.HELD_OUT.value),
    )
    told = select(due, state.label("state"), reason.label("reason"))
    return computed_once(told.where(found.enrollment_id.is_not(None)), "judged")


def computed_once(query: Select[Any], name: str) -> Subquery:
    """
    Keep both databases from copying an expression to every place that asks for its column.

    PostgreSQL does not look behind an offset; SQLite does not where the outer query has a WHERE.
    """
    return query.offset(0).subquery(name)


def in_chunk(chunk: Chunk) -> list[ColumnElement[bool]]:
    columns = enrollments.c
    return [
        columns.campaign_id == chunk.campaign_id,
        columns.wave == chunk.wave.wave,
        columns.occurrence == chunk.occurrence,
        columns.due_at.is_not(None),
        columns.due_at <= chunk.until,
    ]


def may_write(kind: WaveKind, channel: Channel) -> ColumnElement[bool]:
    """
    Whether the customer's consents allow this kind of message on the channel.

    Marketing needs a consent that was given; service needs one that was not taken back.
    """
    told = exists().where(
        consents.c.customer_id == customers.c.id,
        consents.c.channel == channel,
        consents.c.purpose == kind.purpose,
        consents.c.granted.is_(kind.purpose == "marketing"),
    )
    return told if kind.purpose == "marketing" else ~told


def suppressed(channel: Channel, address_hash: ColumnElement[Any]) -> ColumnElement[bool]:
    return exists().where(
        suppressions.c.channel == channel,
        suppressions.c.address_hash == address_hash,
        suppressions.c.lifted_at.is_(None),
    )


def open_for(
    kind: WaveKind,
    channel: Channel,
    address_hash: ColumnElement[Any],
    others: Subquery | None,
) -> ColumnElement[bool]:
    """Whether the customer could be written to there now."""
    return (
        address_hash.is_not(None)
        & may_write(kind, channel)
        & ~suppressed(channel, address_hash)
        & ~persons.is_refused(others, kind.purpose, channel)
        & ~persons.has_opted_out(others, channel)
    )


def _due(chunk: Chunk, zones: Subquery, lacking: ColumnElement[Any]) -> Select[Any]:
    columns = enrollments.c
    return (
        select(
            columns.id.label("enrollment_id"),
            columns.customer_id,
            zones.c.would_go_at,
            zones.c.send_id,
            zones.c.expires_at,
            _held_out(chunk).label("held_out"),
            variant_of(chunk).label("variant"),
            is_late(chunk).label("late"),
            _missed(chunk).label("missed"),
            _way(chunk).label("way"),
            lacking.label("lacks"),
            *(address.label(f"{channel}_hash") for channel, address in _HASHES.items()),
        )
        .join_from(enrollments, customers, customers.c.id == columns.customer_id)
        .join(zones, zones.c.timezone == columns.timezone)
        .where(*in_chunk(chunk), columns.arm == Arm.TREATED)
        .order_by(columns.due_at, columns.id)
    )


def _held_out(chunk: Chunk) -> ColumnElement[bool]:
    if not chunk.wave.holdout:
        return false()
    salt = wave_salt(chunk.salt, chunk.wave.wave, chunk.occurrence)
    return functions.lot(enrollments.c.person, salt) < lots_of(chunk.wave.holdout)


def variant_of(chunk: Chunk) -> ColumnElement[Any]:
    """The variant that the person's lot falls to; null where the wave has none."""
    variants = chunk.wave.variants
    if not variants:
        return null()
    lot = functions.lot(enrollments.c.person, variant_salt(chunk.salt, chunk.wave.wave))
    bounds = variant_bounds([variant.share for variant in variants])
    return case(
        *(
            (lot < bound, literal(variant.variant))
            for variant, bound in zip(variants, bounds, strict=True)
        )
    )


def is_late(chunk: Chunk) -> ColumnElement[bool]:
    """Too late for its policy, or its next repeat is due as well: repeats never pile up."""
    wave, columns = chunk.wave, enrollments.c
    late: ColumnElement[bool] = false()
    if wave.late == "skip":
        grace = functions.due_at(columns.due_at, wave.grace, columns.timezone, None)
        late = grace < micros(chunk.now)
    # A wave that shifts moves its later repeats along: none of them is due as well.
    more_to_come = wave.repeat is not None and chunk.occurrence + 1 < wave.occurrences
    if wave.repeat and more_to_come and wave.late != "shift":
        nearest = functions.due_at(columns.due_at, wave.repeat.every, columns.timezone, None)
        late = late | (nearest <= micros(chunk.now))
    return late


def _missed(chunk: Chunk) -> ColumnElement[bool]:
    """The wave that this one follows never arrived, and the playbook says to skip then."""
    wave = chunk.wave
    if wave.if_missed != "skip" or wave.after.wave is None:
        return false()
    awaited = messages.alias("awaited")
    arrived = exists().where(
        awaited.c.enrollment_id == enrollments.c.id,
        awaited.c.wave == wave.after.wave,
        awaited.c.occurrence == 0,
        awaited.c.accepted_at.is_not(None) | (awaited.c.state == MessageState.WITHHELD),
    )
    follows = [
        track
        for track in chunk.definition.tracks
        if any(s.wave == wave.wave and s.follows for s in steps_of(chunk.definition, track))
    ]
    return and_(enrollments.c.track.in_(follows), ~arrived)


def _way(chunk: Chunk) -> ColumnElement[Any]:
    wave = chunk.wave
    own = {v.variant: _first_open(v.channels, chunk) for v in wave.variants if v.channels}
    general = _first_open(wave.channels, chunk)
    return case(own, value=variant_of(chunk), else_=general) if own else general


def _first_open(channels: tuple[Channel, ...], chunk: Chunk) -> ColumnElement[Any]:
    """The first channel that is open, or why all of them are closed; no check is made in vain."""
    kind, others = chunk.wave.kind, chunk.others
    addressed = {channel: _HASHES[channel].is_not(None) for channel in channels}
    free = {
        channel: addressed[channel]
        & ~suppressed(channel, _HASHES[channel])
        & ~persons.has_opted_out(others, channel)
        for channel in channels
    }
    allowed = {
        channel: may_write(kind, channel) & ~persons.is_refused(others, kind.purpose, channel)
        for channel in channels
    }
    return case(
        *((free[one] & allowed[one], literal(one.value)) for one in channels),
        (not_(or_(*addressed.values())), literal(Reason.NO_ADDRESS.value)),
        (not_(or_(*free.values())), literal(Reason.SUPPRESSED.value)),
        else_=literal(Reason.NO_CONSENT.value),
    )
