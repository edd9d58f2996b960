"""Two people steer one campaign at the same moment: the second knows what the first did."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from builders import DUE, add_campaign, add_messages
from orchestrator.services import steer
from orchestrator.store import campaigns as stored
from orchestrator.store.database import Database
from orchestrator.store.tables import audit_log, campaigns
from together import aside, wait_until_somebody_waits

pytestmark = pytest.mark.parametrize(
    "database_url", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True
)
NOW = DUE + timedelta(days=2)
WHO: dict[str, Any] = {"actor": "Ada", "now": NOW}


@pytest.fixture
def campaign(database: Database) -> int:
    with database.write() as connection:
        campaign_id = add_campaign(connection)
        add_messages(connection, campaign_id)
    return campaign_id


def left(database: Database) -> tuple[Any, list[str]]:
    with database.read() as connection:
        state = connection.execute(select(campaigns.c.state, campaigns.c.state_reason)).one()
        return tuple(state), list(connection.execute(select(audit_log.c.action)).scalars())


@pytest.mark.parametrize("second", ["pause", "resume"])
def test_what_was_stopped_a_moment_before_stays_stopped(
    database: Database, campaign: int, second: str
) -> None:
    with database.write() as connection:
        stored.set_state(connection, campaign, "stopped", "sold out")
        more = {"reason": "wrong price"} if second == "pause" else {}
        late = aside(lambda: getattr(steer, second)(database, "short", **more, **WHO))
        wait_until_somebody_waits(database)

    refused = late()

    assert isinstance(refused, steer.CampaignOverError)
    assert str(refused).startswith("campaign 'short' is stopped (sold out). ")
    assert left(database) == (("stopped", "sold out"), [])


def test_what_was_paused_a_moment_before_is_stopped(database: Database, campaign: int) -> None:
    with database.write() as connection:
        stored.set_state(connection, campaign, "paused", "wrong price")
        late = aside(lambda: steer.stop(database, "short", reason="sold out", **WHO))
        wait_until_somebody_waits(database)

    assert late() == 1
    assert left(database) == (("stopped", "sold out"), ["stop"])


def test_a_hand_on_the_campaign_keeps_no_planner_waiting(database: Database, campaign: int) -> None:
    with database.write() as connection:
        stored.find(connection, "short", to_change=True)
        with database.write() as planner:
            planner.execute(text("SET LOCAL lock_timeout = '5s'"))
            planned = add_messages(planner, campaign)
    assert planned
