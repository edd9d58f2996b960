"""Decisions written down: what is about to be sent, what is put off, what never will be sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    String,
    cast,
    func,
    insert,
    literal,
    null,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from orchestrator.domain.messages import FINAL_STATES, MessageState, Reason
from orchestrator.store.bulk import rows_as_table
from orchestrator.store.tables import (
    attempts,
    campaigns,
    enrollments,
    messages,
    micros,
    put_offs,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    message_id: int
    token: int
    provider: str
    parts: int
    cost: int  #: thousandths of a minor unit
    concern_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Not now, or not at all."""

    message_id: int
    state: MessageState  #: planned where it is put off
    reason: Reason
    due_at: datetime | None = None


class FenceBrokenError(Exception):
    """A locked row changed under us; nothing of this transaction may be called upon."""


def intend(
    connection: Connection,
    intents: Sequence[Intent],
    *,
    owner: str,
    now: datetime,
    lease_until: datetime,
) -> None:
    """Commit to a hand-over: after this transaction the provider may have the messages."""
    if not intents:
        return
    meant = rows_as_table(connection, "meant", _MEANT, [_row(one) for one in intents])
    sending = (
        update(messages)
        .where(messages.c.id == meant.c.id, messages.c.token == meant.c.token)
        .where(messages.c.state == MessageState.CLAIMED)
        .values(
            state=MessageState.SENDING,
            sending_at=now,
            lease_until=lease_until,
            provider=meant.c.provider,
            parts=meant.c.parts,
            cost=meant.c.cost,
            concern_id=meant.c.concern_id,
        )
    )
    if connection.execute(sending).rowcount != len(intents):
        raise FenceBrokenError(f"{len(intents)} intents did not find their messages as they were")
    columns = ["message_id", "token", "owner", "provider", "intended_at"]
    tried = select(
        meant.c.id,
        meant.c.token,
        literal(owner),
        meant.c.provider,
        literal(micros(now), BigInteger),
    )
    connection.execute(insert(attempts).from_select(columns, tried))


_MEANT: dict[str, Any] = {
    "id": BigInteger,
    "token": Integer,
    "provider": String,
    "parts": Integer,
    "cost": BigInteger,
    "concern_id": BigInteger,
}


def _row(one: Intent) -> tuple[object, ...]:
    return one.message_id, one.token, one.provider, one.parts, one.cost, one.concern_id


def refuse(connection: Connection, refusals: Sequence[Refusal], now: datetime) -> None:
    if not refusals:
        return
    decided = rows_as_table(
        connection,
        "decided",
        {
            "id": BigInteger,
            "state": String,
            "reason": String,
            "due_at": BigInteger,
            "finished_at": BigInteger,
        },
        [
            (
                one.message_id,
                one.state.value,
                one.reason.value,
                None if one.due_at is None else micros(one.due_at),
                micros(now) if one.state in FINAL_STATES else None,
            )
            for one in refusals
        ],
    )
    connection.execute(
        update(messages)
        .where(messages.c.id == decided.c.id, messages.c.state == MessageState.CLAIMED)
        .values(
            state=decided.c.state,
            reason=decided.c.reason,
            due_at=func.coalesce(decided.c.due_at, messages.c.due_at),
            finished_at=decided.c.finished_at,
            owner=None,
            lease_until=None,
        )
    )
    if any(one.state is MessageState.PLANNED for one in refusals):
        _note_put_offs(connection, decided, now)


def _note_put_offs(connection: Connection, decided: Any, now: datetime) -> None:
    """Keep what each one waits for: the message itself forgets it when it is claimed again."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    waiting = select(
        decided.c.id,
        decided.c.reason,
        literal(1, Integer),
        literal(micros(now), BigInteger),
        decided.c.due_at,
    ).where(decided.c.state == MessageState.PLANNED.value)
    columns = ["message_id", "reason", "times", "first_at", "until"]
    noted = dialect.insert(put_offs).from_select(columns, waiting)
    connection.execute(
        noted.on_conflict_do_update(
            index_elements=["message_id", "reason"],
            set_={"times": put_offs.c.times + 1, "until": noted.excluded.until},
        )
    )


def spend(connection: Connection, amounts: Mapping[int, int]) -> None:
    """Add to what campaigns (by id) have spent, in thousandths of a minor unit; less than nothing takes back."""
    changed = [(campaign, amount) for campaign, amount in sorted(amounts.items()) if amount]
    if not changed:
        return
    added = rows_as_table(connection, "added", {"id": BigInteger, "amount": BigInteger}, changed)
    connection.execute(
        update(campaigns)
        .where(campaigns.c.id == added.c.id)
        .values(spent=campaigns.c.spent + added.c.amount)
    )


def end_walks(connection: Connection, ended: Mapping[int, Reason], now: datetime) -> None:
    """Nothing more of the campaign is for these (by enrollment), each for its reason."""
    if not ended:
        return
    over = rows_as_table(
        connection,
        "ended",
        {"id": BigInteger, "reason": String},
        [(one, reason.value) for one, reason in sorted(ended.items())],
    )
    connection.execute(
        update(enrollments)
        .where(enrollments.c.id == over.c.id, enrollments.c.exited_at.is_(None))
        .values(
            wave=cast(null(), String),
            due_at=cast(null(), BigInteger),
            exited_at=now,
            exit_reason=over.c.reason,
        )
    )
