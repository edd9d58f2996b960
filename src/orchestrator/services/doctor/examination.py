"""Run every check over the whole database; nothing is changed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from orchestrator.playbooks import Definition, PlaybookError, reopen_playbook
from orchestrator.playbooks.schedule import steps_of
from orchestrator.services.doctor.complaints import COMPLAINTS, Severity
from orchestrator.store import audit, campaigns
from orchestrator.store.campaigns import StoredCampaign
from orchestrator.store.database import Connection, Database, DatabaseUnsafeError
from orchestrator.store.inspection import Since, run, sums
from orchestrator.store.schema import SchemaOutdatedError, assert_current


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    kind: str
    severity: Severity
    subject: str  #: a campaign's name, or what else it is about
    count: int
    example: str | None  #: an id to look at
    what: str
    remedy: str  #: safe at any time


DefinitionOf = Callable[[StoredCampaign], Definition]


def pinned_definition(campaign: StoredCampaign) -> Definition:
    return reopen_playbook(campaign.files).definition


def doctor(
    database: Database, now: datetime, *, definition_of: DefinitionOf = pinned_definition
) -> list[Finding]:
    """Return all that is stuck, late or does not add up; empty where everything is well."""
    try:
        assert_current(database)
    except SchemaOutdatedError as error:
        # Nothing else can be asked of tables that are not there.
        return [_whole("schema_outdated", str(error), "orchestrator init")]
    return [*_settings(database), *_rows(database, now, definition_of)]


def _settings(database: Database) -> Iterator[Finding]:
    try:
        database.assert_durable()
    except DatabaseUnsafeError as error:
        remedy = "set the database as it says; dispatch refuses to send until then"
        yield _whole("database_unsafe", str(error), remedy)


def _rows(database: Database, now: datetime, definition_of: DefinitionOf) -> list[Finding]:
    since = Since(now=now)
    with database.read() as connection:
        found = [
            Finding(
                kind=complaint.kind,
                severity=complaint.severity,
                subject=suspect.subject,
                count=suspect.count,
                example=suspect.example,
                what=complaint.what,
                remedy=complaint.remedy.format(subject=suspect.subject),
            )
            for complaint in COMPLAINTS
            for suspect in run(connection, complaint.check, since)
        ]
        for campaign in campaigns.every(connection):
            found += _ledger(connection, campaign, definition_of)
        return [*found, *_audit(connection)]


def _ledger(
    connection: Connection, campaign: StoredCampaign, definition_of: DefinitionOf
) -> Iterator[Finding]:
    """Every enrollment has one message for each step behind it, and none for those ahead."""
    try:
        definition = definition_of(campaign)
    except PlaybookError as error:
        yield _of(campaign, "playbook_unreadable", str(error), 1, "the version that launched it")
        return
    standing = sums.standing(connection, campaign.id)
    written = dict(sums.written(connection, campaign.id))
    for track in definition.tracks:
        places: list[tuple[str | None, int]] = [
            (step.wave, step.occurrence) for step in steps_of(definition, track)
        ]
        here = {place[1:]: counts for place, counts in standing.items() if place[0] == track}
        gone = sum(left for _, left in here.values())
        ended = sum(count for (wave, _), (count, _) in here.items() if wave is None)
        for position, (wave, occurrence) in enumerate(places):
            past = ended + sum(here.get(place, (0, 0))[0] for place in places[position + 1 :])
            count = written.pop((track, wave, occurrence), 0)
            if not past <= count <= past + gone:
                what = (
                    f"{wave} #{occurrence + 1} of track {track} has {count:,} messages; "
                    f"{past:,} enrollments are past it and {gone:,} left on the way"
                )
                yield _of(campaign, "ledger_gap", what, abs(count - past))
    for (track, wave, occurrence), count in sorted(written.items(), key=str):
        what = f"{wave} #{occurrence + 1} of track {track} is no step of the playbook"
        yield _of(campaign, "ledger_gap", what, count)


def _audit(connection: Connection) -> Iterator[Finding]:
    broken = audit.verify(connection)
    if broken is not None:
        what = "the audit log was changed: this entry does not follow from the one before"
        remedy = "compare with the last backup; nothing repairs it"
        yield _whole("audit_broken", what, remedy, example=str(broken))


def _whole(kind: str, what: str, remedy: str, example: str | None = None) -> Finding:
    return Finding(
        kind=kind,
        severity=Severity.WRONG,
        subject="database",
        count=1,
        example=example,
        what=what,
        remedy=remedy,
    )


def _of(
    campaign: StoredCampaign, kind: str, what: str, count: int, remedy: str | None = None
) -> Finding:
    return Finding(
        kind=kind,
        severity=Severity.WRONG,
        subject=campaign.name,
        count=count,
        example=None,
        what=what,
        remedy=remedy or f"orchestrator pause {campaign.name}",
    )
