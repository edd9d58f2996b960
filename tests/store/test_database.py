"""The database keeps what the ledger promises."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.exc import DBAPIError

from orchestrator.store.database import Database, DatabaseAwayError
from orchestrator.store.schema import assert_current
from orchestrator.store.tables import audit_log, instance

NOON = datetime(2025, 11, 12, 12, 0, tzinfo=UTC)


def test_a_fresh_database_is_current_and_durable(database: Database) -> None:
    assert_current(database)
    database.assert_durable()


def test_a_moment_comes_back_as_it_went_in(database: Database) -> None:
    odd = datetime(2024, 2, 29, 23, 59, 59, 123457, tzinfo=UTC)

    with database.write() as connection:
        connection.execute(update(instance).values(made_at=odd))
        found = connection.execute(select(instance.c.made_at)).scalar_one()

    assert found == odd


def test_the_audit_log_refuses_a_change(database: Database) -> None:
    entry = {
        "at": NOON,
        "actor": "a",
        "action": "launch",
        "subject": "c",
        "details": {},
        "previous_hash": "0",
        "hash": "1",
    }
    with database.write() as connection:
        connection.execute(insert(audit_log).values(**entry))

    with pytest.raises(DBAPIError, match="append-only"), database.write() as connection:
        connection.execute(update(audit_log).values(actor="b"))


def test_a_server_that_is_away_is_named_without_its_password() -> None:
    away = Database("postgresql://me:secret@127.0.0.1:1/shop")

    with pytest.raises(DatabaseAwayError, match=r"me:\*\*\*@127\.0\.0\.1") as caught, away.read():
        pass

    assert "secret" not in str(caught.value)
