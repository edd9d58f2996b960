"""A provider and its customers' phones in one: answers, delays, bounces and opt-outs by seed."""

import hashlib
import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from orchestrator.domain.messages import Channel, Fact
from orchestrator.domain.providers import (
    Capabilities,
    Handover,
    Outcome,
    Outgoing,
    ProviderEvent,
)

_SCALE = 2**32


@dataclass(frozen=True, slots=True, kw_only=True)
class Odds:
    """Shares 0–1 of all hand-overs; of all accepted messages; and of those delivered."""

    rejected: float = 0.0
    busy: float = 0.0  #: certainly not taken
    lost: float = 0.0  #: taken, and the answer lost
    vanished: float = 0.0  #: not taken, and the answer lost
    bounced: float = 0.0
    opened: float = 0.0
    clicked: float = 0.0
    complained: float = 0.0
    opted_out: float = 0.0


CERTAIN = Odds()  #: everything arrives, nobody reacts


class SimulatedProvider:
    """
    The same (seed, message, token) always gets the same answer and the same news.

    News comes within ``longest`` after the hand-over, through ``news``. A simulation adds what
    its customers do of their own accord with ``add_news``.
    """

    name = "simulated"

    def __init__(
        self,
        seed: int = 0,
        odds: Odds = CERTAIN,
        *,
        longest: timedelta = timedelta(hours=2),
        intents: int = 500,
    ) -> None:
        self.capabilities = Capabilities(
            channels=frozenset(Channel), batch_size=500, can_be_asked=True, intents=intents
        )
        self.seed = seed
        self.odds = odds
        self.longest = longest
        self._taken: set[int] = set()
        self._waiting: list[tuple[datetime, str, ProviderEvent]] = []

    def send(self, batch: Sequence[Outgoing], now: datetime) -> Sequence[Handover]:
        return [self._answer(one, now) for one in batch]

    def find(self, message_ids: Sequence[int], since: datetime) -> dict[int, str | None]:  # noqa: ARG002  # it forgets nothing
        return {one: self._id(one) if one in self._taken else None for one in message_ids}

    def news(self, now: datetime) -> Sequence[ProviderEvent]:
        """Return what has happened by ``now`` and was not fetched yet, oldest first."""
        due = []
        while self._waiting and self._waiting[0][0] <= now:
            due.append(heapq.heappop(self._waiting)[2])
        return due

    def add_news(self, events: Iterable[ProviderEvent]) -> None:
        """Let something happen; it is told from its own moment on."""
        for event in events:
            heapq.heappush(self._waiting, (event.at, event.dedupe_key, event))

    def close(self) -> None:
        """There is nothing to close."""

    def _answer(self, one: Outgoing, now: datetime) -> Handover:
        draws = _draws(self.seed, one.message_id, one.token)
        outcome, taken = self._outcome(next(draws))
        if taken:
            self._taken.add(one.message_id)
            self.add_news(self._happens(one, draws, now))
        known = outcome is Outcome.ACCEPTED
        return Handover(
            message_id=one.message_id,
            outcome=outcome,
            provider_id=self._id(one.message_id) if known else None,
            code=None if known else outcome.value,
        )

    def _outcome(self, draw: float) -> tuple[Outcome, bool]:
        """Return the answer, and whether the message was taken."""
        odds = self.odds
        for share, outcome, taken in (
            (odds.rejected, Outcome.REJECTED, False),
            (odds.busy, Outcome.RETRY, False),
            (odds.lost, Outcome.UNKNOWN, True),
            (odds.vanished, Outcome.UNKNOWN, False),
        ):
            if draw < share:
                return outcome, taken
            draw -= share
        return Outcome.ACCEPTED, True

    def _happens(
        self, one: Outgoing, draws: Iterator[float], now: datetime
    ) -> Iterator[ProviderEvent]:
        arrival = now + next(draws) * self.longest / 2
        if next(draws) < self.odds.bounced:
            yield self._event(one, Fact.BOUNCED, arrival)
            return
        yield self._event(one, Fact.DELIVERED, arrival)
        for fact, share in (
            (Fact.OPENED, self.odds.opened),
            (Fact.CLICKED, self.odds.clicked),
            (Fact.COMPLAINED, self.odds.complained),
            (Fact.OPTED_OUT, self.odds.opted_out),
        ):
            if next(draws) < share:
                yield self._event(one, fact, arrival + next(draws) * self.longest / 2)

    def _event(self, one: Outgoing, fact: Fact, at: datetime) -> ProviderEvent:
        return ProviderEvent(
            dedupe_key=f"{one.message_id}-{one.token}-{fact.value}",
            message_id=one.message_id,
            fact=fact,
            at=at,
        )

    def _id(self, message_id: int) -> str:
        return f"simulated-{self.seed}-{message_id}"


def _draws(seed: int, message_id: int, token: int) -> Iterator[float]:
    """Yield numbers in [0, 1) that depend on nothing else, in no other order."""
    block = 0
    while True:
        digest = hashlib.sha256(f"{seed}:{message_id}:{token}:{block}".encode()).digest()
        for start in range(0, len(digest), 4):
            yield int.from_bytes(digest[start : start + 4], "big") / _SCALE
        block += 1
