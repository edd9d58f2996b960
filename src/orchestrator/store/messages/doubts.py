"""Messages of which nobody knows whether the provider has them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Connection, Integer, String, case, func, literal, select, update

from orchestrator.domain.messages import Channel, MessageState, Reason
from orchestrator.domain.providers import Outcome
from orchestrator.store.bulk import rows_as_table
from orchestrator.store.messages.claims import is_open
from orchestrator.store.messages.outcomes import take_back
from orchestrator.store.tables import attempts, messages, micros


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    message_id: int
    token: int
    channel: Channel
    provider: str
    owner: str
    reason: Reason
    sending_at: datetime
    answered_at: datetime | None  #: when its sender reported that the answer was lost


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """accepted, planned (proven absent), unresolved, or unknown still."""

    message_id: int
    token: int
    state: MessageState
    provider_id: str | None = None
    ask_at: datetime | None = None


def due_doubts(connection: Connection, now: datetime, limit: int) -> list[Doubt]:
    found = (
        select(
            messages.c.id.label("message_id"),
            messages.c.token,
            messages.c.channel,
            messages.c.provider,
            messages.c.owner,
            messages.c.reason,
            messages.c.sending_at,
            attempts.c.answered_at,
        )
        .join(
            attempts,
            (attempts.c.message_id == messages.c.id) & (attempts.c.token == messages.c.token),
        )
        .where(is_open(MessageState.UNKNOWN), messages.c.lease_until <= now)
        .order_by(messages.c.lease_until, messages.c.id)
        .limit(limit)
    )
    return [Doubt(**row._mapping) for row in connection.execute(found)]  # noqa: SLF001  # SQLAlchemy's public name


def settle(connection: Connection, verdicts: Sequence[Verdict], now: datetime) -> int:
    """Apply what was found out to messages that are unknown still; return how many."""
    if not verdicts:
        return 0
    told = rows_as_table(connection, "told", _TOLD, [_row(one) for one in verdicts])
    accepted = told.c.state == MessageState.ACCEPTED.value
    planned = told.c.state == MessageState.PLANNED.value
    unresolved = told.c.state == MessageState.UNRESOLVED.value
    settled = (
        update(messages)
        .where(messages.c.id == told.c.id, messages.c.token == told.c.token)
        .where(messages.c.state == MessageState.UNKNOWN)
        .values(
            state=told.c.state,
            reason=case(
                (accepted, None),
                (unresolved, Reason.NEVER_ANSWERED.value),
                else_=messages.c.reason,
            ),
            provider_id=func.coalesce(told.c.provider_id, messages.c.provider_id),
            # The provider does not say when it took it; it was no earlier than the intent.
            accepted_at=case((accepted, messages.c.sending_at)),
            finished_at=case((accepted | unresolved, literal(micros(now), BigInteger))),
            lease_until=told.c.ask_at,
            owner=case((planned, None), else_=messages.c.owner),
            # A sender that was believed dead finds its token gone.
            token=messages.c.token + case((planned, 1), else_=0),
        )
    )
    moved = connection.execute(settled).rowcount
    _close_attempts(connection, verdicts, now)
    absent = [one.message_id for one in verdicts if one.state is MessageState.PLANNED]
    take_back(connection, absent)
    return moved


_TOLD: dict[str, Any] = {
    "id": BigInteger,
    "token": Integer,
    "state": String,
    "provider_id": String,
    "ask_at": BigInteger,
}


def _row(one: Verdict) -> tuple[object, ...]:
    ask_at = None if one.ask_at is None else micros(one.ask_at)
    return one.message_id, one.token, one.state.value, one.provider_id, ask_at


def _close_attempts(connection: Connection, verdicts: Sequence[Verdict], now: datetime) -> None:
    outcomes = {
        MessageState.ACCEPTED: Outcome.ACCEPTED,
        MessageState.PLANNED: Outcome.RETRY,
        MessageState.UNRESOLVED: Outcome.UNKNOWN,
    }
    rows = [
        (one.message_id, one.token, outcomes[one.state].value)
        for one in verdicts
        if one.state in outcomes
    ]
    if not rows:
        return
    closed = rows_as_table(
        connection, "closed", {"id": BigInteger, "token": Integer, "outcome": String}, rows
    )
    connection.execute(
        update(attempts)
        .where(attempts.c.message_id == closed.c.id, attempts.c.token == closed.c.token)
        .values(
            outcome=closed.c.outcome,
            answered_at=func.coalesce(attempts.c.answered_at, literal(micros(now), BigInteger)),
        )
    )
