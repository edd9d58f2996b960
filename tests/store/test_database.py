"""The database keeps what the ledger promises."""

import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from psycopg import DataError
from sqlalchemy import Integer, Text, cast, insert, literal, select, update
from sqlalchemy.exc import DBAPIError

from orchestrator.store.database import Database, DatabaseAwayError
from orchestrator.store.schema import assert_current, upgrade
from orchestrator.store.tables import audit_log, customers, instance, metadata

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


def test_what_a_large_statement_keeps_to_undo_itself_lies_on_disk(tmp_path: Path) -> None:
    shop = Database(f"sqlite:///{tmp_path / 'shop.db'}")

    with shop.read() as connection:
        store = connection.exec_driver_sql("PRAGMA temp_store").scalar_one()
    shop.close()

    assert store == 1  # a file


def test_a_server_that_is_away_is_named_without_its_password() -> None:
    away = Database("postgresql://me:secret@127.0.0.1:1/shop")

    with pytest.raises(DatabaseAwayError, match=r"me:\*\*\*@127\.0\.0\.1") as caught, away.read():
        pass

    assert "secret" not in str(caught.value)


CANARY = "zz-canary-Li-Na"
ON_POSTGRESQL = pytest.mark.parametrize(
    "database_url", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True
)


def test_an_error_of_the_database_does_not_quote_a_customers_row(database: Database) -> None:
    row = {"external_id": "C1", "name": CANARY, "phone": CANARY, "email": CANARY, "person": "p"}

    with pytest.raises(DBAPIError) as caught, database.write() as connection:
        connection.execute(insert(customers).values(**row, attributes=None, updated_at=None))

    assert CANARY not in whole(caught.value)


def test_an_error_names_the_constraint_and_not_the_value(database: Database) -> None:
    row = {"external_id": CANARY, "person": "p", "attributes": {}, "updated_at": NOON}

    with pytest.raises(DBAPIError, match="external_id") as caught, database.write() as connection:
        connection.execute(insert(customers), [row, row])

    assert CANARY not in whole(caught.value)


@ON_POSTGRESQL
def test_a_value_that_cannot_be_read_is_not_quoted(database: Database) -> None:
    given = select(cast(literal(CANARY, Text), Integer))

    with (
        pytest.raises(DBAPIError, match="InvalidTextRepresentation") as caught,
        database.read() as connection,
    ):
        connection.execute(given)

    assert CANARY not in whole(caught.value)


@ON_POSTGRESQL
def test_a_line_that_cannot_be_copied_is_not_quoted(database: Database) -> None:
    def copy_in() -> None:
        with database.write() as connection:
            driver: Any = connection.connection.dbapi_connection
            with driver.cursor() as cursor, cursor.copy("COPY products FROM STDIN") as copy:
                copy.write(f"{CANARY}\x00,2".encode())

    with pytest.raises(DataError) as caught:
        copy_in()

    assert CANARY not in whole(caught.value)


def whole(error: BaseException) -> str:
    """All that a traceback would show."""
    return "".join(traceback.format_exception(error))


def test_the_migrations_make_exactly_the_tables_that_the_program_speaks_of(
    database: Database,
) -> None:
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})

        assert compare_metadata(context, metadata) == []


def test_reading_sees_one_moment_whatever_is_written_meanwhile(database: Database) -> None:
    stopped = select(instance.c.dispatch_stopped)

    with database.read() as reading:
        before = reading.execute(stopped).scalar_one()
        with database.write() as connection:
            connection.execute(update(instance).values(dispatch_stopped="wrong price"))
        after = reading.execute(stopped).scalar_one()

    assert (before, after) == (None, None)


@pytest.mark.parametrize(
    "database_url", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True
)
def test_a_server_refuses_what_is_written_while_reading(database: Database) -> None:
    with pytest.raises(DBAPIError, match="read-only"), database.read() as connection:
        connection.execute(update(instance).values(dispatch_stopped="wrong price"))


def test_nobody_else_on_the_machine_reads_a_new_database(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'home' / 'shop.db'}")
    upgrade(database, NOON)

    rights = {path.name: oct(path.stat().st_mode & 0o777) for path in tmp_path.rglob("*")}

    assert rights.pop("home") == "0o700"
    assert set(rights.values()) == {"0o600"}
    database.close()
