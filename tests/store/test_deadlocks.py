"""Two that want each other's rows: both get through."""

import threading
from collections.abc import Callable

import polars as pl
import pytest
from sqlalchemy import select, update

from builders import DUE, add_campaign, add_messages, message
from orchestrator.store.contacts import lock_people
from orchestrator.store.database import Connection, Database
from orchestrator.store.intake import runs
from orchestrator.store.intake.people import merge_customers
from orchestrator.store.intake.staging import begin
from orchestrator.store.tables import customers
from together import aside, wait_until_somebody_waits

pytestmark = pytest.mark.parametrize(
    "database_url", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True
)


@pytest.fixture
def phones(database: Database) -> list[str]:
    """The hashes of two customers' phones; each has a message that is due."""
    with database.write() as connection:
        ids = add_messages(connection, add_campaign(connection), 2)
    return [message(database, one).address_hash for one in ids]


def test_an_import_takes_customers_in_the_dispatchers_order(
    database: Database, phones: list[str]
) -> None:
    with database.write() as connection:
        # Whichever way it finds them, by file, name or place, the second comes first.
        for one, name in ((2, "A"), (1, "Z")):
            renamed = update(customers).where(customers.c.id == one)
            connection.execute(renamed.values(external_id=name))
        import_id = runs.start(
            connection, kind="customers", preset="t", file_name="f", file_hash="h", now=DUE
        )
    rows = [{"external_id": one, "is_alias": False, "name": "new"} for one in ("A", "Z")]

    def merge() -> int:
        with database.write() as connection:
            begin(connection)
            return merge_customers(
                connection, pl.DataFrame(rows), import_id=import_id, now=DUE
            ).updated

    with database.write() as dispatcher:
        lock_people(dispatcher, phones[:1])
        updated = aside(merge)
        wait_until_somebody_waits(database)
        lock_people(dispatcher, phones[1:])

    assert updated() == 2


def test_who_is_broken_off_for_others_locks_does_it_again(
    database: Database, phones: list[str]
) -> None:
    both = threading.Barrier(2)

    def locking(first: str, second: str) -> Callable[[], list[int]]:
        tries: list[int] = []

        def work(connection: Connection) -> list[int]:
            tries.append(1)
            lock_people(connection, [first])
            if len(tries) == 1:
                both.wait()
            lock_people(connection, [second])
            found = select(customers.c.id).where(customers.c.phone_hash.in_([first, second]))
            return sorted(connection.execute(found).scalars())

        return lambda: database.repeat(work)

    one, other = aside(locking(*phones)), aside(locking(*reversed(phones)))

    assert [one(), other()] == [[1, 2], [1, 2]]
