"""Dispatch until nothing is due: sweep, then claim, write, intend, hand over, record."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from orchestrator.domain.breaker import DEFAULT_LIMITS, BreakerLimits
from orchestrator.domain.messages import Channel, MessageState, Reason
from orchestrator.domain.providers import Outcome, Provider
from orchestrator.services import breaker, lives, quarantine
from orchestrator.services.dispatch.canary import Canaries
from orchestrator.services.dispatch.handover import Courier
from orchestrator.services.dispatch.writing import (
    Letter,
    OpenedTexts,
    OpenTexts,
    Texts,
    Writer,
    sources_of_answers,
)
from orchestrator.services.lives import Life
from orchestrator.services.quarantine import DatabaseQuarantinedError
from orchestrator.store import campaigns, concerns, dispatchers
from orchestrator.store.campaigns import StoredCampaign
from orchestrator.store.database import Database
from orchestrator.store.messages import claims, sheets
from orchestrator.store.messages.claims import Claimed, Floor

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    batch: int = 500  #: messages claimed at once
    lease: timedelta = timedelta(minutes=10)  #: longer than a batch ever takes
    retry_after: timedelta = timedelta(seconds=30)  #: the first pause for a busy provider
    ask_after: timedelta = timedelta(minutes=1)  #: until a lost answer is asked for
    canary: int = 200  #: random messages that go first …
    canary_from: int = 2_000  #: … of a send at least this large
    limits: BreakerLimits = DEFAULT_LIMITS


DEFAULT_SETTINGS = Settings()


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchReport:
    """What became of the messages that were due, by state and reason."""

    counts: Mapping[tuple[MessageState, Reason | None], int]
    freed: int = 0  #: claims of dispatchers that are dead or late, returned
    doubted: int = 0  #: hand-overs of such dispatchers, unknown from now on
    lost: int = 0  #: claims that somebody else had taken over meanwhile
    stopped: Reason | None = None  #: the kill switch is on
    paused: tuple[int, ...] = ()  #: campaigns that paused themselves
    quarantined: str | None = None  #: why it ended before all was done, and what to do

    @property
    def accepted(self) -> int:
        return self.counts.get((MessageState.ACCEPTED, None), 0)


_OUTCOMES = {
    Outcome.ACCEPTED: (MessageState.ACCEPTED, None),
    Outcome.REJECTED: (MessageState.REJECTED, Reason.PROVIDER_REJECTED),
    Outcome.RETRY: (MessageState.PLANNED, Reason.PROVIDER_BUSY),
    Outcome.UNKNOWN: (MessageState.UNKNOWN, Reason.ANSWER_LOST),
}
_FAILURES = frozenset({Outcome.REJECTED, Outcome.UNKNOWN})


def dispatch(
    database: Database,
    providers: Mapping[Channel, Provider],
    *,
    now: Clock,
    life: Life,
    texts: OpenTexts | None = None,
    limit: int | None = None,
    progress: Callable[[int], None] | None = None,
    stopping: Callable[[], bool] = lambda: False,
    settings: Settings = DEFAULT_SETTINGS,
) -> DispatchReport:
    """
    Send what is due, until nothing is, ``limit`` is reached or ``stopping`` says so.

    ``now`` is asked again and again: a large send takes an hour, and leases, quiet hours and
    expiry need the moment, not the beginning. Any number of dispatchers may run at once.
    """
    database.assert_durable()
    quarantine.assert_trusted(database, life, now())
    run = _Run(database, providers, now, life, texts or OpenedTexts(), settings, stopping)
    run.sweep()
    for batch in run.batches(limit):
        run.handle(batch)
        if progress is not None:
            progress(len(batch))
        if not run.is_trusted():
            break
    return run.report()


@dataclass(slots=True)
class _Run:
    database: Database
    providers: Mapping[Channel, Provider]
    now: Clock
    life: Life
    texts: OpenTexts
    settings: Settings
    stopping: Callable[[], bool]
    counts: Counter[tuple[MessageState, Reason | None]] = field(default_factory=Counter)
    freed: int = 0
    doubted: int = 0
    lost: int = 0
    stopped: Reason | None = None
    paused: list[int] = field(default_factory=list)
    quarantined: str | None = None
    canaries: Canaries = field(init=False)
    in_order: bool = True  #: the last batch was the first that was due

    def __post_init__(self) -> None:
        self.canaries = Canaries(self.settings.canary, self.settings.canary_from)

    def sweep(self) -> None:
        """Take over what dead or late dispatchers left behind."""
        now = self.now()
        dead = lives.find_dead(self.database, self.life, now)
        with self.database.write() as connection:
            dispatchers.add(connection, self.life.dispatcher, now)
            self.freed = claims.free_overdue(connection, now, dead)
            self.doubted = claims.doubt_overdue(connection, now, dead)
        lives.forget_dead(self.database, self.life, dead)

    def batches(self, limit: int | None) -> Iterator[list[Claimed]]:
        floor: Floor | None = None
        left = limit
        while not self.stopping() and left != 0:
            size = self.settings.batch if left is None else min(left, self.settings.batch)
            batch = self._claim(size, floor)
            if batch:
                yield batch
                left = None if left is None else left - len(batch)
                # A canary is drawn from all over: nothing behind it is done.
                floor = (batch[-1].due_at, batch[-1].id) if self.in_order else floor
            elif floor is None or self.stopped:
                return
            else:
                # Once more from the start: others may have put something back behind the floor.
                floor = None

    def handle(self, batch: Sequence[Claimed]) -> None:
        stored, texts, letters = self._write(batch)
        definitions = {campaign: text.definition for campaign, text in texts.items()}
        tokens = {one.id: one for one in batch}
        begun: set[int] = set()
        failed = False
        try:
            for provider, chunk in self._chunks(letters):
                if self.stopping():
                    break
                begun |= {letter.message_id for letter in chunk}
                courier = self._courier()
                decided = courier.intend(chunk, definitions, provider)
                self.counts.update(decided.refused)
                self.lost += decided.lost
                answers = courier.hand_over(decided.letters, provider)
                self.counts.update(_OUTCOMES[one.outcome] for one in answers)
                failed |= any(one.outcome in _FAILURES for one in answers)
        finally:
            self._give_back([one for key, one in tokens.items() if key not in begun])
        if failed:
            self.paused += breaker.check(
                self.database, list(stored), limits=self.settings.limits, now=self.now()
            )

    def is_trusted(self) -> bool:
        try:
            quarantine.assert_trusted(self.database, self.life, self.now())
        except DatabaseQuarantinedError as error:
            self.quarantined = str(error)
        return self.quarantined is None

    def report(self) -> DispatchReport:
        return DispatchReport(
            counts=dict(self.counts),
            freed=self.freed,
            doubted=self.doubted,
            lost=self.lost,
            stopped=self.stopped,
            paused=tuple(self.paused),
            quarantined=self.quarantined,
        )

    def _claim(self, size: int, floor: Floor | None) -> list[Claimed]:
        now = self.now()
        with self.database.write() as connection:
            if claims.stop_reason(connection) is not None:
                self.stopped = Reason.DISPATCH_STOPPED
                return []
            batch = claims.claim(
                connection,
                owner=self.life.owner,
                now=now,
                lease_until=now + self.settings.lease,
                limit=size,
                floor=floor,
                channels=self.providers.keys(),
            )
            chosen = self.canaries.first(
                connection,
                batch,
                owner=self.life.owner,
                now=now,
                lease_until=now + self.settings.lease,
            )
            self.in_order = chosen == batch
            return chosen

    def _write(
        self, batch: Sequence[Claimed]
    ) -> tuple[dict[int, StoredCampaign], dict[int, Texts], list[Letter]]:
        with self.database.read() as connection:
            ids = sorted({one.campaign_id for one in batch})
            stored = {one: campaigns.get(connection, one) for one in ids}
            texts = {one: self.texts(campaign) for one, campaign in stored.items()}
            found = sheets.load_sheets(connection, batch)
            sources = sources_of_answers(found, texts)
            register = concerns.ids_of(connection, sources) if sources else {}
        writers = {one: Writer(stored[one], texts[one], register) for one in ids}
        letters = [writers[sheet.campaign_id].write(sheet) for sheet in found]
        return stored, texts, letters

    def _chunks(self, letters: Sequence[Letter]) -> Iterator[tuple[Provider, list[Letter]]]:
        for channel, provider in self.providers.items():
            mine = [letter for letter in letters if letter.channel is channel]
            size = provider.capabilities.intents
            for start in range(0, len(mine), size):
                yield provider, mine[start : start + size]

    def _courier(self) -> Courier:
        return Courier(
            database=self.database,
            owner=self.life.owner,
            now=self.now,
            lease=self.settings.lease,
            retry_after=self.settings.retry_after,
            ask_after=self.settings.ask_after,
        )

    def _give_back(self, claimed: Sequence[Claimed]) -> None:
        if claimed:
            with self.database.write() as connection:
                claims.give_back(connection, claimed)
