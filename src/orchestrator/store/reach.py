"""On which channel an enrollment can be reached for a wave, and what stands in the way."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import (
    CTE,
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
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from orchestrator.domain.arms import lots_of, variant_bounds, variant_salt, wave_salt
from orchestrator.domain.messages import Channel, MessageState, Reason, WaveKind
from orchestrator.playbooks.model import Wave
from orchestrator.playbooks.schedule import steps_of
from orchestrator.store import functions
from orchestrator.store.chunk import Chunk
from orchestrator.store.tables import (
    consents,
    customers,
    enrollments,
    messages,
    micros,
    suppressions,
)

Columns = ReadOnlyColumnCollection[str, ColumnElement[Any]]
Answer = Callable[[tuple[Channel, ...], Columns], ColumnElement[Any]]
_HASHES = {Channel.SMS: customers.c.phone_hash, Channel.EMAIL: customers.c.email_hash}


def reachable(chunk: Chunk, zones: Subquery) -> CTE:
    """
    Return one row an enrollment of the chunk: channel and address, lot and variant, obstacle.

    Filters come before the lot: who cannot be reached is not part of the experiment.
    """
    due = computed_once(_due(chunk, zones), "due")
    opened = computed_once(
        select(due, _by_variant(chunk.wave, due.c, _first_open).label("channel")), "opened"
    )
    found = opened.c
    obstacle = case(
        (found.missed, Reason.PREVIOUS_MISSED.value),
        (found.channel.is_(None), _by_variant(chunk.wave, found, _why_closed)),
    )
    address = case(
        *(
            (found.channel == channel.value, found[f"{channel}_hash"])
            for channel in _channels(chunk.wave)
        )
    )
    return computed_once(
        select(opened, address.label("address_hash"), obstacle.label("obstacle")), "offered"
    )


def computed_once(query: Select[Any], name: str) -> CTE:
    """Keep both databases from copying an expression to every place that asks for its column."""
    return query.cte(name, nesting=True).prefix_with("MATERIALIZED")


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


def _due(chunk: Chunk, zones: Subquery) -> Select[Any]:
    columns = enrollments.c
    flags = [
        flag
        for channel in _channels(chunk.wave)
        for address in (_HASHES[channel],)
        for flag in (
            address.label(f"{channel}_hash"),
            suppressed(channel, address).label(f"{channel}_suppressed"),
            may_write(chunk.wave.kind, channel).label(f"{channel}_agreed"),
        )
    ]
    return (
        select(
            columns.id.label("enrollment_id"),
            columns.customer_id,
            zones.c.would_go_at,
            zones.c.send_id,
            zones.c.expires_at,
            _held_out(chunk).label("held_out"),
            variant_of(chunk).label("variant"),
            _late(chunk).label("late"),
            _missed(chunk).label("missed"),
            *flags,
        )
        .join_from(enrollments, customers, customers.c.id == columns.customer_id)
        .join(zones, zones.c.timezone == columns.timezone)
        .where(*in_chunk(chunk))
    )


def _channels(wave: Wave) -> list[Channel]:
    """Every channel that somebody of the wave may be written to on."""
    asked = {*wave.channels, *(c for variant in wave.variants for c in variant.channels or ())}
    return [channel for channel in Channel if channel in asked]


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


def _late(chunk: Chunk) -> ColumnElement[bool]:
    """Too late for its policy, or its next repeat is due as well: repeats never pile up."""
    wave, columns = chunk.wave, enrollments.c
    late: ColumnElement[bool] = false()
    if wave.late == "skip":
        grace = functions.due_at(columns.due_at, wave.grace, columns.timezone, None)
        late = grace < micros(chunk.now)
    if wave.repeat and chunk.occurrence + 1 < wave.occurrences:
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


def _by_variant(wave: Wave, found: Columns, answer: Answer) -> ColumnElement[Any]:
    own = {v.variant: answer(v.channels, found) for v in wave.variants if v.channels}
    general = answer(wave.channels, found)
    return case(own, value=found.variant, else_=general) if own else general


def _first_open(channels: tuple[Channel, ...], found: Columns) -> ColumnElement[Any]:
    return case(
        *(
            (
                found[f"{channel}_hash"].is_not(None)
                & found[f"{channel}_agreed"]
                & ~found[f"{channel}_suppressed"],
                literal(channel.value),
            )
            for channel in channels
        ),
        else_=null(),
    )


def _why_closed(channels: tuple[Channel, ...], found: Columns) -> ColumnElement[Any]:
    addressed = [found[f"{channel}_hash"].is_not(None) for channel in channels]
    free = [
        found[f"{channel}_hash"].is_not(None) & ~found[f"{channel}_suppressed"]
        for channel in channels
    ]
    return case(
        (not_(or_(*addressed)), Reason.NO_ADDRESS.value),
        (not_(or_(*free)), Reason.SUPPRESSED.value),
        else_=Reason.NO_CONSENT.value,
    )
