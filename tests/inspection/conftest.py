"""A campaign whose first wave is planned, and a way to weaken its database."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from launched import COUPON, THANKS, Campaign, a_definition
from orchestrator.store.database import Database
from shops import EVENT_NOON, add_buyers

LAUNCH = EVENT_NOON + timedelta(hours=12)
PLANNED = EVENT_NOON + timedelta(days=2)
STEPS = [
    COUPON | {"after": "1 day"},
    THANKS | {"wave": "care", "after": "3 days after coupon"},
]


@pytest.fixture
def campaign(database: Database) -> Campaign:
    """Two buyers whose coupon is planned and whose next wave waits for it."""
    made = Campaign(database, a_definition(waves=STEPS), LAUNCH)
    with database.write() as connection:
        add_buyers(connection, 2)
    made.enroll(LAUNCH)
    made.plan(PLANNED)
    return made


@pytest.fixture
def unsafe() -> Callable[[Database], None]:
    """Let every new connection commit without waiting for the disk."""

    def weaken(database: Database) -> None:
        setting = "PRAGMA synchronous=OFF" if database.is_sqlite else "SET synchronous_commit = off"
        database.engine.dispose()

        def weaken_one(connection: Any, _record: object) -> None:
            connection.execute(setting)
            if not database.is_sqlite:
                connection.commit()

        event.listen(database.engine, "connect", weaken_one)

    return weaken
