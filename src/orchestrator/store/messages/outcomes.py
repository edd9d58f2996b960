"""What came of hand-overs, fenced by the token of the attempt."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    String,
    case,
    select,
    update,
)

from orchestrator.domain.messages import FOLLOWERS, MessageState, Reason
from orchestrator.domain.providers import Outcome
from orchestrator.store.bulk import rows_as_table
from orchestrator.store.messages.intents import spend
from orchestrator.store.tables import attempts, messages, micros

_STATES = {
    Outcome.ACCEPTED: (MessageState.ACCEPTED, None),
    Outcome.REJECTED: (MessageState.REJECTED, Reason.PROVIDER_REJECTED),
    Outcome.RETRY: (MessageState.PLANNED, Reason.PROVIDER_BUSY),
    Outcome.UNKNOWN: (MessageState.UNKNOWN, Reason.ANSWER_LOST),
}

_IN_FLIGHT = (MessageState.SENDING, MessageState.UNKNOWN, MessageState.UNRESOLVED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    message_id: int
    token: int
    outcome: Outcome
    provider_id: str | None = None
    code: str | None = None
    again_at: datetime | None = None  #: due then (retry), asked for then (unknown)


def record(connection: Connection, answers: Sequence[Answered], now: datetime) -> int:
    """
    Write down what a provider answered; return how many messages it moved.

    An answer that comes after its message was given up as unknown still counts: it is the truth
    about that attempt. One for an older token changes its attempt alone.
    """
    moved = 0
    for outcome in Outcome:
        alike = [one for one in answers if one.outcome is outcome]
        if alike:
            moved += _record(connection, outcome, alike, now)
    return moved


def _record(
    connection: Connection, outcome: Outcome, answers: Sequence[Answered], now: datetime
) -> int:
    got = rows_as_table(connection, "got", _COLUMNS, [_row(one) for one in answers])
    accepted = Outcome.ACCEPTED.value
    connection.execute(
        update(attempts)
        .where(attempts.c.message_id == got.c.id, attempts.c.token == got.c.token)
        .values(
            # News that it was taken may have been faster than an answer that it was not.
            outcome=case((attempts.c.outcome == accepted, accepted), else_=outcome.value),
            code=got.c.code,
            answered_at=now,
        )
    )
    moves = (
        update(messages)
        .where(messages.c.id == got.c.id, messages.c.token == got.c.token)
        .where(messages.c.state.in_(_BEFORE[outcome]))
        .values(**_changes(outcome, got.c, now))
    )
    moved = connection.execute(moves).rowcount
    if outcome is Outcome.ACCEPTED and moved < len(answers):
        _name(connection, [one for one in answers if one.provider_id])
    if outcome in (Outcome.REJECTED, Outcome.RETRY):
        take_back(connection, [one.message_id for one in answers])
    return moved


_COLUMNS: dict[str, Any] = {
    "id": BigInteger,
    "token": Integer,
    "code": String,
    "provider_id": String,
    "again_at": BigInteger,
}
# ``domain.messages.FOLLOWERS``, turned round for what an answer can bring.
_BEFORE = {
    outcome: [state for state in _IN_FLIGHT if target in FOLLOWERS[state] and state is not target]
    for outcome, (target, _) in _STATES.items()
}


def _row(one: Answered) -> tuple[object, ...]:
    again_at = None if one.again_at is None else micros(one.again_at)
    return one.message_id, one.token, one.code, one.provider_id, again_at


def _changes(outcome: Outcome, got: Any, now: datetime) -> dict[str, Any]:
    state, reason = _STATES[outcome]
    changes: dict[str, Any] = {"state": state, "reason": reason, "lease_until": None}
    if outcome is Outcome.UNKNOWN:
        # Whoever asks about it has to know when, and who sent it.
        return changes | {"lease_until": got.again_at}
    changes["owner"] = None
    if outcome is Outcome.RETRY:
        return changes | {"due_at": got.again_at}
    changes["finished_at"] = now
    if outcome is Outcome.ACCEPTED:
        changes |= {"accepted_at": now, "provider_id": got.provider_id}
    return changes


def _name(connection: Connection, answers: Sequence[Answered]) -> None:
    """News may have been faster than the answer; the provider's id comes with the answer alone."""
    if not answers:
        return
    named = rows_as_table(
        connection,
        "named",
        {"id": BigInteger, "token": Integer, "provider_id": String},
        [(one.message_id, one.token, one.provider_id) for one in answers],
    )
    connection.execute(
        update(messages)
        .where(messages.c.id == named.c.id, messages.c.token == named.c.token)
        .where(messages.c.state == MessageState.ACCEPTED, messages.c.provider_id.is_(None))
        .values(provider_id=named.c.provider_id)
    )


def take_back(connection: Connection, message_ids: Sequence[int]) -> None:
    """What was certainly not taken was no contact and costs nothing."""
    if not message_ids:
        return
    back = rows_as_table(connection, "back", {"id": BigInteger}, [(one,) for one in message_ids])
    not_taken = messages.c.state.in_([MessageState.PLANNED, MessageState.REJECTED])
    freed = (
        update(messages)
        .where(messages.c.id.in_(select(back.c.id)), not_taken, messages.c.sending_at.is_not(None))
        .values(sending_at=None)
        .returning(messages.c.id, messages.c.campaign_id, messages.c.cost)
    )
    spent: dict[int, int] = {}
    for row in connection.execute(freed).all():
        spent[row.campaign_id] = spent.get(row.campaign_id, 0) - row.cost
    connection.execute(
        update(messages)
        .where(messages.c.id.in_(select(back.c.id)), not_taken)
        .values(cost=0, parts=0)
    )
    spend(connection, spent)
