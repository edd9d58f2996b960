"""Plan what is due: who returned, who is withheld, who is written to, with which coupon."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from orchestrator.domain.calendar import awake_at, due_at
from orchestrator.domain.messages import Reason
from orchestrator.playbooks import Definition, Wave
from orchestrator.playbooks.schedule import last_action, tracks_beginning
from orchestrator.store import coupons, enrollments, evaluations, moments, planning
from orchestrator.store.apart import keep_apart
from orchestrator.store.campaigns import StoredCampaign
from orchestrator.store.chunk import Chunk, Zone
from orchestrator.store.coupons import Grant
from orchestrator.store.database import Connection, Database


@dataclass(slots=True)
class PlanReport:
    messages: int = 0
    coupons: int = 0
    purchased: int = 0  #: left because they bought again
    cancelled: int = 0  #: left because their order was cancelled or refunded
    same_person: int = 0  #: left because another of their profiles was in the campaign first
    steps: set[tuple[str, int]] = field(default_factory=set)


def plan(
    database: Database,
    campaign: StoredCampaign,
    definition: Definition,
    *,
    now: datetime,
    random_bytes: Callable[[int], bytes],
) -> PlanReport:
    """Plan every step whose moment has come, a chunk a transaction; again changes nothing."""
    report = PlanReport()
    with database.read() as connection:
        anybody_waits = enrollments.anybody_waits(connection, campaign.id)
    if anybody_waits:
        with database.write() as connection:
            planning.lock_campaign(connection, campaign.id)
            enrollments.release(connection, campaign.id, definition)
    while steps := _due_steps(database, campaign, now):
        for name, occurrence in steps:
            report.steps.add((name, occurrence))
            step = _Step(campaign, definition, definition.wave_named(name), occurrence)
            while _plan_chunk(database, step, now, random_bytes, report):
                pass
    return report


@dataclass(frozen=True, slots=True)
class _Step:
    campaign: StoredCampaign
    definition: Definition
    wave: Wave
    occurrence: int

    def chunk(self, until: datetime, now: datetime) -> Chunk:
        return Chunk(
            campaign_id=self.campaign.id,
            salt=self.campaign.salt,
            definition=self.definition,
            wave=self.wave,
            occurrence=self.occurrence,
            until=until,
            now=now,
        )


def _due_steps(
    database: Database, campaign: StoredCampaign, now: datetime
) -> list[tuple[str, int]]:
    with database.read() as connection:
        return enrollments.due_steps(connection, campaign.id, now)


def _plan_chunk(
    database: Database,
    step: _Step,
    now: datetime,
    random_bytes: Callable[[int], bytes],
    report: PlanReport,
) -> bool:
    """Plan one chunk in one transaction; False where nothing of the step is due any more."""
    wave, campaign_id = step.wave, step.campaign.id
    with database.write() as connection:
        planning.lock_campaign(connection, campaign_id)
        until = planning.chunk_end(connection, campaign_id, wave.wave, step.occurrence, now)
        if until is None:
            return False
        chunk = planning.with_others(connection, step.chunk(until, now))
        gone = planning.let_go(connection, chunk)
        report.cancelled += gone[Reason.ORDER_CANCELLED]
        report.same_person += gone[Reason.SAME_PERSON]
        report.purchased += gone[Reason.PURCHASED]
        planning.expire_older(connection, chunk)
        keep_apart(connection, chunk)
        written = write_chunk(connection, chunk, random_bytes)
        report.messages += written.messages
        report.coupons += written.coupons
        _schedule_evaluations(connection, chunk, written.zones)
        if wave.late == "shift":
            planning.shift_late(connection, chunk)
        planning.move_on(connection, chunk)
    return True


@dataclass(frozen=True, slots=True)
class Written:
    zones: list[Zone]
    messages: int
    coupons: int


def write_chunk(
    connection: Connection, chunk: Chunk, random_bytes: Callable[[int], bytes]
) -> Written:
    """Write the chunk's messages and the coupons that they bring."""
    zones = list(_zones(connection, chunk))
    written = planning.write_messages(connection, chunk, zones)
    issued = sum(
        coupons.issue(connection, chunk, grant, random_bytes)
        for grant in _grants(chunk.definition, chunk.wave)
    )
    if chunk.wave.reminds is not None:
        coupons.bring_again(connection, chunk)
    return Written(zones, written, issued)


def _zones(connection: Connection, chunk: Chunk) -> Iterator[Zone]:
    definition, wave = chunk.definition, chunk.wave
    for name in planning.zones_of(connection, chunk):
        zone = ZoneInfo(name)
        would_go_at = awake_at(chunk.now, definition.quiet_hours, zone)
        day = would_go_at.astimezone(definition.zone).date()
        yield Zone(
            timezone=name,
            would_go_at=would_go_at,
            send_id=planning.ensure_send(connection, chunk, day),
            expires_at=due_at(would_go_at, wave.grace, zone) if wave.late == "skip" else None,
        )


def _grants(definition: Definition, wave: Wave) -> Iterator[Grant]:
    for variant in wave.variants:
        if variant.offer is not None:
            yield _grant(definition, variant.offer, (variant.variant,))
    if wave.offer is not None:
        yield _grant(definition, wave.offer, None)


def _grant(definition: Definition, name: str, variants: tuple[str, ...] | None) -> Grant:
    offer = definition.offers[name]
    other = offer.otherwise and _grant(definition, offer.otherwise, variants)
    return Grant(name=name, offer=offer, variants=variants, otherwise=other or None)


def _schedule_evaluations(connection: Connection, chunk: Chunk, zones: list[Zone]) -> None:
    """Every send gets its evaluation in the transaction that creates it; so do groups and the whole."""
    evaluate = chunk.definition.evaluate
    lag = evaluate.lag.timedelta
    for send_id in {zone.send_id for zone in zones}:
        last = max(zone.would_go_at for zone in zones if zone.send_id == send_id)
        due = last + evaluate.sends.timedelta + lag
        evaluations.schedule(connection, send_id, chunk.campaign_id, "send", "", due)
        begins = tracks_beginning(chunk.definition, chunk.wave.wave)
        if chunk.occurrence or not begins:
            continue
        if evaluate.overall is not None:
            due = last + evaluate.overall.span.timedelta + lag
            evaluations.schedule(connection, send_id, chunk.campaign_id, "overall", "", due)
        _schedule_groups(connection, chunk, send_id, begins, lag_from=last)


def _schedule_groups(
    connection: Connection, chunk: Chunk, send_id: int, tracks: list[str], *, lag_from: datetime
) -> None:
    definition, evaluate = chunk.definition, chunk.definition.evaluate
    for track in tracks:
        last = last_action(definition, track)
        if last is None or evaluate.groups is None:
            continue
        for scope, ends_at in moments.group_ends(connection, send_id, definition, track, last.wave):
            due = max(ends_at, lag_from) + evaluate.groups.timedelta + evaluate.lag.timedelta
            evaluations.schedule(connection, send_id, chunk.campaign_id, "group", scope, due)
