"""Who dispatches, where, and whether it is still alive."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from orchestrator.domain.messages import MessageState
from orchestrator.store.messages.claims import is_open
from orchestrator.store.tables import dispatchers, messages


@dataclass(frozen=True, slots=True)
class Dispatcher:
    owner: str
    host: str
    boot_id: str
    life_file: str
    dead_at: datetime | None = None


def add(connection: Connection, dispatcher: Dispatcher, now: datetime) -> None:
    """Make it known; nothing changes where it is known already."""
    known = select(dispatchers.c.owner).where(dispatchers.c.owner == dispatcher.owner)
    if connection.execute(known).first() is None:
        connection.execute(
            insert(dispatchers).values(
                owner=dispatcher.owner,
                host=dispatcher.host,
                boot_id=dispatcher.boot_id,
                life_file=dispatcher.life_file,
                started_at=now,
            )
        )


def every(connection: Connection, host: str) -> list[Dispatcher]:
    columns = dispatchers.c
    listed = select(
        columns.owner, columns.host, columns.boot_id, columns.life_file, columns.dead_at
    ).where(columns.host == host)
    return [Dispatcher(*row) for row in connection.execute(listed)]


def bury(connection: Connection, owners: Collection[str], now: datetime) -> None:
    connection.execute(
        update(dispatchers)
        .where(dispatchers.c.owner.in_(sorted(owners)), dispatchers.c.dead_at.is_(None))
        .values(dead_at=now)
    )


def forget(connection: Connection, owners: Collection[str]) -> set[str]:
    """Remove dead dispatchers that no open message names any more; return them."""
    if not owners:
        return set()
    named: set[str] = set()
    for state in (MessageState.CLAIMED, MessageState.SENDING, MessageState.UNKNOWN):
        found = select(messages.c.owner).where(is_open(state)).distinct()
        named |= set(connection.execute(found).scalars())
    gone = set(owners) - named
    connection.execute(
        delete(dispatchers).where(
            dispatchers.c.owner.in_(sorted(gone)), dispatchers.c.dead_at.is_not(None)
        )
    )
    return gone
