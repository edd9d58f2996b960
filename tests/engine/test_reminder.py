"""A reminder brings the coupon again to those who have it still."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from launched import COUPON, Campaign, Launch
from orchestrator.domain.arms import Arm
from orchestrator.domain.coupons import CouponState
from orchestrator.domain.messages import MessageState, Reason
from orchestrator.store.database import Database
from orchestrator.store.tables import coupons, evaluations, messages, sends
from shops import EVENT_NOON, add_buyers

LAUNCH = EVENT_NOON + timedelta(hours=6)
FIRST = EVENT_NOON + timedelta(days=1, hours=1)
DAY = timedelta(days=1)
AGAIN = FIRST + timedelta(days=11, hours=1)
S, R = MessageState, Reason
GIVES = COUPON | {"after": "1 day"}
REMINDS = {
    "wave": "reminder",
    "kind": "promo",
    "after": "11 days after coupon",
    "channels": ["sms"],
    "reminds": "coupon",
}


def reminding(
    launch: Launch, buyers: int = 1, *, gives: dict[str, Any] = GIVES, **more: Any
) -> Campaign:
    """A campaign whose coupons are planned."""
    campaign = launch(LAUNCH, waves=[gives, REMINDS | more], waive=["care-first"])
    with campaign.database.write() as connection:
        add_buyers(connection, buyers)
    campaign.enroll(LAUNCH)
    campaign.plan(FIRST)
    return campaign


def put(database: Database, table: Any, **values: Any) -> None:
    with database.write() as connection:
        connection.execute(update(table).values(**values))


def end(campaign: Campaign, state: MessageState = S.ACCEPTED, **more: Any) -> None:
    accepted = FIRST if state is S.ACCEPTED else None
    put(campaign.database, messages, state=state, finished_at=FIRST, accepted_at=accepted, **more)


def reminders(database: Database) -> Counter[tuple[MessageState, Reason | None, bool]]:
    columns = messages.c
    asked = select(columns.state, columns.reason, columns.assigned)
    with database.read() as connection:
        rows = connection.execute(asked.where(columns.wave == "reminder")).all()
    return Counter((row.state, row.reason, row.assigned) for row in rows)


def test_brings_the_same_code_and_none_of_its_own(launch: Launch) -> None:
    campaign = reminding(launch)
    end(campaign)

    report = campaign.plan(AGAIN)

    with campaign.database.read() as connection:
        brought = select(messages.c.wave, messages.c.coupon_id, messages.c.expires_at)
        rows = connection.execute(brought.order_by(messages.c.id)).all()
    over = FIRST + 14 * DAY
    assert [tuple(row) for row in rows] == [("coupon", 1, over), ("reminder", 1, over)]
    assert report.coupons == 0


def test_waits_until_the_coupon_is_accepted_and_counts_from_then(launch: Launch) -> None:
    campaign = reminding(launch)

    campaign.plan(AGAIN)
    before = reminders(campaign.database)
    end(campaign)
    put(campaign.database, messages, accepted_at=FIRST + 2 * DAY)
    campaign.plan(AGAIN)
    early = reminders(campaign.database)
    campaign.plan(AGAIN + 2 * DAY)

    assert before == early == {}
    assert reminders(campaign.database) == {(S.PLANNED, None, True): 1}


@pytest.mark.parametrize(
    ("coupon", "reason"),
    [
        ({"state": CouponState.REDEEMED}, R.COUPON_REDEEMED),
        ({"state": CouponState.EXPIRED, "expires_at": FIRST + 5 * DAY}, R.COUPON_EXPIRED),
        ({"expires_at": FIRST + 5 * DAY}, R.COUPON_EXPIRED),
    ],
)
def test_who_has_used_the_coupon_or_let_it_pass_is_not_reminded(
    launch: Launch, coupon: dict[str, Any], reason: Reason
) -> None:
    campaign = reminding(launch)
    end(campaign)
    put(campaign.database, coupons, **coupon)

    campaign.plan(AGAIN)

    assert reminders(campaign.database) == {(S.SKIPPED, reason, False): 1}


@pytest.mark.parametrize("state", [S.SKIPPED, S.REJECTED, S.CANCELLED])
def test_who_never_read_of_the_coupon_is_not_reminded(launch: Launch, state: MessageState) -> None:
    campaign = reminding(launch)
    end(campaign, state)

    campaign.plan(AGAIN)

    assert reminders(campaign.database) == {(S.SKIPPED, R.NO_COUPON, False): 1}


def test_who_may_have_read_of_the_coupon_is_reminded(launch: Launch) -> None:
    campaign = reminding(launch)
    end(campaign, S.UNRESOLVED)

    campaign.plan(AGAIN)

    assert reminders(campaign.database) == {(S.PLANNED, None, True): 1}


def test_only_those_with_a_coupon_are_drawn_lots_for(launch: Launch) -> None:
    """Who was withheld from the coupon has none; both arms of the reminder have theirs."""
    campaign = reminding(launch, 60, gives=GIVES | {"holdout": "50%"}, holdout="50%")
    with campaign.database.write() as connection:
        sent = update(messages).where(messages.c.state == S.PLANNED)
        connection.execute(sent.values(state=S.ACCEPTED, accepted_at=FIRST, finished_at=FIRST))

    campaign.plan(AGAIN)

    columns = messages.c
    with campaign.database.read() as connection:
        owners = set(connection.execute(select(coupons.c.enrollment_id)).scalars())
        rows = connection.execute(
            select(messages).where(columns.wave == "reminder").order_by(columns.id)
        ).all()
    arms = Counter((row.arm, row.state) for row in rows if row.assigned)
    assert {row.enrollment_id for row in rows if row.assigned} == owners
    assert set(arms) == {(Arm.TREATED, S.PLANNED), (Arm.HOLDOUT, S.WITHHELD)}
    assert {row.reason for row in rows if not row.assigned} == {R.NO_COUPON}
    # What the withheld redeem of the same coupons is compared.
    assert {row.coupon_id is not None for row in rows if row.assigned} == {True}
    assert {row.would_go_at for row in rows} == {AGAIN}


def test_has_an_evaluation_of_its_own(launch: Launch) -> None:
    campaign = reminding(launch)
    end(campaign)

    campaign.plan(AGAIN)

    with campaign.database.read() as connection:
        asked = select(evaluations.c.kind).join(sends, sends.c.id == evaluations.c.send_id)
        found = connection.execute(asked.where(sends.c.wave == "reminder")).scalars()
        assert list(found) == ["send"]
