"""News from providers: kept, applied to its messages, and heeded at once where it says stop."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from orchestrator.domain.breaker import DEFAULT_LIMITS, BreakerLimits
from orchestrator.domain.messages import Channel, Fact
from orchestrator.domain.providers import Provider, ProviderEvent
from orchestrator.services import breaker
from orchestrator.store import contacts
from orchestrator.store.contacts import Suppression
from orchestrator.store.database import Database
from orchestrator.store.messages import journal
from orchestrator.store.messages.journal import Known

_BATCH = 1_000
_JUST_BEFORE = timedelta(microseconds=1)
_SUPPRESSING = {
    Fact.OPTED_OUT: "opted_out",
    Fact.BOUNCED: "bounced",
    Fact.COMPLAINED: "complained",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackReport:
    told: int = 0
    new: int = 0  #: not told before
    unknown: int = 0  #: about messages that are not in this database; kept
    moved: int = 0  #: messages that changed their state
    suppressed: int = 0  #: addresses newly out of reach
    paused: tuple[int, ...] = ()  #: campaigns that paused themselves

    def plus(self, other: "TrackReport") -> "TrackReport":
        return TrackReport(
            told=self.told + other.told,
            new=self.new + other.new,
            unknown=self.unknown + other.unknown,
            moved=self.moved + other.moved,
            suppressed=self.suppressed + other.suppressed,
            paused=self.paused + other.paused,
        )


def track(
    database: Database,
    provider: str,
    events: Sequence[ProviderEvent],
    now: datetime,
    *,
    limits: BreakerLimits = DEFAULT_LIMITS,
) -> TrackReport:
    """Take in news of one provider; any order and any number of repetitions leave the same state."""
    report = TrackReport()
    for start in range(0, len(events), _BATCH):
        batch = events[start : start + _BATCH]
        report = report.plus(_track_batch(database, provider, batch, now, limits))
    return report


def track_all(
    database: Database, providers: Mapping[Channel, Provider], now: datetime
) -> TrackReport:
    """Fetch what providers have waiting, and take it in."""
    report = TrackReport()
    for provider in {id(one): one for one in providers.values()}.values():
        report = report.plus(track(database, provider.name, provider.news(now), now))
    return report


def _track_batch(
    database: Database,
    provider: str,
    batch: Sequence[ProviderEvent],
    now: datetime,
    limits: BreakerLimits,
) -> TrackReport:
    asked = {event.message_id for event in batch}
    with database.write() as connection:
        new = journal.keep(connection, provider, batch, now)
        known = journal.gather(connection, asked)
        suppressed = contacts.suppress(
            connection, [row for one in known for row in _suppressions(one)], provider
        )
        moved = journal.apply(connection, known, now)
    stopping = {event.message_id for event in batch if event.fact in _STOPPING}
    touched = sorted({one.campaign_id for one in known if one.message_id in stopping})
    return TrackReport(
        told=len(batch),
        new=new,
        unknown=len(asked) - len(known),
        moved=moved,
        suppressed=suppressed,
        paused=tuple(breaker.check(database, touched, limits=limits, now=now) if touched else ()),
    )


_STOPPING = frozenset({Fact.OPTED_OUT, Fact.COMPLAINED})


def _suppressions(one: Known) -> list[Suppression]:
    if one.channel is None or one.address_hash is None:
        return []
    rows = [
        Suppression(one.channel, one.address_hash, reason, one.latest[fact])
        for fact, reason in _SUPPRESSING.items()
        if fact in one.latest
    ]
    if Fact.OPTED_IN in one.latest:
        # Lifts an opt-out from before, also one that is told later.
        at = one.latest[Fact.OPTED_IN]
        rows.append(Suppression(one.channel, one.address_hash, "opted_out", at - _JUST_BEFORE, at))
    return rows
