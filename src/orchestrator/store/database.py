"""One database: how to connect, and what the promises of the ledger rest on."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError

from orchestrator.store import functions
from orchestrator.store.discretion import forget_row, forget_rows

__all__ = ["Connection", "Database", "DatabaseAwayError", "DatabaseUnsafeError"]

BUSY_SECONDS = 30
_TRIES = 5
_BROKEN_OFF = frozenset({"40P01", "40001"})  # deadlock detected, serialization failure
_SQLITE_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA foreign_keys=ON",
    # A power cut must not roll back an intent whose message is out.
    "PRAGMA synchronous=FULL",
    f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}",
    "PRAGMA cache_size=-65536",
    # What a statement over a million rows keeps to undo itself would be as much memory again.
    "PRAGMA temp_store=FILE",
)

_LOADING = ("PRAGMA foreign_keys=OFF", "PRAGMA temp_store=FILE")

# A transaction of SQLite sees one moment anyway; on a server each statement would see its own.
_READING: dict[bool, dict[str, Any]] = {
    True: {"read_only": True},
    False: {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
}

Result = TypeVar("Result")


class DatabaseAwayError(Exception):
    """The database cannot be reached; the message says which one, without its password."""


class NoRoomToRehearseError(Exception):
    """A rehearsal plays on a copy of the database, and there is no room for it."""


class DatabaseUnsafeError(Exception):
    """The database is not set to keep what it has committed; nothing may be sent."""


class Database:
    """A SQLite file or a PostgreSQL server behind the same few verbs."""

    def __init__(self, url: str) -> None:
        self.url: URL = make_url(_with_driver(url))
        self.engine: Engine = _engine(self.url)
        self._reader: Engine = self.engine.execution_options(**_READING[self.is_sqlite])

    @property
    def is_sqlite(self) -> bool:
        return self.url.get_backend_name() == "sqlite"

    @property
    def shown_url(self) -> str:
        return self.url.render_as_string(hide_password=True)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction that takes the write lock at once; commits at the end, or rolls back."""
        with self._reachable(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def load(self) -> Iterator[Connection]:
        """
        As ``write``, for whoever has taken every foreign key from the stored rows themselves.

        SQLite looks none of them up, which in a large load is half of the work, and sorts what it
        makes indexes of on disk: that takes less memory, and half of the time.
        """
        if not self.is_sqlite:
            with self.write() as connection:
                yield connection
            return
        with self._reachable(), self.engine.connect() as connection:
            driver: Any = connection.connection.dbapi_connection
            for pragma in _LOADING:
                driver.execute(pragma)
            try:
                with connection.begin():
                    yield connection
            finally:
                for pragma in _SQLITE_PRAGMAS:
                    driver.execute(pragma)

    def repeat(self, work: Callable[[Connection], Result], *, loading: bool = False) -> Result:
        """
        Do the work in one write transaction, and again where the server broke it off.

        It does so where two wait for each other's rows; nothing of the try is left then.
        """
        transaction = self.load if loading else self.write
        for _ in range(_TRIES - 1):
            try:
                with transaction() as connection:
                    return work(connection)
            except DBAPIError as error:
                if getattr(error.orig, "sqlstate", None) not in _BROKEN_OFF:
                    raise
        with transaction() as connection:
            return work(connection)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One transaction that sees a single moment and writes nothing."""
        with (
            self._reachable(),
            self._reader.connect() as connection,
            connection.begin(),
        ):
            yield connection

    @contextmanager
    def rehearse(self) -> Iterator[Connection]:
        """
        One transaction that may write what it likes and leaves nothing behind.

        On SQLite it plays on a copy, so that a long rehearsal keeps nobody waiting.
        """
        if not self.is_sqlite:
            with self._reachable(), self.engine.connect() as connection:
                yield connection
                connection.rollback()
            return
        with TemporaryDirectory(prefix="orchestrator-") as folder:
            copy = Path(folder) / "rehearsal.db"
            with self._reachable(), self.engine.connect() as connection:
                connection.rollback()
                _copy_into(connection, copy)
            rehearsal = Database(f"sqlite:///{copy}")
            try:
                with rehearsal.engine.connect() as connection:
                    yield connection
                    connection.rollback()
            finally:
                rehearsal.close()

    def assert_durable(self) -> None:
        """Raise DatabaseUnsafeError where a committed intent could be lost in a crash."""
        with self.read() as connection:
            found = _sqlite_settings(connection) if self.is_sqlite else _server_settings(connection)
        wrong = [f"{name} is {value}, needs {needed}" for name, value, needed in found]
        if wrong:
            raise DatabaseUnsafeError(f"{self.shown_url}: {'; '.join(wrong)}")

    def close(self) -> None:
        self.engine.dispose()

    @contextmanager
    def _reachable(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            if error.connection_invalidated or _is_away(error):
                raise DatabaseAwayError(
                    f"cannot reach {self.shown_url}: {type(error.orig).__name__}. "
                    "Start it, or set ORCHESTRATOR_DATABASE_URL"
                ) from error
            raise
        except Exception as error:
            # A COPY goes past SQLAlchemy, and so does its error.
            forget_row(error)
            raise


def is_known(url: str) -> bool:
    """Whether the URL names a database that this program can use."""
    try:
        made = make_url(_with_driver(url))
    except ArgumentError:
        return False
    return made.drivername in {"sqlite", "sqlite+pysqlite", "postgresql+psycopg"}


def _copy_into(connection: Connection, copy: Path) -> None:
    try:
        connection.connection.cursor().execute("VACUUM INTO ?", (str(copy),))
    except sqlite3.OperationalError as error:
        raise NoRoomToRehearseError(
            f"cannot copy the database to play on: {error}. "
            "Make room in the temporary folder (TMPDIR)"
        ) from error


def _with_driver(url: str) -> str:
    for short in ("postgresql://", "postgres://"):
        if url.startswith(short):
            return "postgresql+psycopg://" + url.removeprefix(short)
    return url


def _engine(url: URL) -> Engine:
    if url.get_backend_name() != "sqlite":
        # Errors must not carry customers' data in their parameters.
        server = create_engine(
            url,
            hide_parameters=True,
            pool_pre_ping=True,
            # INSERT … SELECT tells how many only when it is asked to.
            execution_options={"preserve_rowcount": True},
        )
        event.listen(server, "handle_error", forget_rows)
        return server
    if url.database:
        _make_private(Path(url.database))
    engine = create_engine(url, hide_parameters=True, connect_args={"timeout": BUSY_SECONDS})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _make_private(file: Path) -> None:
    # Customers' names, phones and orders: nobody else on this machine reads them. What SQLite
    # writes beside the file gets the file's rights.
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not file.exists():
        file.touch(mode=0o600)


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # The driver's own BEGIN is deferred: two writers would then fail with "database is locked".
    connection.isolation_level = None
    for pragma in _SQLITE_PRAGMAS:
        connection.execute(pragma)
    functions.register(connection)


def _begin_sqlite(connection: Connection) -> None:
    read_only = connection.get_execution_options().get("read_only", False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


def _sqlite_settings(connection: Connection) -> list[tuple[str, str, str]]:
    mode = connection.execute(text("PRAGMA journal_mode")).scalar_one()
    synchronous = connection.execute(text("PRAGMA synchronous")).scalar_one()
    full = 2
    found = [] if mode == "wal" else [("journal_mode", str(mode), "wal")]
    return found if synchronous >= full else [*found, ("synchronous", str(synchronous), "FULL")]


def _server_settings(connection: Connection) -> list[tuple[str, str, str]]:
    shown = {
        name: str(connection.execute(text(f"SHOW {name}")).scalar_one())
        for name in ("synchronous_commit", "fsync")
    }
    return [
        (name, value, "on")
        for name, value in shown.items()
        if value not in {"on", "remote_apply", "remote_write"}
    ]


def _is_away(error: DBAPIError) -> bool:
    name = type(error.orig).__name__
    return name in {"OperationalError", "ConnectionTimeout"} and (
        "connect" in str(error.orig) or "unable to open" in str(error.orig)
    )
