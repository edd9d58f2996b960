"""Codes that the shop's platform made: each to one customer, whichever campaign asks for it."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from launched import COUPON, Campaign, Launch
from orchestrator.domain.coupons import CouponState
from orchestrator.domain.messages import MessageState, Reason
from orchestrator.store.database import Database
from orchestrator.store.forecasts import planned_batches
from orchestrator.store.messages.sheets import load_sheets
from orchestrator.store.tables import coupons, messages
from shops import EVENT_NOON, add_buyers

LAUNCH = EVENT_NOON + timedelta(hours=6)
NIGHT = datetime(2026, 11, 12, 15, 0, tzinfo=UTC)  # 23:00 in Shanghai
MORNING = datetime(2026, 11, 13, 1, 0, tzinfo=UTC)
OFFER = {"back": {"pool": "spring", "amount": "20 CNY", "valid": "14 days"}}


def drawing(launch: Launch, buyers: int, codes: int, **more: Any) -> Campaign:
    """A campaign whose first wave brings a code of the pool to each buyer."""
    campaign = launch(
        LAUNCH,
        waves=[COUPON | {"after": "1 day"}],
        offers=OFFER,
        waive=["care-first"],
        **more,
    )
    rows = [
        {"code": f"CODE{number}", "offer": "spring", "state": CouponState.POOL}
        for number in range(codes)
    ]
    with campaign.database.write() as connection:
        add_buyers(connection, buyers)
        connection.execute(insert(coupons), rows)
    campaign.enroll(LAUNCH)
    return campaign


def fates(database: Database) -> Counter[tuple[MessageState, Reason | None]]:
    with database.read() as connection:
        rows = connection.execute(select(messages.c.state, messages.c.reason)).all()
    return Counter((row.state, row.reason) for row in rows)


def test_whoever_finds_the_pool_empty_is_skipped_and_told_why(launch: Launch) -> None:
    campaign = drawing(launch, buyers=3, codes=2)

    campaign.plan(NIGHT)

    assert fates(campaign.database) == {
        (MessageState.PLANNED, None): 2,
        (MessageState.SKIPPED, Reason.POOL_EMPTY): 1,
    }


def test_a_code_is_valid_from_when_its_message_goes_out(launch: Launch) -> None:
    campaign = drawing(launch, 1, 1, quiet_hours={"from": "21:00", "to": "09:00"})

    campaign.plan(NIGHT)

    with campaign.database.read() as connection:
        [ends] = connection.execute(select(coupons.c.expires_at)).scalars()
    assert ends == MORNING + timedelta(days=14)


def test_a_customer_reads_the_code_as_the_platform_writes_it(launch: Launch) -> None:
    campaign = drawing(launch, buyers=1, codes=1)
    with campaign.database.write() as connection:
        connection.execute(update(coupons).values(printed="Code-0"))

    campaign.plan(NIGHT)

    with campaign.database.read() as connection:
        [batch] = planned_batches(connection, campaign.stored.id, "coupon")
        [sheet] = load_sheets(connection, batch)
    assert sheet.code == "Code-0"


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "database_url", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True
)
def test_a_code_that_another_campaign_is_drawing_is_left_to_it(launch: Launch) -> None:
    campaign = drawing(launch, buyers=1, codes=2)
    first = update(coupons).where(coupons.c.code == "CODE0")

    with campaign.database.write() as other:
        other.execute(first.values(state=CouponState.ISSUED))
        campaign.plan(NIGHT)

    with campaign.database.read() as connection:
        drawn = select(coupons.c.code).where(coupons.c.enrollment_id.is_not(None))
        assert list(connection.execute(drawn).scalars()) == ["CODE1"]
