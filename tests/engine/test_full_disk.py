"""A disk that is full loses nothing: what could not be planned whole is planned by a later tick."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.exc import OperationalError

from launched import Launch
from orchestrator.store.database import Database
from orchestrator.store.tables import enrollments, messages
from shops import EVENT_NOON, add_buyers

LAUNCH = EVENT_NOON + timedelta(hours=6)
THANKS_AT = EVENT_NOON + timedelta(days=1, hours=1)
BUYERS = 300


@contextmanager
def no_room_left(database: Database) -> Iterator[None]:
    """Let the file of the database grow no further."""

    def limit(connection: Any) -> None:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")

    event.listen(database.engine, "begin", limit)
    yield
    event.remove(database.engine, "begin", limit)
    with database.read() as connection:
        connection.exec_driver_sql(f"PRAGMA max_page_count={1 << 30}")


# Only SQLite can be told how large its file may grow.
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_a_full_disk_kept_from_being_planned_is_planned_later(
    database: Database, launch: Launch
) -> None:
    with database.write() as connection:
        add_buyers(connection, BUYERS)
    campaign = launch(LAUNCH)
    campaign.enroll(LAUNCH)
    waiting = select(func.count()).select_from(enrollments).where(enrollments.c.wave == "thanks")
    written = select(func.count()).select_from(messages)

    with no_room_left(database), pytest.raises(OperationalError, match="full"):
        campaign.plan(THANKS_AT)

    with database.read() as connection:
        assert connection.execute(waiting).scalar_one() == BUYERS
        assert connection.execute(written).scalar_one() == 0
    assert campaign.plan(THANKS_AT).messages == BUYERS
