"""A provider that plays its part as it is told."""

from collections.abc import Callable, Sequence
from datetime import datetime

from orchestrator.domain.providers import Handover, Outcome, Outgoing
from orchestrator.providers.simulated import SimulatedProvider


class Scripted(SimulatedProvider):
    """Does something first, then answers as it is told."""

    def __init__(
        self,
        outcome: Outcome | Exception,
        before: Callable[[], None] | None = None,
        intents: int = 500,
    ) -> None:
        super().__init__(intents=intents)
        self.outcome, self.before = outcome, before
        self.sent: list[int] = []

    def send(self, batch: Sequence[Outgoing], now: datetime) -> Sequence[Handover]:  # noqa: ARG002  # a script needs none
        self.sent += [one.message_id for one in batch]
        if self.before is not None:
            self.before()
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return [Handover(message_id=one.message_id, outcome=self.outcome) for one in batch]
