"""News from providers, kept for good, and what it makes of the messages it is about."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    String,
    case,
    func,
    literal,
    select,
    true,
    update,
)

from orchestrator.domain.messages import Channel, Fact, MessageState, Reason
from orchestrator.domain.providers import ProviderEvent
from orchestrator.store.bulk import rows_as_table
from orchestrator.store.dialects import earlier_on, insert_on
from orchestrator.store.tables import attempts, events, messages, micros

#: which column keeps the earliest moment of which fact
_COLUMNS = {
    Fact.DELIVERED: "delivered_at",
    Fact.BOUNCED: "bounced_at",
    Fact.COMPLAINED: "complained_at",
    Fact.OPENED: "opened_at",
    Fact.CLICKED: "clicked_at",
}
_DOUBTFUL = (MessageState.SENDING, MessageState.UNKNOWN, MessageState.UNRESOLVED)
#: not taken as far as the provider's answer went; news that it was taken is the later word
_NOT_TAKEN = (MessageState.PLANNED, MessageState.CLAIMED, MessageState.REJECTED)
#: a message with one of these was taken by the provider
_TAKEN = frozenset({Fact.ACCEPTED, *_COLUMNS})


@dataclass(frozen=True, slots=True)
class Known:
    """All news about one message, and whom it went to."""

    message_id: int
    campaign_id: int
    channel: Channel | None
    address_hash: str | None
    earliest: dict[Fact, datetime]
    latest: dict[Fact, datetime]


def keep(
    connection: Connection, provider: str, news: Sequence[ProviderEvent], now: datetime
) -> int:
    """Write the news down, each once; return how many were new."""
    told = rows_as_table(
        connection,
        "told",
        {
            "dedupe_key": String,
            "message_id": BigInteger,
            "fact": String,
            "at": BigInteger,
            "code": String,
        },
        [
            (one.dedupe_key, one.message_id, one.fact.value, micros(one.at), one.code)
            for one in {one.dedupe_key: one for one in news}.values()
        ],
    )
    new = select(
        literal(provider),
        told.c.dedupe_key,
        told.c.message_id,
        told.c.fact,
        told.c.at,
        literal(micros(now), BigInteger),
        told.c.code,
    ).where(true())  # or SQLite reads ON CONFLICT as part of a join
    columns = ["provider", "dedupe_key", "message_id", "fact", "at", "received_at", "code"]
    kept = insert_on(connection)(events).from_select(columns, new)
    done = kept.on_conflict_do_nothing(index_elements=["provider", "dedupe_key"])
    return connection.execute(done).rowcount


def gather(connection: Connection, message_ids: Collection[int]) -> list[Known]:
    """Return everything that was ever told about these messages."""
    asked = rows_as_table(
        connection, "asked", {"id": BigInteger}, [(one,) for one in sorted(set(message_ids))]
    )
    found = (
        select(
            messages.c.id,
            messages.c.campaign_id,
            messages.c.channel,
            messages.c.address_hash,
            events.c.fact,
            func.min(events.c.at).label("first"),
            func.max(events.c.at).label("last"),
        )
        .join(events, events.c.message_id == messages.c.id)
        .join(asked, asked.c.id == messages.c.id)
        .group_by(
            messages.c.id,
            messages.c.campaign_id,
            messages.c.channel,
            messages.c.address_hash,
            events.c.fact,
        )
        .order_by(messages.c.id)
    )
    known: dict[int, Known] = {}
    for row in connection.execute(found):
        fresh = Known(row.id, row.campaign_id, row.channel, row.address_hash, {}, {})
        one = known.setdefault(row.id, fresh)
        one.earliest[row.fact], one.latest[row.fact] = row.first, row.last
    return list(known.values())


def apply(connection: Connection, known: Sequence[Known], now: datetime) -> int:
    """
    Bring messages up to what is known; return how many changed their state.

    Each moment is the earliest that was told, so that order and repetition change nothing. A
    provider that says both has the message.
    """
    if not known:
        return 0
    names = list(_COLUMNS.values())
    told = rows_as_table(
        connection,
        "told",
        {"id": BigInteger, "taken_at": BigInteger, "refused": Integer}
        | dict.fromkeys(names, BigInteger),
        [_row(one) for one in known],
    )
    changed = _move(connection, told, now)
    accepted = messages.c.state == MessageState.ACCEPTED
    earliest = earlier_on(connection)
    connection.execute(
        update(messages)
        .where(messages.c.id == told.c.id)
        .values(
            accepted_at=case(
                (accepted, earliest(messages.c.accepted_at, told.c.taken_at)),
                else_=messages.c.accepted_at,
            ),
            **{name: earliest(messages.c[name], told.c[name]) for name in names},
        )
    )
    _close_attempts(connection, known)
    return changed


def _move(connection: Connection, told: Any, now: datetime) -> int:
    doubtful = messages.c.state.in_(_DOUBTFUL)
    taken = told.c.taken_at.is_not(None) & (doubtful | messages.c.state.in_(_NOT_TAKEN))
    refused = (told.c.refused == 1) & doubtful
    moved = (
        update(messages)
        .where(messages.c.id == told.c.id, taken | refused)
        .values(
            state=case((taken, MessageState.ACCEPTED.value), else_=MessageState.REJECTED.value),
            reason=case((taken, None), else_=Reason.PROVIDER_REJECTED.value),
            finished_at=now,
            owner=None,
            lease_until=None,
            # What was taken after all was a contact; what it cost is not known any more.
            sending_at=func.coalesce(messages.c.sending_at, told.c.taken_at),
        )
    )
    return connection.execute(moved).rowcount


def _row(one: Known) -> tuple[object, ...]:
    taken = [at for fact, at in one.earliest.items() if fact in _TAKEN]
    return (
        one.message_id,
        micros(min(taken)) if taken else None,
        int(Fact.REJECTED in one.earliest),
        *(micros(one.earliest[fact]) if fact in one.earliest else None for fact in _COLUMNS),
    )


def _close_attempts(connection: Connection, known: Sequence[Known]) -> None:
    """The last attempt came out as the message did, whatever its answer was."""
    told = rows_as_table(
        connection, "closed", {"id": BigInteger}, [(one.message_id,) for one in known]
    )
    settled = (
        select(messages.c.id, messages.c.state, func.max(attempts.c.token).label("token"))
        .join(told, told.c.id == messages.c.id)
        # A claim for another try has a token of its own, and no attempt yet.
        .join(attempts, attempts.c.message_id == messages.c.id)
        .where(messages.c.state.in_([MessageState.ACCEPTED, MessageState.REJECTED]))
        .group_by(messages.c.id, messages.c.state)
        .subquery()
    )
    connection.execute(
        update(attempts)
        .where(attempts.c.message_id == settled.c.id, attempts.c.token == settled.c.token)
        .where(attempts.c.outcome.is_(None) | (attempts.c.outcome != settled.c.state))
        .values(outcome=settled.c.state)
    )
