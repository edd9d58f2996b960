"""A gift of which there are only so many: never one too many, and none lies about unused."""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Select, func, select, update

from launched import COUPON, Campaign, Launch
from orchestrator.domain.coupons import CouponState
from orchestrator.domain.messages import MessageState, Reason
from orchestrator.services.plan import plan
from orchestrator.store import planning
from orchestrator.store.coupons import expire
from orchestrator.store.database import Database
from orchestrator.store.tables import coupons, messages
from shops import EVENT_NOON, add_buyers, add_customer, add_order

LAUNCH = EVENT_NOON + timedelta(hours=6)
FIRST = EVENT_NOON + timedelta(days=1, hours=1)
DAY = timedelta(days=1)
S, R = MessageState, Reason
GIFT: dict[str, Any] = {"gift": "MUG", "valid": "14 days", "stock": 2}
WAVE = COUPON | {"after": "1 day"}


def giving(launch: Launch, buyers: int, offers: dict[str, Any], **more: Any) -> Campaign:
    """A campaign whose first wave brings the offer ``back`` to each buyer."""
    options = {"waves": [WAVE], "waive": ["care-first"], **more}
    campaign = launch(LAUNCH, offers=offers, **options)
    with campaign.database.write() as connection:
        add_buyers(connection, buyers)
    campaign.enroll(LAUNCH)
    return campaign


def fates(database: Database, wave: str = "coupon") -> Counter[tuple[MessageState, Reason | None]]:
    columns = messages.c
    with database.read() as connection:
        rows = connection.execute(
            select(columns.state, columns.reason).where(columns.wave == wave)
        ).all()
    return Counter((row.state, row.reason) for row in rows)


def given(database: Database) -> Counter[tuple[str, CouponState]]:
    with database.read() as connection:
        rows = connection.execute(select(coupons.c.offer, coupons.c.state)).all()
    return Counter((row.offer, row.state) for row in rows)


def put(database: Database, *statements: Any) -> None:
    with database.write() as connection:
        for statement in statements:
            connection.execute(statement)


def arrive(campaign: Campaign, at: datetime, first: int, count: int = 1) -> None:
    """More people of the event day come in late, and are planned at once."""
    with campaign.database.write() as connection:
        for number in range(first, first + count):
            add_order(connection, add_customer(connection, number), updated_at=at)
    campaign.enroll(at)
    campaign.plan(at)


def test_whoever_finds_the_stock_empty_is_skipped_and_told_why(launch: Launch) -> None:
    campaign = giving(launch, 5, {"back": GIFT})

    campaign.plan(FIRST)

    assert fates(campaign.database) == {(S.PLANNED, None): 2, (S.SKIPPED, R.OUT_OF_STOCK): 3}
    with campaign.database.read() as connection:
        served = select(coupons.c.enrollment_id).order_by(coupons.c.enrollment_id)
        # Who bought first is due first.
        assert list(connection.execute(served).scalars()) == [1, 2]


def test_whoever_finds_the_stock_empty_gets_the_other_offer_where_there_is_one(
    launch: Launch,
) -> None:
    offers = {"back": GIFT | {"otherwise": "small"}, "small": {"amount": "5 CNY"}}
    campaign = giving(launch, 5, offers)

    report = campaign.plan(FIRST)

    assert report.coupons == 5
    assert fates(campaign.database) == {(S.PLANNED, None): 5}
    assert given(campaign.database) == {
        ("back", CouponState.ISSUED): 2,
        ("small", CouponState.ISSUED): 3,
    }


def test_a_pool_that_runs_empty_hands_over_to_the_other_offer(launch: Launch) -> None:
    pooled = {"amount": "20 CNY", "pool": "spring", "otherwise": "small"}
    campaign = giving(launch, 2, {"back": pooled, "small": {"percent": 5}})

    campaign.plan(FIRST)

    assert given(campaign.database) == {("small", CouponState.ISSUED): 2}


def test_waves_and_variants_draw_on_one_stock(launch: Launch) -> None:
    variants = [
        {"variant": "short", "share": "50%", "offer": "back"},
        {"variant": "long", "share": "50%"},
    ]
    waves = [WAVE | {"variants": variants}, WAVE | {"wave": "again", "after": "2 days"}]
    campaign = giving(launch, 6, {"back": GIFT | {"stock": 8}}, waves=waves)

    campaign.plan(FIRST)
    campaign.send(FIRST)
    campaign.plan(FIRST + DAY)

    assert fates(campaign.database) == {(S.ACCEPTED, None): 6}
    assert fates(campaign.database, "again") == {
        (S.PLANNED, None): 2,
        (S.SKIPPED, R.OUT_OF_STOCK): 4,
    }


@pytest.mark.parametrize(
    ("state", "out"),
    [
        (S.SKIPPED, 0),
        (S.CANCELLED, 0),
        (S.EXPIRED, 0),
        (S.REJECTED, 0),
        (S.PLANNED, 1),
        (S.UNKNOWN, 1),
        (S.UNRESOLVED, 1),
        (S.ACCEPTED, 1),
    ],
)
def test_a_coupon_that_nobody_can_have_read_goes_back(
    launch: Launch, state: MessageState, out: int
) -> None:
    campaign = giving(launch, 1, {"back": GIFT | {"stock": 1}})
    campaign.plan(FIRST)
    put(campaign.database, update(messages).values(state=state, finished_at=FIRST))

    arrive(campaign, FIRST + DAY, 2)

    assert given(campaign.database)["back", CouponState.ISSUED] == 2 - out


def test_a_coupon_that_was_not_used_goes_back_a_day_after_its_last(launch: Launch) -> None:
    campaign = giving(launch, 2, {"back": GIFT})
    campaign.plan(FIRST)
    put(campaign.database, update(messages).values(state=S.ACCEPTED, finished_at=FIRST))
    over = FIRST + 14 * DAY
    with campaign.database.write() as connection:
        expire(connection, over + timedelta(minutes=1))

    arrive(campaign, over + timedelta(hours=23), 8)
    before = given(campaign.database)
    arrive(campaign, over + timedelta(hours=25), 9)

    assert before == {("back", CouponState.EXPIRED): 2}
    assert given(campaign.database) == {
        ("back", CouponState.EXPIRED): 2,
        ("back", CouponState.ISSUED): 1,
    }


def test_a_redeemed_coupon_never_goes_back(launch: Launch) -> None:
    campaign = giving(launch, 2, {"back": GIFT})
    campaign.plan(FIRST)
    put(
        campaign.database,
        update(messages).values(state=S.ACCEPTED, finished_at=FIRST),
        update(coupons).values(state=CouponState.REDEEMED, redeemed_at=FIRST + DAY),
    )

    arrive(campaign, FIRST + 60 * DAY, 9)

    assert fates(campaign.database)[S.SKIPPED, R.OUT_OF_STOCK] == 1


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "CHUNK", 3)


@pytest.mark.timeout(120)
@pytest.mark.usefixtures("small_chunks")
def test_several_planners_at_once_never_give_one_too_many(launch: Launch) -> None:
    offers = {"back": GIFT | {"stock": 10, "otherwise": "small"}, "small": {"percent": 5}}
    campaign = giving(launch, 30, offers)

    def planner(seed: int) -> int:
        dice = random.Random(seed).randbytes
        stored, definition = campaign.stored, campaign.definition
        return plan(campaign.database, stored, definition, now=FIRST, random_bytes=dice).coupons

    with ThreadPoolExecutor(4) as pool:
        issued = sum(pool.map(planner, range(4)))

    assert issued == 30
    assert given(campaign.database) == {
        ("back", CouponState.ISSUED): 10,
        ("small", CouponState.ISSUED): 20,
    }
    assert fates(campaign.database) == {(S.PLANNED, None): 30}


@pytest.mark.parametrize("seed", range(3))
def test_whatever_becomes_of_the_messages_the_stock_is_never_overdrawn(
    launch: Launch, seed: int
) -> None:
    dice = random.Random(seed)
    campaign = giving(launch, 6, {"back": GIFT | {"stock": 5, "valid": "3 days"}})
    campaign.plan(FIRST)

    for day in range(1, 8):
        now = FIRST + day * DAY
        happen(campaign.database, now, dice)
        arrive(campaign, now, 10 * day, 3)

        assert out(campaign.database, now) <= 5
        assert fates(campaign.database).total() == 6 + 3 * day


def happen(database: Database, now: datetime, dice: random.Random) -> None:
    """Let what was planned end in any way, and some of those who read of a coupon use it."""
    ends = [S.SKIPPED, S.CANCELLED, S.REJECTED, S.UNRESOLVED, S.ACCEPTED]
    with database.read() as connection:
        planned = select(messages.c.id).where(messages.c.state == S.PLANNED)
        open_messages = list(connection.execute(planned).scalars())
        usable = list(connection.execute(_read(now).with_only_columns(coupons.c.id)).scalars())
    for message in open_messages:
        end = update(messages).where(messages.c.id == message)
        put(database, end.values(state=dice.choice(ends), finished_at=now))
    for coupon in usable:
        if dice.random() < 0.2:
            used = update(coupons).where(coupons.c.id == coupon)
            put(database, used.values(state=CouponState.REDEEMED, redeemed_at=now))


def out(database: Database, now: datetime) -> int:
    """How many coupons were used, or can be, told by their messages one by one."""
    planned = select(coupons.c.id).join(messages, messages.c.coupon_id == coupons.c.id)
    with database.read() as connection:
        used = connection.execute(
            select(func.count()).where(coupons.c.state == CouponState.REDEEMED)
        ).scalar_one()
        usable = connection.execute(_read(now)).all()
        to_come = connection.execute(planned.where(messages.c.state == S.PLANNED)).all()
    return int(used) + len(usable) + len(to_come)


def _read(now: datetime) -> Select[Any]:
    """Coupons that are good still and may have been read of."""
    return (
        select(coupons.c.id)
        .join(messages, messages.c.coupon_id == coupons.c.id)
        .where(messages.c.state.in_([S.ACCEPTED, S.UNRESOLVED]))
        .where(coupons.c.state != CouponState.REDEEMED, coupons.c.expires_at > now)
    )
