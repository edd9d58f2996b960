"""Unknown messages: asked for until it is known, or a person has to decide.

Never sent again without proof that the provider does not have it. SMS is not sent again at all: it
costs money, and a second one is worse than none. E-mail is, when the provider proves that it has
none, asked only after its sender was proven dead (or had itself reported the lost answer) and a
waiting time was over, for what was still under way.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from orchestrator.domain.messages import Channel, MessageState, Reason
from orchestrator.domain.providers import Provider
from orchestrator.services import lives
from orchestrator.services.lives import Life
from orchestrator.store.database import Database
from orchestrator.store.messages import doubts
from orchestrator.store.messages.doubts import Doubt, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    wait: timedelta = timedelta(minutes=10)  #: for what a sender that is gone left under way
    ask_again: timedelta = timedelta(minutes=5)
    give_up: timedelta = timedelta(hours=24)  #: from then on a person decides
    resend: frozenset[Channel] = frozenset({Channel.EMAIL})
    batch: int = 500


DEFAULT_PATIENCE = Patience()


@dataclass(frozen=True, slots=True)
class ReconcileReport:
    """How many unknown messages were looked up, by the state they are in now."""

    counts: Mapping[MessageState, int]


def reconcile(
    database: Database,
    providers: Mapping[Channel, Provider],
    *,
    now: datetime,
    life: Life,
    patience: Patience = DEFAULT_PATIENCE,
) -> ReconcileReport:
    """Ask for every unknown message whose moment to be asked for has come."""
    lives.find_dead(database, life, now)
    counts: Counter[MessageState] = Counter()
    while batch := _due(database, now, patience.batch):
        # Before the question: what is absent now may still be sent by somebody alive.
        gone = lives.rested(database, life, patience.wait)
        verdicts = [
            verdict
            for channel in sorted({doubt.channel for doubt in batch})
            for verdict in _ask(
                [doubt for doubt in batch if doubt.channel is channel],
                providers.get(channel),
                gone,
                now,
                patience,
            )
        ]
        with database.write() as connection:
            doubts.settle(connection, verdicts, now)
        counts.update(verdict.state for verdict in verdicts)
    return ReconcileReport(dict(counts))


def _due(database: Database, now: datetime, limit: int) -> list[Doubt]:
    with database.read() as connection:
        return doubts.due_doubts(connection, now, limit)


def _ask(
    asked: Sequence[Doubt],
    provider: Provider | None,
    gone: set[str],
    now: datetime,
    patience: Patience,
) -> list[Verdict]:
    found: dict[int, str | None] = {}
    if provider is not None and provider.capabilities.can_be_asked:
        named = [doubt for doubt in asked if doubt.provider == provider.name]
        since = min((doubt.sending_at for doubt in named), default=now)
        found = provider.find([doubt.message_id for doubt in named], since)
    return [_verdict(doubt, found, gone, now, patience) for doubt in asked]


def _verdict(
    doubt: Doubt, found: dict[int, str | None], gone: set[str], now: datetime, patience: Patience
) -> Verdict:
    if (provider_id := found.get(doubt.message_id)) is not None:
        return _becomes(doubt, MessageState.ACCEPTED, provider_id=provider_id)
    absent = doubt.message_id in found and _nothing_under_way(doubt, gone, now, patience)
    if absent and doubt.channel in patience.resend:
        return _becomes(doubt, MessageState.PLANNED)
    if doubt.sending_at + patience.give_up <= now:
        return _becomes(doubt, MessageState.UNRESOLVED)
    return _becomes(doubt, MessageState.UNKNOWN, ask_at=now + patience.ask_again)


def _nothing_under_way(doubt: Doubt, gone: set[str], now: datetime, patience: Patience) -> bool:
    if doubt.reason is Reason.ANSWER_LOST and doubt.answered_at is not None:
        return doubt.answered_at + patience.wait <= now
    return doubt.owner in gone


def _becomes(
    doubt: Doubt,
    state: MessageState,
    *,
    provider_id: str | None = None,
    ask_at: datetime | None = None,
) -> Verdict:
    return Verdict(
        message_id=doubt.message_id,
        token=doubt.token,
        state=state,
        provider_id=provider_id,
        ask_at=ask_at,
    )
