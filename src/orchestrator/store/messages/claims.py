"""Who works on what: claims with a lease, and what becomes of leases that are over."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    Select,
    and_,
    bindparam,
    literal_column,
    or_,
    select,
    tuple_,
    update,
)

from orchestrator.domain.messages import Channel, MessageState, Reason
from orchestrator.store.bulk import rows_as_table
from orchestrator.store.tables import Moment, instance, messages


@dataclass(frozen=True, slots=True)
class Claimed:
    id: int
    token: int
    due_at: datetime
    send_id: int
    campaign_id: int
    channel: Channel


#: (due_at, id) of the last message that was claimed
Floor = tuple[datetime, int]

# As literals: with a parameter neither database can prove that the partial index fits.
_PLANNED = messages.c.state == literal_column("'planned'")
_OPEN = messages.c.state.in_(
    [literal_column("'claimed'"), literal_column("'sending'"), literal_column("'unknown'")]
)
_RETURNED = (
    messages.c.id,
    messages.c.token,
    messages.c.due_at,
    messages.c.send_id,
    messages.c.campaign_id,
    messages.c.channel,
)


def is_open(state: MessageState) -> ColumnElement[bool]:
    """The state as a condition that the index of open messages serves."""
    return and_(_OPEN, messages.c.state == literal_column(f"'{state.value}'"))


def stop_reason(connection: Connection) -> str | None:
    """Why nothing may be sent; the row stays as it is until this transaction ends."""
    row = connection.execute(select(instance.c.dispatch_stopped).with_for_update(read=True)).one()
    reason: str | None = row.dispatch_stopped
    return reason


def claim(
    connection: Connection,
    *,
    owner: str,
    now: datetime,
    lease_until: datetime,
    limit: int,
    floor: Floor | None = None,
    channels: Collection[Channel] = tuple(Channel),
) -> list[Claimed]:
    """
    Take up to ``limit`` due messages, the longest due first, that no other dispatcher takes.

    With a floor only later ones: entries of the index that earlier claims left dead behind it
    are then not walked again while an old snapshot keeps them.
    """
    statement = _claims(floored=floor is not None, some=len(set(channels)) < len(Channel))
    given: dict[str, Any] = {"now": now, "most": limit, "new_owner": owner, "lease": lease_until}
    if floor is not None:
        given |= {"floor_at": floor[0], "floor_id": floor[1]}
    if len(set(channels)) < len(Channel):
        given["channels"] = list(channels)
    rows = [Claimed(*row) for row in connection.execute(statement, given)]
    return sorted(rows, key=lambda row: (row.due_at, row.id))


def claim_these(
    connection: Connection,
    message_ids: Sequence[int],
    *,
    owner: str,
    now: datetime,
    lease_until: datetime,
) -> list[Claimed]:
    """Take those of the messages that are still planned and due."""
    wanted = rows_as_table(
        connection, "wanted", {"id": BigInteger}, [(one,) for one in message_ids]
    )
    free = (
        select(messages.c.id)
        .join(wanted, wanted.c.id == messages.c.id)
        .where(_PLANNED, messages.c.due_at <= now)
        .with_for_update(skip_locked=True, of=messages)
        .cte("picked")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    given = {"new_owner": owner, "lease": lease_until}
    return [Claimed(*row) for row in connection.execute(_take(free), given)]


def give_back(connection: Connection, claimed: Collection[Claimed]) -> int:
    """Return what was claimed and not begun; what somebody else holds by now stays theirs."""
    if not claimed:
        return 0
    mine = rows_as_table(
        connection,
        "mine",
        {"id": BigInteger, "token": Integer},
        [(one.id, one.token) for one in claimed],
    )
    returned = (
        update(messages)
        .where(messages.c.id == mine.c.id, messages.c.token == mine.c.token)
        .where(messages.c.state == MessageState.CLAIMED)
        .values(state=MessageState.PLANNED, owner=None, lease_until=None)
    )
    return connection.execute(returned).rowcount


def wake(connection: Connection, campaign_id: int, now: datetime) -> int:
    """Make due now what was put off because its campaign was paused."""
    woken = (
        update(messages)
        .where(_PLANNED, messages.c.campaign_id == campaign_id)
        .where(messages.c.reason == Reason.CAMPAIGN_PAUSED, messages.c.due_at > now)
        .values(due_at=now, reason=None)
    )
    return connection.execute(woken).rowcount


def free_overdue(connection: Connection, now: datetime, dead: Collection[str]) -> int:
    """Return claims whose lease is over or whose owner is dead; the token fences a late owner."""
    freed = (
        update(messages)
        .where(messages.c.id.in_(_left_behind(MessageState.CLAIMED, now, dead)))
        .values(
            state=MessageState.PLANNED, owner=None, lease_until=None, token=messages.c.token + 1
        )
    )
    return connection.execute(freed).rowcount


def doubt_overdue(connection: Connection, now: datetime, dead: Collection[str]) -> int:
    """What was being sent by a dispatcher that is dead or too late is unknown, and asked for now."""
    doubted = (
        update(messages)
        .where(messages.c.id.in_(_left_behind(MessageState.SENDING, now, dead)))
        .values(state=MessageState.UNKNOWN, reason=Reason.SENDER_DIED, lease_until=now)
    )
    return connection.execute(doubted).rowcount


def _left_behind(state: MessageState, now: datetime, dead: Collection[str]) -> Select[Any]:
    over: ColumnElement[bool] = messages.c.lease_until < now
    if dead:
        over = or_(over, messages.c.owner.in_(list(dead)))
    # Whoever holds a row right now is neither dead nor late with it.
    return select(messages.c.id).where(is_open(state), over).with_for_update(skip_locked=True)


@cache
def _claims(*, floored: bool, some: bool) -> Any:
    picked = (
        select(messages.c.id)
        .where(_PLANNED, messages.c.due_at <= bindparam("now", type_=Moment))
        .order_by(messages.c.due_at, messages.c.id)
        .limit(bindparam("most", type_=Integer))
        .with_for_update(skip_locked=True)
    )
    if floored:
        floor = tuple_(bindparam("floor_at", type_=Moment), bindparam("floor_id", type_=BigInteger))
        picked = picked.where(tuple_(messages.c.due_at, messages.c.id) > floor)
    if some:
        picked = picked.where(messages.c.channel.in_(bindparam("channels", expanding=True)))
    # Materialised, or the planner may take the lock again and again, past the limit.
    return _take(picked.cte("picked").prefix_with("MATERIALIZED", dialect="postgresql"))


def _take(picked: Any) -> Any:
    return (
        update(messages)
        .where(messages.c.id.in_(select(picked.c.id)))
        .values(
            state=MessageState.CLAIMED,
            reason=None,
            owner=bindparam("new_owner"),
            token=messages.c.token + 1,
            lease_until=bindparam("lease", type_=Moment),
        )
        .returning(*_RETURNED)
    )
