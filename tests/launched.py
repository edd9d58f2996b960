"""A campaign on the event day, as short as it can be, launched into a test's database."""

import random
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import update

from orchestrator.playbooks import Definition
from orchestrator.services.enroll import enroll
from orchestrator.services.plan import PlanReport, plan
from orchestrator.store import campaigns
from orchestrator.store.campaigns import StoredCampaign
from orchestrator.store.database import Database
from orchestrator.store.tables import messages
from shops import SHOP

THANKS = {"wave": "thanks", "kind": "thanks", "after": "1 day", "channels": ["sms"]}
COUPON = {
    "wave": "coupon",
    "kind": "promo",
    "after": "7 days",
    "channels": ["sms"],
    "offer": "back",
    "unless": "purchased",
}


def a_definition(**more: Any) -> Definition:
    return Definition.model_validate(
        {
            "playbook": "short",
            "title": "Short",
            "timezone": "Asia/Shanghai",
            "locales": ["en"],
            "audience": {"event_day": {"from": "2026-11-11", "to": "2026-11-11"}},
            "waves": [THANKS, COUPON],
            "offers": {"back": {"amount": "20 CNY", "min_spend": "199 CNY", "valid": "14 days"}},
            **more,
        }
    )


class Campaign:
    """A launched campaign whose definition has no files behind it: the renderer is not asked here."""

    def __init__(self, database: Database, definition: Definition, launched_at: datetime) -> None:
        self.database, self.definition = database, definition
        self.dice = random.Random(7)
        with database.write() as connection:
            campaign_id = campaigns.add(
                connection,
                name="test",
                playbook="short",
                version="0" * 64,
                files={},
                salt="salt",
                shop=SHOP,
                now=launched_at,
            )
            self.stored: StoredCampaign = campaigns.get(connection, campaign_id)

    def enroll(self, now: datetime) -> int:
        return enroll(self.database, self.stored, self.definition, now)

    def plan(self, now: datetime) -> PlanReport:
        dice = self.dice.randbytes
        return plan(self.database, self.stored, self.definition, now=now, random_bytes=dice)

    def send(self, now: datetime) -> None:
        """As a dispatcher does that is never refused."""
        due = update(messages).where(messages.c.state == "planned", messages.c.due_at <= now)
        gone = {"sending_at": now, "accepted_at": now, "finished_at": now}
        with self.database.write() as connection:
            connection.execute(due.values(state="accepted", **gone))


Launch = Callable[..., Campaign]
