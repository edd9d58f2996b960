"""Who is in a campaign, and where each of them stands."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    Select,
    Subquery,
    bindparam,
    case,
    exists,
    false,
    func,
    literal,
    null,
    select,
    type_coerce,
    update,
)
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from orchestrator.domain.arms import Arm, campaign_salt, lots_of
from orchestrator.domain.messages import OPEN_STATES, Reason
from orchestrator.playbooks.model import Definition
from orchestrator.playbooks.schedule import Step, steps_of
from orchestrator.playbooks.texts import language_of, nearest_locale
from orchestrator.store import functions
from orchestrator.store.audience.windows import window_of
from orchestrator.store.dialects import insert_on
from orchestrator.store.intake import runs
from orchestrator.store.tables import customers, enrollments, messages, micros, orders

Columns = ReadOnlyColumnCollection[str, ColumnElement[Any]]
_COLUMNS = (
    "campaign_id", "customer_id", "person", "order_id", "anchor_at", "track", "category",
    "locale", "timezone", "arm", "enrolled_at", "wave", "occurrence", "due_at",
    "returns_from",
)  # fmt: skip


def enroll(
    connection: Connection,
    *,
    campaign_id: int,
    salt: str,
    definition: Definition,
    admitted: Select[Any],
    default_locale: str,
    now: datetime,
    from_half: bool = False,
) -> int:
    """
    Enroll the admitted who have a track and whose person is not in yet; return how many.

    Nobody while an import is half in, unless ``from_half``. The statement that enrolls asks that
    itself, so that no import can begin in between.

    Of several orders, and of several profiles of one person, the first order brings them in.

    The lot is drawn here, once: the campaign holdout is stored before the first message leaves, and
    walks as far as its track's first wave, to be compared with those who are written to there.
    """
    # In a campaign's first enrollment, mostly by far the largest, there is nobody to look for.
    first = not connection.execute(_ANYBODY, {"campaign": campaign_id}).scalar_one()
    known = None if first else campaign_id
    found = _drawn(definition, admitted, salt, known_in=known).c
    chosen = select(
        literal(campaign_id),
        found.customer_id,
        found.person,
        found.order_id,
        found.anchor_at,
        found.track,
        found.category,
        _locale(definition, found, default_locale),
        found.timezone,
        found.arm,
        literal(micros(now), BigInteger),
        _first_wave(definition, found),
        literal(0, Integer),
        _first_due(definition, found, now),
        _returns_from(definition),
    ).where(found.track.is_not(None))
    if not from_half:
        chosen = chosen.where(runs.nothing_is_half(now))
    enrolled = insert_on(connection)(enrollments).from_select(_COLUMNS, chosen)
    enrolled = enrolled.on_conflict_do_nothing()
    return int(connection.execute(enrolled).rowcount)


_DUE_STEPS = (
    select(enrollments.c.wave, enrollments.c.occurrence)
    .where(enrollments.c.campaign_id == bindparam("campaign"))
    .where(enrollments.c.due_at.is_not(None), enrollments.c.due_at <= bindparam("now"))
    .distinct()
)


def due_steps(connection: Connection, campaign_id: int, now: datetime) -> list[tuple[str, int]]:
    """Return the (wave, occurrence) pairs for which somebody's moment has come."""
    found = connection.execute(_DUE_STEPS, {"campaign": campaign_id, "now": now})
    return [(row.wave, row.occurrence) for row in found]


_ANYBODY = select(exists().where(enrollments.c.campaign_id == bindparam("campaign")))
_WAITING = select(
    exists().where(
        enrollments.c.campaign_id == bindparam("campaign"),
        enrollments.c.due_at.is_(None),
        enrollments.c.wave.is_not(None),
    )
)


def anybody_waits(connection: Connection, campaign_id: int) -> bool:
    """Whether a step waits for an earlier wave's acceptance."""
    return bool(connection.execute(_WAITING, {"campaign": campaign_id}).scalar_one())


def release(connection: Connection, campaign_id: int, definition: Definition) -> int:
    """Give a due moment to those who waited for an earlier wave's message that is final now."""
    waiting = enrollments.c
    released = 0
    for track in definition.tracks:
        for step in steps_of(definition, track):
            if step.follows is None or step.occurrence:
                continue
            freed = (
                update(enrollments)
                .where(waiting.campaign_id == campaign_id, waiting.wave == step.wave)
                .where(waiting.due_at.is_(None), waiting.wave.is_not(None))
                .where(waiting.track == track)
                .where(_settled_at(step).is_not(None))
                .values(due_at=step_due(step))
            )
            released += connection.execute(freed).rowcount
    return released


def step_due(step: Step) -> ColumnElement[Any]:
    """When a step is due for the enrollment at hand; null while the wave it follows is under way."""
    columns = enrollments.c
    if step.follows is None:
        due = functions.due_at(columns.anchor_at, step.span, columns.timezone, None)
    else:
        due = functions.due_at(_settled_at(step), step.span, columns.timezone, None)
    return due + columns.shifted


def _settled_at(step: Step) -> ColumnElement[Any]:
    """When the followed wave's message was accepted, or would have gone; null while it is open."""
    awaited = messages.alias("awaited")
    return (
        select(func.coalesce(awaited.c.accepted_at, awaited.c.would_go_at, type_=BigInteger))
        .where(awaited.c.enrollment_id == enrollments.c.id, awaited.c.wave == step.follows)
        .where(awaited.c.occurrence == 0, awaited.c.state.not_in(OPEN_STATES))
        .correlate(enrollments)
        .scalar_subquery()
    )


def next_due(connection: Connection, campaign_id: int) -> datetime | None:
    """The next moment at which a step of the campaign is due, whether past or to come."""
    columns = enrollments.c
    earliest = select(func.min(columns.due_at)).where(
        columns.campaign_id == campaign_id, columns.due_at.is_not(None)
    )
    found: datetime | None = connection.execute(earliest).scalar_one()
    return found


def stop(connection: Connection, campaign_id: int, now: datetime) -> int:
    """End every walk that is still under way."""
    columns = enrollments.c
    ended = (
        update(enrollments)
        .where(columns.campaign_id == campaign_id, columns.wave.is_not(None))
        .values(wave=None, due_at=None, exited_at=now, exit_reason=Reason.CAMPAIGN_STOPPED)
    )
    return connection.execute(ended).rowcount


def _drawn(
    definition: Definition, admitted: Select[Any], salt: str, *, known_in: int | None
) -> Subquery:
    found = admitted.subquery("admitted")
    known = false() if known_in is None else _known(found, known_in)
    arm: ColumnElement[str] = literal(Arm.TREATED.value)
    if definition.holdout:
        lot = functions.lot(found.c.person, campaign_salt(salt))
        arm = case((lot < lots_of(definition.holdout), Arm.HOLDOUT.value), else_=Arm.TREATED.value)
    # The offset keeps both databases from copying the lot to every place that asks for the arm.
    drawn = select(found, arm.label("arm")).where(~known)
    return (
        drawn.order_by(found.c.placed_at, found.c.customer_id, found.c.order_id)
        .offset(0)
        .subquery("drawn")
    )


def _known(found: Subquery, campaign_id: int) -> ColumnElement[bool]:
    """Whether the person is in already, as they were known then or as they are known today."""
    enrolled, profile = enrollments.c, customers.alias("profile")
    as_then = exists().where(enrolled.campaign_id == campaign_id, enrolled.person == found.c.person)
    as_today = exists().where(
        profile.c.person == found.c.person,
        enrolled.customer_id == profile.c.id,
        enrolled.campaign_id == campaign_id,
    )
    return as_then | as_today


def _returns_from(definition: Definition) -> ColumnElement[Any]:
    """From when on a purchase is a return: not while the event is still going on."""
    window = window_of(definition.audience, definition.zone)
    if window is None or definition.anchor != "order":
        return null()
    return literal(micros(window.ends), BigInteger)


def bought_since(now: datetime) -> ColumnElement[bool]:
    """Whether the person of the enrollment at hand came back and bought, under whatever profile."""
    own, buyer = customers.alias("own"), customers.alias("buyer")
    since = func.coalesce(enrollments.c.returns_from, enrollments.c.anchor_at, type_=BigInteger)
    return (
        select(orders.c.id)
        .join_from(own, buyer, buyer.c.person == own.c.person)
        .join(orders, orders.c.customer_id == buyer.c.id)
        .where(own.c.id == enrollments.c.customer_id)
        .where(type_coerce(orders.c.placed_at, BigInteger) >= since)
        .where(orders.c.placed_at > enrollments.c.anchor_at)
        # A clock that plays the past must not see what comes later.
        .where(orders.c.placed_at <= now)
        .where(orders.c.counts.is_(True), orders.c.id != enrollments.c.order_id)
        .correlate(enrollments)
        .exists()
    )


def order_fell_through() -> ColumnElement[bool]:
    """Whether the order that brought the enrollment at hand in was cancelled or refunded in full."""
    return (
        select(orders.c.id)
        .where(orders.c.id == enrollments.c.order_id, orders.c.counts.is_(False))
        .correlate(enrollments)
        .exists()
    )


def _locale(definition: Definition, found: Columns, default: str) -> ColumnElement[str]:
    """As ``nearest_locale`` chooses, but that the shop's own serves whoever speaks none of them."""
    known = definition.locales
    asked = func.lower(func.replace(found.locale + "-", "_", "-"))
    first = {language_of(locale): locale for locale in reversed(known)}
    return case(
        (found.locale.in_(known), found.locale),
        *((asked == f"{locale.lower()}-", locale) for locale in known),
        *((asked.like(f"{language}-%"), first[language]) for language in first),
        else_=literal(nearest_locale(default, known)),
    )


def _first_wave(definition: Definition, found: Columns) -> ColumnElement[str]:
    return case(
        {track: steps_of(definition, track)[0].wave for track in definition.tracks},
        value=found.track,
    )


def _first_due(definition: Definition, found: Columns, now: datetime) -> ColumnElement[Any]:
    anchor, zone = type_coerce(found.anchor_at, BigInteger), found.timezone
    return case(
        *(
            (
                found.track == track,
                functions.due_near(
                    anchor,
                    steps_of(definition, track)[0].span,
                    zone,
                    now=now,
                    usual=definition.timezone,
                ),
            )
            for track in definition.tracks
        )
    )
