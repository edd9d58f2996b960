"""Real databases for every store test: a fresh SQLite file, and PostgreSQL where a server answers."""

import os
import shutil
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from orchestrator.store.database import Database
from orchestrator.store.schema import upgrade
from orchestrator.store.tables import metadata

NOON = datetime(2025, 11, 12, 12, 0, tzinfo=UTC)
SERVER = os.environ.get(
    "ORCHESTRATOR_TEST_POSTGRESQL", "postgresql://postgres@127.0.0.1:5432/postgres"
)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database with its schema, copied for each test."""
    path = tmp_path_factory.mktemp("template") / "empty.db"
    database = Database(f"sqlite:///{path}")
    upgrade(database, NOON)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return path


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """A database of its own on the server, dropped at the end."""
    name = f"orchestrator_test_{uuid.uuid4().hex[:12]}"
    try:
        server = psycopg.connect(SERVER, autocommit=True, connect_timeout=3)
    except psycopg.OperationalError:
        if os.environ.get("CI"):
            raise
        pytest.skip("no PostgreSQL server answers; set ORCHESTRATOR_TEST_POSTGRESQL to test on one")
    with server:
        server.execute(f"CREATE DATABASE {name}")
        url = SERVER.rsplit("/", 1)[0] + f"/{name}"
        database = Database(url)
        upgrade(database, NOON)
        database.close()
        yield url
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    server.close()


@pytest.fixture(
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)],
)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        path = tmp_path / "shop.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        return f"sqlite:///{path}"
    url: str = request.getfixturevalue("postgresql_url")
    return url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An empty shop, once on SQLite and once on PostgreSQL."""
    database = Database(database_url)
    yield database
    if not database.is_sqlite:
        _empty(database)
    database.close()


def _empty(database: Database) -> None:
    """Deleting the few rows of a test is a hundred times quicker than TRUNCATE."""
    tables = [name for name in metadata.tables if name != "instance"]
    with database.write() as connection:
        # Neither triggers nor foreign keys stand in the way of this session.
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text("; ".join(f"DELETE FROM {name}" for name in tables)))
        connection.execute(
            text("SELECT setval(oid::regclass, 1, false) FROM pg_class WHERE relkind = 'S'")
        )
        connection.execute(
            text(
                "UPDATE instance SET dispatch_stopped = NULL, site = NULL, confirmed = 0, "
                "revised_at = NULL"
            )
        )
