"""An offer with a last day: what it still gives before, and that it gives nothing after."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from launched import COUPON, Launch
from orchestrator.domain.messages import MessageState, Reason
from orchestrator.store.database import Database
from orchestrator.store.tables import coupons, messages
from shops import EVENT_NOON, add_customer, add_order

LAUNCH = EVENT_NOON + timedelta(hours=6)
FIRST = EVENT_NOON + timedelta(days=1, hours=1)
WAVES = [COUPON | {"after": "1 day"}]
SHANGHAI_MIDNIGHT = datetime(2026, 11, 20, 16, 0, tzinfo=UTC)  # the end of the 20th


def planned(launch: Launch, offer: dict[str, Any], at: datetime, *zones: str) -> Database:
    """Plan for a customer a time zone."""
    campaign = launch(LAUNCH, waves=WAVES, offers={"back": offer}, waive=["care-first"])
    with campaign.database.write() as connection:
        for number, zone in enumerate(zones, start=1):
            add_order(connection, add_customer(connection, number, timezone=zone))
    campaign.enroll(LAUNCH)
    campaign.plan(at)
    return campaign.database


def ends(database: Database) -> list[datetime]:
    with database.read() as connection:
        found = select(coupons.c.expires_at).order_by(coupons.c.enrollment_id)
        return list(connection.execute(found).scalars())


@pytest.mark.parametrize(
    ("offer", "end"),
    [
        ({"until": "2026-11-20"}, SHANGHAI_MIDNIGHT),
        ({"until": "2026-11-20", "valid": "30 days"}, SHANGHAI_MIDNIGHT),
        ({"until": "2026-11-20", "valid": "2 days"}, FIRST + timedelta(days=2)),
        ({"until": "2027-01-31"}, datetime(2027, 1, 31, 16, 0, tzinfo=UTC)),
        ({}, FIRST + timedelta(days=14)),
    ],
)
def test_a_coupon_ends_with_its_own_days_or_those_of_its_offer(
    launch: Launch, offer: dict[str, Any], end: datetime
) -> None:
    database = planned(launch, {"percent": 10} | offer, FIRST, "Asia/Shanghai")

    assert ends(database) == [end]


def test_the_last_day_is_that_of_the_customers_calendar(launch: Launch) -> None:
    offer = {"percent": 10, "until": "2026-11-20"}
    database = planned(launch, offer, FIRST, "Asia/Shanghai", "America/New_York")

    assert ends(database) == [SHANGHAI_MIDNIGHT, datetime(2026, 11, 21, 5, 0, tzinfo=UTC)]


def test_after_the_last_day_no_coupon_is_issued_where_that_day_is_over(launch: Launch) -> None:
    offer = {"percent": 10, "until": "2026-11-20"}
    at = SHANGHAI_MIDNIGHT + timedelta(hours=1)
    database = planned(launch, offer, at, "Asia/Shanghai", "America/New_York")

    columns = messages.c
    with database.read() as connection:
        found = select(columns.state, columns.reason, columns.assigned)
        rows = connection.execute(found.order_by(columns.enrollment_id)).all()
    assert [tuple(row) for row in rows] == [
        (MessageState.SKIPPED, Reason.COUPON_EXPIRED, False),
        (MessageState.PLANNED, None, True),
    ]
    assert len(ends(database)) == 1
