"""The switch that stops every dispatcher before its next hand-over."""

from sqlalchemy import Connection, update

from orchestrator.store.tables import instance


def throw(connection: Connection, reason: str) -> None:
    connection.execute(update(instance).values(dispatch_stopped=reason))


def release(connection: Connection) -> None:
    connection.execute(update(instance).values(dispatch_stopped=None))
