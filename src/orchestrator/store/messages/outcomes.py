"""What came of hand-overs, fenced by the token of the attempt."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    String,
    and_,
    case,
    func,
    literal,
    or_,
    select,
    update,
)

from orchestrator.domain.messages import MessageState, Reason
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
    if not answers:
        return 0
    got = rows_as_table(
        connection,
        "got",
        {
            "id": BigInteger,
            "token": Integer,
            "outcome": String,
            "code": String,
            "state": String,
            "reason": String,
            "provider_id": String,
            "again_at": BigInteger,
        },
        [_row(one) for one in answers],
    )
    connection.execute(
        update(attempts)
        .where(attempts.c.message_id == got.c.id, attempts.c.token == got.c.token)
        .values(outcome=got.c.outcome, code=got.c.code, answered_at=now)
    )
    moves = (
        update(messages)
        .where(messages.c.id == got.c.id, messages.c.token == got.c.token, _may_follow(got.c.state))
        .values(**_changes(got.c, now))
    )
    moved = connection.execute(moves).rowcount
    if moved < len(answers):
        _name(connection, [one for one in answers if one.provider_id])
    not_taken = {Outcome.REJECTED, Outcome.RETRY}
    take_back(connection, [one.message_id for one in answers if one.outcome in not_taken])
    return moved


def _row(one: Answered) -> tuple[object, ...]:
    state, reason = _STATES[one.outcome]
    return (
        one.message_id,
        one.token,
        one.outcome.value,
        one.code,
        state.value,
        reason and reason.value,
        one.provider_id,
        one.again_at and micros(one.again_at),
    )


def _may_follow(state: ColumnElement[str]) -> ColumnElement[bool]:
    """``domain.messages.FOLLOWERS``, for what an answer can bring."""
    known = state.in_([MessageState.ACCEPTED.value, MessageState.REJECTED.value])
    doubted = messages.c.state == MessageState.UNKNOWN
    return or_(
        messages.c.state == MessageState.SENDING,
        and_(doubted, state != MessageState.UNKNOWN.value),
        and_(messages.c.state == MessageState.UNRESOLVED, known),
    )


def _changes(got: Any, now: datetime) -> dict[str, Any]:
    state = got.state
    final = state.in_([MessageState.ACCEPTED.value, MessageState.REJECTED.value])
    unknown = state == MessageState.UNKNOWN.value
    moment = literal(micros(now), BigInteger)
    return {
        "state": state,
        "reason": got.reason,
        "provider_id": func.coalesce(got.provider_id, messages.c.provider_id),
        "accepted_at": case((state == MessageState.ACCEPTED.value, moment)),
        "finished_at": case((final, moment)),
        "due_at": case(
            (state == MessageState.PLANNED.value, got.again_at), else_=messages.c.due_at
        ),
        # Whoever asks about an unknown one has to know when, and who sent it.
        "lease_until": case((unknown, got.again_at)),
        "owner": case((unknown, messages.c.owner)),
    }


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
