"""What people decided about a campaign is not undone by what was seen before."""

from builders import add_campaign
from orchestrator.store import campaigns
from orchestrator.store.database import Database


def test_a_campaign_that_was_stopped_meanwhile_is_not_marked_as_done(database: Database) -> None:
    with database.write() as connection:
        campaign_id = add_campaign(connection)
        campaigns.set_state(connection, campaign_id, "stopped", "wrong price")

        done = campaigns.set_state(connection, campaign_id, "done", None, only_from="running")
        left = campaigns.get(connection, campaign_id)

    assert (done, left.state, left.state_reason) == (False, "stopped", "wrong price")
