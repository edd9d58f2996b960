"""Take in those whom a campaign's audience admits and who are not in it yet."""

from datetime import datetime

from orchestrator.playbooks import Definition
from orchestrator.store import audience, campaigns, enrollments
from orchestrator.store.campaigns import StoredCampaign
from orchestrator.store.database import Database
from orchestrator.store.intake import runs


def enroll(
    database: Database, campaign: StoredCampaign, definition: Definition, now: datetime
) -> int:
    """
    Return how many were enrolled; asks nothing of the orders where nothing has changed since.

    Nobody is while an import is half in: whose earlier orders are still to come would be taken for
    new, and stay on that track.
    """
    with database.read() as connection:
        if runs.half_in(connection, now):
            return 0
        seen = f"{campaigns.shop_data_seen(connection)}:{_day(definition, now)}"
    if seen == campaign.enrolled_seen:
        return 0
    with database.write() as connection:
        enrolled = enrollments.enroll(
            connection,
            campaign_id=campaign.id,
            salt=campaign.salt,
            definition=definition,
            admitted=audience.admitted(
                definition,
                now=now,
                launched_at=campaign.launched_at,
                currency=campaign.shop.currency,
            ),
            default_locale=campaign.shop.locale,
            now=now,
        )
        campaigns.set_enrolled_seen(connection, campaign.id, seen)
    return enrolled


def _day(definition: Definition, now: datetime) -> str:
    """Rules may look at how long ago something was: without any change they are asked once a day."""
    return now.astimezone(definition.zone).date().isoformat()
