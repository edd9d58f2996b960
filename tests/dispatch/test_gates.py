"""A message whose moment has come is sent, or has a reason why not."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from builders import BOUGHT, DUE, fates, message
from orchestrator.domain.coupons import CouponState
from orchestrator.domain.decisions import PAUSED_FOR
from orchestrator.domain.messages import Channel, MessageState, Reason
from orchestrator.store import ledger
from orchestrator.store.database import Database
from orchestrator.store.ledger import PutOffRow
from orchestrator.store.tables import (
    attempts,
    campaigns,
    consents,
    customers,
    enrollments,
    instance,
    orders,
    suppressions,
)

S = MessageState
R = Reason
Make = Callable[..., int]
DAY = timedelta(days=1)


def write(database: Database, statement: Any) -> None:
    with database.write() as connection:
        connection.execute(statement)


def test_what_is_due_is_handed_over_and_its_cost_is_booked(desk: Any, a_message: Make) -> None:
    one = a_message()

    report = desk.dispatch()

    sent = message(desk.database, one)
    assert report.counts == {(S.ACCEPTED, None): 1}
    assert (sent.state, sent.accepted_at, sent.parts, sent.cost) == (S.ACCEPTED, DUE, 1, 5_000)
    assert (sent.provider, sent.provider_id) == ("simulated", "simulated-0-1")
    with desk.database.read() as connection:
        assert connection.execute(select(campaigns.c.spent)).scalar_one() == 5_000
        tried = connection.execute(select(attempts)).one()
    assert (tried.message_id, tried.token, tried.outcome, tried.answered_at) == (
        1,
        1,
        "accepted",
        DUE,
    )


def test_what_is_not_due_waits(desk: Any, a_message: Make) -> None:
    a_message(due_at=DUE + DAY)

    assert desk.dispatch().counts == {}


def test_a_suppressed_address_is_not_written_to(desk: Any, a_message: Make) -> None:
    address = message(desk.database, a_message()).address_hash
    write(
        desk.database,
        insert(suppressions).values(
            channel=Channel.SMS, address_hash=address, reason="opted_out", source="t", at=BOUGHT
        ),
    )

    desk.dispatch()

    assert fates(desk.database) == {(S.SKIPPED, R.SUPPRESSED): 1}


def test_a_suppression_of_another_channel_or_lifted_says_nothing(
    desk: Any, a_message: Make
) -> None:
    address = message(desk.database, a_message()).address_hash
    rows = [(Channel.EMAIL, None), (Channel.SMS, BOUGHT + DAY)]
    for channel, lifted in rows:
        write(
            desk.database,
            insert(suppressions).values(
                channel=channel,
                address_hash=address,
                reason="opted_out",
                source="t",
                at=BOUGHT,
                lifted_at=lifted,
            ),
        )

    desk.dispatch()

    assert fates(desk.database) == {(S.ACCEPTED, None): 1}


@pytest.mark.parametrize(
    ("wave", "answer", "fate"),
    [
        ("promo", None, (S.SKIPPED, R.NO_CONSENT)),
        ("promo", False, (S.SKIPPED, R.NO_CONSENT)),
        ("promo", True, (S.ACCEPTED, None)),
        ("thanks", None, (S.ACCEPTED, None)),
        ("thanks", False, (S.SKIPPED, R.NO_CONSENT)),
    ],
)
def test_advertising_needs_a_yes_and_thanks_need_that_nobody_said_no(
    desk: Any, a_message: Make, *, wave: str, answer: bool | None, fate: tuple[S, R | None]
) -> None:
    one = message(desk.database, a_message(wave=wave, agreed=False))
    if answer is not None:
        write(
            desk.database,
            insert(consents).values(
                customer_id=one.customer_id,
                channel=Channel.SMS,
                purpose=one.kind.purpose,
                granted=answer,
                source="t",
                at=BOUGHT,
            ),
        )

    desk.dispatch()

    assert fates(desk.database) == {fate: 1}


def an_order(customer_id: int, **more: Any) -> Any:
    return insert(orders).values(
        **{
            "external_id": "later",
            "customer_id": customer_id,
            "placed_at": BOUGHT + DAY,
            "currency": "CNY",
            "total": 1,
            "counts": True,
            "updated_at": BOUGHT,
            **more,
        }
    )


def test_who_bought_again_hears_no_more_of_the_campaign(desk: Any, a_message: Make) -> None:
    one = message(desk.database, a_message())
    write(desk.database, an_order(one.customer_id))

    desk.dispatch()

    assert fates(desk.database) == {(S.SKIPPED, R.PURCHASED): 1}
    with desk.database.read() as connection:
        walk = connection.execute(select(enrollments)).one()
    assert (walk.wave, walk.exited_at, walk.exit_reason) == (None, DUE, R.PURCHASED)


@pytest.mark.parametrize(
    "more",
    [{"counts": False}, {"placed_at": BOUGHT - DAY}, {"placed_at": DUE + DAY}],
    ids=["refunded", "earlier", "not yet"],
)
def test_an_order_that_is_no_purchase_since_changes_nothing(
    desk: Any, a_message: Make, more: dict[str, Any]
) -> None:
    one = message(desk.database, a_message())
    write(desk.database, an_order(one.customer_id, **more))

    desk.dispatch()

    assert fates(desk.database) == {(S.ACCEPTED, None): 1}


def test_a_wave_that_does_not_ask_reaches_buyers_too(desk: Any, a_message: Make) -> None:
    one = message(desk.database, a_message(wave="thanks"))
    write(desk.database, an_order(one.customer_id))

    desk.dispatch()

    assert fates(desk.database) == {(S.ACCEPTED, None): 1}


@pytest.mark.parametrize("hashed", [None, "another"])
def test_an_address_that_is_gone_or_changed_is_not_guessed(
    desk: Any, a_message: Make, hashed: str | None
) -> None:
    a_message()
    write(desk.database, update(customers).values(phone_hash=hashed))

    desk.dispatch()

    assert fates(desk.database) == {(S.SKIPPED, R.NO_ADDRESS): 1}


def test_quiet_hours_put_off_until_the_customer_is_awake(desk: Any, a_message: Make) -> None:
    one = a_message('quiet_hours: {from: "21:00", to: "09:00"}\n')
    desk.now = datetime(2025, 11, 12, 14, 0, tzinfo=UTC)  # 22:00 in Shanghai

    report = desk.dispatch()

    assert report.counts == {(S.PLANNED, R.QUIET_HOURS): 1}
    assert message(desk.database, one).due_at == datetime(2025, 11, 13, 1, 0, tzinfo=UTC)


def test_what_would_be_over_when_they_wake_is_over_now(desk: Any, a_message: Make) -> None:
    desk.now = datetime(2025, 11, 12, 14, 0, tzinfo=UTC)
    a_message(
        'quiet_hours: {from: "21:00", to: "09:00"}\n', expires_at=desk.now + timedelta(hours=3)
    )

    desk.dispatch()

    assert fates(desk.database) == {(S.EXPIRED, R.QUIET_HOURS): 1}


def test_past_its_moment_a_message_expires(desk: Any, a_message: Make) -> None:
    a_message(expires_at=DUE)

    desk.dispatch()

    assert fates(desk.database) == {(S.EXPIRED, R.LATE): 1}


def test_nobody_is_sent_a_coupon_that_is_over(desk: Any, a_message: Make) -> None:
    a_message(coupon={"expires_at": DUE})

    desk.dispatch()

    assert fates(desk.database) == {(S.EXPIRED, R.COUPON_EXPIRED): 1}


def test_a_put_off_is_remembered_after_the_message_went(desk: Any, a_message: Make) -> None:
    one = message(desk.database, a_message(state="planned"))
    state = update(campaigns).where(campaigns.c.id == one.campaign_id)
    write(desk.database, state.values(state="paused"))
    for _ in range(2):
        desk.dispatch()
        desk.now += PAUSED_FOR
    write(desk.database, state.values(state="running"))

    desk.dispatch()

    with desk.database.read() as connection:
        found = ledger.put_offs_by_reason(connection, one.campaign_id)
    assert fates(desk.database) == {(S.ACCEPTED, None): 1}
    assert found == [PutOffRow(R.CAMPAIGN_PAUSED, messages=1, times=2, accepted=1, still_open=0)]


def test_what_cannot_wait_for_its_cap_is_counted_as_the_cap_s(desk: Any, a_message: Make) -> None:
    cap = "cap: {promo: 1 per 14 days}\n"
    earlier = message(desk.database, a_message(cap, name="earlier"))
    desk.dispatch()
    coupon = {"expires_at": DUE + DAY}
    late = a_message(cap, name="later", address_hash=earlier.address_hash, coupon=coupon)
    write(desk.database, update(customers).values(phone_hash=earlier.address_hash))

    desk.dispatch()

    late_campaign = message(desk.database, late).campaign_id
    with desk.database.read() as connection:
        found = ledger.put_offs_by_reason(connection, late_campaign)
    assert fates(desk.database) == {(S.ACCEPTED, None): 1, (S.EXPIRED, R.CAP): 1}
    assert found == [PutOffRow(R.CAP, messages=1, times=0, accepted=0, still_open=0)]
    assert found[0].ended == 1


@pytest.mark.parametrize(
    ("state", "fate"),
    [
        ("paused", (S.PLANNED, R.CAMPAIGN_PAUSED)),
        ("stopped", (S.CANCELLED, R.CAMPAIGN_STOPPED)),
    ],
)
def test_a_campaign_that_rests_sends_nothing(
    desk: Any, a_message: Make, state: str, fate: tuple[S, R]
) -> None:
    a_message()
    write(desk.database, update(campaigns).values(state=state))

    desk.dispatch()

    assert fates(desk.database) == {fate: 1}


def test_the_kill_switch_stops_everybody(desk: Any, a_message: Make) -> None:
    a_message()
    write(desk.database, update(instance).values(dispatch_stopped="mistake in the text"))

    report = desk.dispatch()

    assert (report.counts, report.stopped) == ({}, R.DISPATCH_STOPPED)
    assert fates(desk.database) == {(S.PLANNED, None): 1}


def test_a_budget_is_never_passed(desk: Any, a_message: Make) -> None:
    a_message("budget: 0.12 CNY\n", count=3)

    desk.dispatch()

    assert fates(desk.database) == {(S.ACCEPTED, None): 2, (S.SKIPPED, R.BUDGET): 1}


def test_a_cap_counts_other_campaigns_and_puts_off_until_it_is_free(
    desk: Any, a_message: Make
) -> None:
    earlier = message(desk.database, a_message("cap: {promo: 1 per 14 days}\n", name="earlier"))
    desk.dispatch()
    desk.now = DUE + 3 * DAY
    later = a_message(
        "cap: {promo: 1 per 14 days}\n", name="later", address_hash=earlier.address_hash
    )
    write(desk.database, update(customers).values(phone_hash=earlier.address_hash))

    desk.dispatch()

    put_off = message(desk.database, later)
    assert (put_off.state, put_off.reason) == (S.PLANNED, R.CAP)
    assert put_off.due_at == DUE + 14 * DAY


def test_nobody_is_reminded_of_a_coupon_that_they_used_meanwhile(
    desk: Any, a_message: Make
) -> None:
    a_message(coupon={"state": CouponState.REDEEMED})

    desk.dispatch()

    assert fates(desk.database) == {(S.SKIPPED, R.COUPON_REDEEMED): 1}
