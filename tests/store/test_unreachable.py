"""Customers whom nobody can write to."""

from orchestrator.store.database import Database
from orchestrator.store.unreachable import without_address
from shops import add_customer


def test_names_those_with_neither_phone_nor_email_in_order(database: Database) -> None:
    with database.write() as connection:
        add_customer(connection, 3, phone=None)
        add_customer(connection, 1)
        add_customer(connection, 2, phone=None, email="c2@example.com")
        add_customer(connection, 4, phone=None)

        assert without_address(connection) == ["C3", "C4"]
