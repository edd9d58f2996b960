"""The dearer the order, the more its coupon is worth."""

from datetime import timedelta
from typing import Any

from sqlalchemy import select, update

from launched import COUPON, Campaign, Launch
from orchestrator.domain.arms import Arm
from orchestrator.domain.messages import MessageState, Reason
from orchestrator.store.database import Database
from orchestrator.store.tables import coupons, messages, orders
from shops import EVENT_NOON, add_customer, add_order

LAUNCH = EVENT_NOON + timedelta(hours=6)
FIRST = EVENT_NOON + timedelta(days=1, hours=1)
S, R = MessageState, Reason
LADDER = [
    {"from": "100 CNY", "amount": "3 CNY"},
    {"from": "150 CNY", "amount": "5 CNY", "min_spend": "50 CNY"},
]
WAVE = COUPON | {"after": "1 day"}


def spending(launch: Launch, *totals: int, offer: dict[str, Any], **more: Any) -> Campaign:
    """A campaign for one customer an order of that value, numbered from 1."""
    options = {"waves": [WAVE], "waive": ["care-first"], **more}
    campaign = launch(LAUNCH, offers={"back": offer}, **options)
    with campaign.database.write() as connection:
        for number, total in enumerate(totals, start=1):
            at = EVENT_NOON + timedelta(seconds=number)
            add_order(connection, add_customer(connection, number), total=total, at=at)
    campaign.enroll(LAUNCH)
    return campaign


def earned(database: Database) -> list[tuple[Any, ...]]:
    columns = (coupons.c.amount, coupons.c.percent, coupons.c.min_spend, messages.c.reason)
    with database.read() as connection:
        found = (
            select(*columns)
            .select_from(messages)
            .outerjoin(coupons, coupons.c.id == messages.c.coupon_id)
        )
        return [tuple(row) for row in connection.execute(found.order_by(messages.c.enrollment_id))]


def test_the_value_follows_the_order_and_each_step_includes_its_own(launch: Launch) -> None:
    campaign = spending(
        launch,
        9_999,
        10_000,
        14_999,
        15_000,
        99_900,
        offer={"ladder": LADDER, "min_spend": "30 CNY"},
    )

    report = campaign.plan(FIRST)

    assert report.coupons == 4
    assert earned(campaign.database) == [
        (None, None, None, R.BELOW_LADDER),
        (300, None, 3_000, None),
        (300, None, 3_000, None),
        (500, None, 5_000, None),
        (500, None, 5_000, None),
    ]


def test_what_was_given_back_does_not_count(launch: Launch) -> None:
    steps = [{"from": "100 CNY", "percent": 5}, {"from": "200 CNY", "percent": 10}]
    campaign = spending(launch, 25_000, 25_000, offer={"ladder": steps})
    with campaign.database.write() as connection:
        refunded = update(orders).where(orders.c.customer_id == 2)
        connection.execute(refunded.values(refunded=6_000))

    campaign.plan(FIRST)

    assert [row[1] for row in earned(campaign.database)] == [10, 5]


def test_who_is_below_the_first_step_is_no_part_of_the_comparison(launch: Launch) -> None:
    totals = [9_000 if number % 2 else 20_000 for number in range(40)]
    waves = [WAVE | {"holdout": "50%"}]
    campaign = spending(launch, *totals, offer={"ladder": LADDER}, waves=waves)

    campaign.plan(FIRST)

    columns = messages.c
    with campaign.database.read() as connection:
        found = connection.execute(
            select(columns.assigned, columns.arm, orders.c.total)
            .join_from(messages, orders, orders.c.customer_id == columns.customer_id)
            .distinct()
        )
        assert {tuple(row) for row in found} == {
            (False, Arm.TREATED, 9_000),
            (True, Arm.TREATED, 20_000),
            (True, Arm.HOLDOUT, 20_000),
        }


def test_a_variant_without_a_ladder_asks_nothing_of_the_order(launch: Launch) -> None:
    variants = [
        {"variant": "ladder", "share": "50%"},
        {"variant": "flat", "share": "50%", "offer": "flat"},
    ]
    campaign = launch(
        LAUNCH,
        waves=[WAVE | {"variants": variants}],
        offers={"back": {"ladder": LADDER}, "flat": {"amount": "1 CNY"}},
        waive=["care-first"],
    )
    with campaign.database.write() as connection:
        for number in range(1, 21):
            add_order(connection, add_customer(connection, number), total=5_000)
    campaign.enroll(LAUNCH)

    campaign.plan(FIRST)

    columns = messages.c
    with campaign.database.read() as connection:
        found = select(columns.variant, columns.state, columns.reason).distinct()
        assert {tuple(row) for row in connection.execute(found)} == {
            ("ladder", S.SKIPPED, R.BELOW_LADDER),
            ("flat", S.PLANNED, None),
        }
