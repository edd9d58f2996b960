"""One chunk: intents committed, the provider called outside any transaction, its answers recorded."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from orchestrator.domain.providers import Handover, Outcome, Outgoing, Provider
from orchestrator.playbooks import Definition
from orchestrator.services.dispatch.intents import Decided, commit_intents
from orchestrator.services.dispatch.writing import Letter
from orchestrator.store.database import Database
from orchestrator.store.messages import outcomes
from orchestrator.store.messages.outcomes import Answered

_LONGEST_PAUSE = timedelta(hours=1)
_LOST = "no_answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Courier:
    """Hands letters over for one owner."""

    database: Database
    owner: str
    now: Callable[[], datetime]
    lease: timedelta
    retry_after: timedelta
    ask_after: timedelta

    def intend(
        self, letters: Sequence[Letter], definitions: Mapping[int, Definition], provider: Provider
    ) -> Decided:
        """Commit the chunk's intents. Where this raises, nothing of it may be handed over."""
        return self.database.repeat(
            lambda connection: commit_intents(
                connection,
                letters,
                definitions,
                provider=provider.name,
                owner=self.owner,
                now=self.now(),
                lease=self.lease,
            )
        )

    def hand_over(self, letters: Sequence[Letter], provider: Provider) -> list[Answered]:
        """Call the provider once a batch and record each answer before the next call."""
        answers = []
        for batch in _batches(letters, provider.capabilities.batch_size):
            outgoing = [letter.outgoing for letter in batch if letter.outgoing is not None]
            answered = self._answers(outgoing, self._call(provider, outgoing))
            self.database.repeat(partial(outcomes.record, answers=answered, now=self.now()))
            answers += answered
        return answers

    def _call(self, provider: Provider, outgoing: Sequence[Outgoing]) -> Sequence[Handover]:
        try:
            return provider.send(outgoing, self.now())
        except Exception as error:  # noqa: BLE001  # whatever broke, the provider may have the messages
            code = type(error).__name__[:32]
            return [
                Handover(message_id=one.message_id, outcome=Outcome.UNKNOWN, code=code)
                for one in outgoing
            ]

    def _answers(
        self, outgoing: Sequence[Outgoing], handovers: Sequence[Handover]
    ) -> list[Answered]:
        by_id = {handover.message_id: handover for handover in handovers}
        now = self.now()
        return [self._answer(one, by_id.get(one.message_id), now) for one in outgoing]

    def _answer(self, one: Outgoing, handover: Handover | None, now: datetime) -> Answered:
        if handover is None:
            handover = Handover(message_id=one.message_id, outcome=Outcome.UNKNOWN, code=_LOST)
        again = None
        if handover.outcome is Outcome.UNKNOWN:
            again = now + self.ask_after
        elif handover.outcome is Outcome.RETRY:
            again = max(handover.retry_at or now, now + self._pause(one.token))
        return Answered(
            message_id=one.message_id,
            token=one.token,
            outcome=handover.outcome,
            provider_id=handover.provider_id,
            code=handover.code,
            again_at=again,
        )

    def _pause(self, attempt: int) -> timedelta:
        """Longer each time, at most an hour; a busy provider is asked until the message expires."""
        doubled = self.retry_after * (1 << min(attempt - 1, 12))
        return min(doubled, max(_LONGEST_PAUSE, self.retry_after))


def _batches(letters: Sequence[Letter], size: int) -> Iterator[Sequence[Letter]]:
    return (letters[start : start + size] for start in range(0, len(letters), size))
