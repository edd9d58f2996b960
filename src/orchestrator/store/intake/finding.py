"""Which stored customer a staged row belongs to."""

from sqlalchemy import Column, Connection, Table, func, select, update

from orchestrator.store.tables import customers


def find_customers(
    connection: Connection, rows: Table, external_id: Column[str], *, aliases: bool
) -> int:
    """
    Set ``customer_id`` of the staged rows; return how many have a stored customer.

    By id; with ``aliases``, a row without an id of its own also by phone, then by e-mail.
    """
    by_id = update(rows).where(customers.c.external_id == external_id)
    found = connection.execute(by_id.values(customer_id=customers.c.id)).rowcount
    if not aliases:
        return found
    for stored, staged in addresses(rows):
        first = select(func.min(customers.c.id)).where(stored == staged).scalar_subquery()
        open_ = (rows.c.is_alias, rows.c.customer_id.is_(None), staged.is_not(None))
        connection.execute(update(rows).where(*open_).values(customer_id=first))
    return int(connection.execute(select(func.count(rows.c.customer_id))).scalar_one())


def addresses(rows: Table) -> list[tuple[Column[str], Column[str]]]:
    """The hashes of stored and staged addresses, in the order in which they tell a person."""
    return [
        (customers.c.phone_hash, rows.c.phone_hash),
        (customers.c.email_hash, rows.c.email_hash),
    ]
