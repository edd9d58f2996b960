"""Sends that have not begun, and a random few of their messages."""

from datetime import datetime

from sqlalchemy import Connection, String, cast, func, literal_column, select

from orchestrator.store import functions
from orchestrator.store.tables import messages

_PLANNED = messages.c.state == literal_column("'planned'")


def is_fresh(connection: Connection, send_id: int, at_least: int) -> bool:
    """Return whether nothing of the send was handed over yet, and so much of it is waiting."""
    of_send = messages.c.send_id == send_id
    begun = select(messages.c.id).where(of_send, messages.c.provider.is_not(None)).limit(1)
    if connection.execute(begun).first() is not None:
        return False
    waiting = select(messages.c.id).where(of_send, messages.c.state.in_(["planned", "claimed"]))
    counted = select(func.count()).select_from(waiting.limit(at_least).subquery())
    return int(connection.execute(counted).scalar_one()) >= at_least


def draw(connection: Connection, send_id: int, size: int, now: datetime) -> list[int]:
    """Return the ids of some due messages, drawn by a lot that has nothing to do with their order."""
    lot = functions.lot(cast(messages.c.id, String), f"canary:{send_id}")
    drawn = (
        select(messages.c.id)
        .where(messages.c.send_id == send_id, _PLANNED, messages.c.due_at <= now)
        .order_by(lot, messages.c.id)
        .limit(size)
    )
    return list(connection.execute(drawn).scalars())
