"""Customers whom nobody can write to."""

from sqlalchemy import Connection, select

from orchestrator.store.tables import customers


def without_address(connection: Connection) -> list[str]:
    """Return the shop's own numbers of customers with neither phone nor e-mail, in order."""
    columns = customers.c
    found = (
        select(columns.external_id)
        .where(columns.phone.is_(None), columns.email.is_(None))
        .order_by(columns.id)
    )
    return list(connection.execute(found).scalars())
