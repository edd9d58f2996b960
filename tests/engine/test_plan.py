"""Planning a campaign: who is in, who is held out, who is written to, and when."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import func, select, update

from launched import COUPON, THANKS, Launch
from orchestrator.domain.arms import draw_lot, wave_salt
from orchestrator.domain.coupons import is_wellformed
from orchestrator.domain.messages import Channel
from orchestrator.store.database import Database
from orchestrator.store.tables import (
    coupons,
    customers,
    enrollments,
    evaluations,
    messages,
    orders,
    sends,
)
from shops import EVENT_NOON, add_buyers, add_customer, add_order, add_suppression

LAUNCH = EVENT_NOON + timedelta(hours=6)
THANKS_AT = EVENT_NOON + timedelta(days=1, hours=1)
COUPON_AT = EVENT_NOON + timedelta(days=7, hours=1)


def states(database: Database, wave: str = "thanks") -> Counter[tuple[str, str | None]]:
    columns = messages.c
    with database.read() as connection:
        rows = connection.execute(
            select(columns.state, columns.reason).where(columns.wave == wave)
        ).all()
    return Counter((str(row.state), row.reason and str(row.reason)) for row in rows)


def test_everybody_of_the_event_day_is_enrolled_once(database: Database, launch: Launch) -> None:
    with database.write() as connection:
        add_buyers(connection, 5)
    campaign = launch(LAUNCH)

    assert [campaign.enroll(LAUNCH), campaign.enroll(LAUNCH)] == [5, 0]
    assert campaign.enroll(LAUNCH + timedelta(days=1)) == 0


def test_two_profiles_with_one_phone_are_one_person(database: Database, launch: Launch) -> None:
    with database.write() as connection:
        for number in (1, 2):
            add_order(connection, add_customer(connection, number, phone="+8613812345678"))

    assert launch(LAUNCH).enroll(LAUNCH) == 1


def test_of_two_profiles_who_bought_at_one_moment_the_older_profile_is_enrolled(
    database: Database, launch: Launch
) -> None:
    with database.write() as connection:
        older, newer = (
            add_customer(connection, number, phone="+8613812345678") for number in (1, 2)
        )
        add_order(connection, newer)
        add_order(connection, older)

    launch(LAUNCH).enroll(LAUNCH)

    with database.read() as connection:
        enrolled = connection.execute(select(enrollments.c.customer_id)).scalars().all()
    assert enrolled == [older]


def test_nothing_is_planned_before_it_is_due(database: Database, launch: Launch) -> None:
    with database.write() as connection:
        add_buyers(connection, 3)
    campaign = launch(LAUNCH)
    campaign.enroll(LAUNCH)

    assert campaign.plan(EVENT_NOON + timedelta(days=1)).messages == 0
    assert campaign.plan(THANKS_AT).messages == 3


def test_planning_again_changes_nothing(database: Database, launch: Launch) -> None:
    with database.write() as connection:
        add_buyers(connection, 3)
    campaign = launch(LAUNCH)
    campaign.enroll(LAUNCH)
    campaign.plan(THANKS_AT)

    assert campaign.plan(THANKS_AT).messages == 0
    assert states(database) == {("planned", None): 3}


def test_who_cannot_be_written_to_is_skipped_with_the_reason(
    database: Database, launch: Launch
) -> None:
    with database.write() as connection:
        add_order(connection, add_customer(connection, 1, phone=None, email="a@example.com"))
        add_order(connection, add_customer(connection, 2, agreed=()))
        add_buyers(connection, 2, first=3)
        stopped = add_customer(connection, 9)
        add_order(connection, stopped)
        add_suppression(connection, stopped, Channel.SMS)
    campaign = launch(LAUNCH, waves=[{**_COUPON_FIRST}])
    campaign.enroll(LAUNCH)
    campaign.plan(THANKS_AT)

    assert states(database, "coupon") == {
        ("skipped", "no_address"): 1,
        ("skipped", "no_consent"): 1,
        ("skipped", "suppressed"): 1,
        ("planned", None): 2,
    }


_COUPON_FIRST = {
    "wave": "coupon",
    "kind": "promo",
    "after": "1 day",
    "channels": ["sms"],
    "offer": "back",
}


def test_the_wave_holdout_is_drawn_by_the_persons_lot(database: Database, launch: Launch) -> None:
    with database.write() as connection:
        add_buyers(connection, 60)
    campaign = launch(LAUNCH, waves=[{**_COUPON_FIRST, "holdout": "25%"}])
    campaign.enroll(LAUNCH)
    campaign.plan(THANKS_AT)

    salt = wave_salt("salt", "coupon", 0)
    held_out = {f"+86138{n:08d}" for n in range(1, 61)}
    held_out = {phone for phone in held_out if draw_lot(phone, salt) < 2_500}
    with database.read() as connection:
        rows = connection.execute(
            select(enrollments.c.person, messages.c.coupon_id)
            .join(messages, messages.c.enrollment_id == enrollments.c.id)
            .where(messages.c.state == "withheld", messages.c.arm == "holdout")
        ).all()
    assert {row.person for row in rows} == held_out
    assert {row.coupon_id for row in rows} == {None}


def test_the_campaign_holdout_stands_in_the_first_send_and_is_never_written_to(
    database: Database, launch: Launch
) -> None:
    with database.write() as connection:
        add_buyers(connection, 40)
    campaign = launch(LAUNCH, holdout="50%")
    campaign.enroll(LAUNCH)
    campaign.plan(THANKS_AT)
    campaign.send(THANKS_AT)
    campaign.plan(COUPON_AT)

    columns = messages.c
    shown = (enrollments.c.arm, columns.wave, columns.state, columns.assigned, columns.channel)
    with database.read() as connection:
        found = Counter(
            tuple(row)
            for row in connection.execute(
                select(*shown).join(enrollments, enrollments.c.id == columns.enrollment_id)
            )
        )
        pairs = select(enrollments.c.arm, enrollments.c.exit_reason).distinct()
        ends = {tuple(row) for row in connection.execute(pairs)}
    held_out = found["holdout", "thanks", "withheld", False, None]
    assert found == {
        ("holdout", "thanks", "withheld", False, None): held_out,
        ("treated", "thanks", "accepted", True, "sms"): 40 - held_out,
        ("treated", "coupon", "planned", True, "sms"): 40 - held_out,
    }
    assert 8 < held_out < 32
    assert ends == {("holdout", "held_out"), ("treated", "completed")}


def test_both_arms_of_the_campaign_stand_in_the_same_send(
    database: Database, launch: Launch
) -> None:
    with database.write() as connection:
        for number in range(1, 89):
            at = EVENT_NOON + timedelta(hours=number % 22 - 11)
            add_order(connection, add_customer(connection, number), at=at)
    quiet = {"from": "21:00", "to": "09:00"}
    campaign = launch(EVENT_NOON + timedelta(hours=12), holdout="50%", quiet_hours=quiet)
    campaign.enroll(EVENT_NOON + timedelta(hours=13))
    for hours in range(14, 62, 12):
        campaign.plan(EVENT_NOON + timedelta(hours=hours))

    with database.read() as connection:
        found = connection.execute(
            select(messages.c.send_id, enrollments.c.arm, func.count())
            .join(enrollments, enrollments.c.id == messages.c.enrollment_id)
            .where(messages.c.wave == "thanks")
            .group_by(messages.c.send_id, enrollments.c.arm)
        ).all()
    arms = Counter(send for send, _, _ in found)
    assert len(arms) > 1
    assert set(arms.values()) == {2}
    assert sum(number for _, _, number in found) == 88


def test_whoever_returned_leaves_before_the_coupon(database: Database, launch: Launch) -> None:
    with database.write() as connection:
        first, *_ = add_buyers(connection, 3)
    campaign = launch(LAUNCH)
    campaign.enroll(LAUNCH)
    campaign.plan(THANKS_AT)
    campaign.send(THANKS_AT)
    with database.write() as connection:
        add_order(connection, first, at=EVENT_NOON + timedelta(days=3))

    report = campaign.plan(COUPON_AT)

    assert (report.purchased, report.messages, report.coupons) == (1, 2, 2)
    with database.read() as connection:
        reasons = Counter(connection.execute(select(enrollments.c.exit_reason)).scalars())
    assert reasons == {"purchased": 1, "completed": 2}


def test_a_purchase_that_was_refunded_in_full_does_not_count(
    database: Database, launch: Launch
) -> None:
    with database.write() as connection:
        (buyer,) = add_buyers(connection, 1)
        add_order(connection, buyer, at=EVENT_NOON + timedelta(days=3))
        connection.execute(update(orders).where(orders.c.placed_at > LAUNCH).values(counts=False))
    campaign = launch(LAUNCH)
    campaign.enroll(LAUNCH)
    campaign.plan(THANKS_AT)
    campaign.send(THANKS_AT)

    assert campaign.plan(COUPON_AT).messages == 1


def test_every_coupon_is_its_own_and_ends_fourteen_days_later(
    database: Database, launch: Launch
) -> None:
    with database.write() as connection:
        add_buyers(connection, 30)
    campaign = launch(LAUNCH)
    campaign.enroll(LAUNCH)
    campaign.plan(THANKS_AT)
    campaign.send(THANKS_AT)
    campaign.plan(COUPON_AT)

    with database.read() as connection:
        found = connection.execute(select(coupons)).all()
    assert len({coupon.code for coupon in found}) == 30
    assert all(is_wellformed(coupon.code) for coupon in found)
    assert {coupon.expires_at for coupon in found} == {COUPON_AT + timedelta(days=14)}
    assert {(c.amount, c.currency, c.min_spend) for c in found} == {(2_000, "CNY", 19_900)}


def test_what_is_planned_at_night_goes_out_in_the_morning(
    database: Database, launch: Launch
) -> None:
    with database.write() as connection:
        add_buyers(connection, 2)
        add_buyers(connection, 1, first=3, timezone="Europe/Berlin")
    campaign = launch(LAUNCH, quiet_hours={"from": "21:00", "to": "09:00"})
    campaign.enroll(LAUNCH)
    night = datetime(2026, 11, 12, 15, 0, tzinfo=UTC)  # 23:00 in Shanghai, 16:00 in Berlin

    campaign.plan(night)

    with database.read() as connection:
        rows = connection.execute(
            select(messages.c.would_go_at, sends.c.day).join(
                sends, sends.c.id == messages.c.send_id
            )
        ).all()
    morning = datetime(2026, 11, 13, 1, 0, tzinfo=UTC)
    assert Counter(map(tuple, rows)) == {
        (morning, date(2026, 11, 13)): 2,
        (night, date(2026, 11, 12)): 1,
    }


def test_every_send_has_its_evaluation_from_the_start(database: Database, launch: Launch) -> None:
    with database.write() as connection:
        add_buyers(connection, 2)
    evaluate = {"sends": "10 days", "groups": "2 days", "overall": "30 days after thanks"}
    campaign = launch(LAUNCH, evaluate=evaluate)
    campaign.enroll(LAUNCH)
    campaign.plan(THANKS_AT)

    with database.read() as connection:
        found = connection.execute(
            select(evaluations.c.kind, evaluations.c.scope, evaluations.c.due_at)
        ).all()
    assert {(row.kind, row.scope) for row in found} == {
        ("send", ""),
        ("group", "all/womenswear"),
        ("overall", ""),
    }
    due = {row.kind: row.due_at for row in found}
    assert due["send"] == THANKS_AT + timedelta(days=11)
    assert due["overall"] == THANKS_AT + timedelta(days=31)
    # The last single wave is the coupon on day 7.
    assert due["group"] == EVENT_NOON + timedelta(days=10, seconds=2)


def test_overall_without_a_wave_counts_from_each_tracks_first_send(
    database: Database, launch: Launch
) -> None:
    with database.write() as connection:
        add_buyers(connection, 2)
    campaign = launch(LAUNCH, evaluate={"sends": "10 days", "overall": "30 days"})
    campaign.enroll(LAUNCH)
    campaign.plan(THANKS_AT)
    campaign.plan(COUPON_AT)

    columns = evaluations.c
    with database.read() as connection:
        due = connection.execute(select(columns.due_at).where(columns.kind == "overall")).scalars()
        assert list(due) == [THANKS_AT + timedelta(days=31)]


def test_five_monthly_repeats_and_no_more(database: Database, launch: Launch) -> None:
    with database.write() as connection:
        add_buyers(connection, 1)
    again = {
        **_COUPON_FIRST,
        "wave": "again",
        "after": "1 month",
        "repeat": {"times": 5, "every": "1 month"},
    }
    campaign = launch(LAUNCH, waves=[_COUPON_FIRST, again])
    campaign.enroll(LAUNCH)

    planned = []
    for day in range(1, 300):
        now = EVENT_NOON + timedelta(days=day, seconds=2)
        if number := campaign.plan(now).messages:
            planned.append((day, number))
        campaign.send(now)

    days = [(EVENT_NOON + timedelta(days=day)).date() for day, _ in planned]
    assert [day.isoformat() for day in days] == [
        "2026-11-12", "2026-12-11", "2027-01-11", "2027-02-11", "2027-03-11", "2027-04-11",
    ]  # fmt: skip
    assert {count for _, count in planned} == {1}


def test_repeats_that_were_missed_do_not_pile_up(database: Database, launch: Launch) -> None:
    with database.write() as connection:
        add_buyers(connection, 1)
    again = {
        **_COUPON_FIRST,
        "after": "1 month",
        "repeat": {"times": 5, "every": "1 month"},
    }
    campaign = launch(LAUNCH, waves=[again])
    campaign.enroll(LAUNCH)

    campaign.plan(datetime(2027, 3, 20, tzinfo=UTC))

    assert states(database, "coupon") == {("expired", "late"): 3, ("planned", None): 1}


def test_a_wave_waits_for_the_acceptance_of_the_one_it_follows(
    database: Database, launch: Launch
) -> None:
    with database.write() as connection:
        add_buyers(connection, 2)
    care = {"wave": "care", "kind": "care", "after": "2 days after thanks", "channels": ["sms"]}
    thanks = {"wave": "thanks", "kind": "thanks", "after": "1 day", "channels": ["sms"]}
    campaign = launch(LAUNCH, waves=[thanks, care])
    campaign.enroll(LAUNCH)
    campaign.plan(THANKS_AT)
    accepted_at = THANKS_AT + timedelta(hours=5)
    with database.write() as connection:
        one = connection.execute(select(func.min(messages.c.id))).scalar_one()
        connection.execute(
            update(messages)
            .where(messages.c.id == one)
            .values(state="accepted", accepted_at=accepted_at)
        )

    campaign.plan(accepted_at + timedelta(days=2))

    assert states(database, "care") == {("planned", None): 1}
    with database.write() as connection:
        connection.execute(update(messages).where(messages.c.id != one).values(state="rejected"))
    campaign.plan(accepted_at + timedelta(days=2))
    assert sum(states(database, "care").values()) == 2


def test_the_preferred_channel_that_is_open_is_taken(database: Database, launch: Launch) -> None:
    both = ((Channel.SMS, "marketing"), (Channel.EMAIL, "marketing"))
    with database.write() as connection:
        for number, agreed in enumerate((both, both[:1], both[1:]), start=1):
            add_order(
                connection,
                add_customer(connection, number, email=f"c{number}@example.com", agreed=agreed),
            )
    campaign = launch(LAUNCH, waves=[{**_COUPON_FIRST, "channels": ["email", "sms"]}])
    campaign.enroll(LAUNCH)
    campaign.plan(THANKS_AT)

    with database.read() as connection:
        found = connection.execute(
            select(messages.c.channel).order_by(messages.c.customer_id)
        ).scalars()
        assert list(found) == ["email", "sms", "email"]


def test_variants_share_the_audience_out_by_lot(database: Database, launch: Launch) -> None:
    with database.write() as connection:
        add_buyers(connection, 80)
    variants = [{"variant": "warm", "share": "50%"}, {"variant": "plain", "share": "50%"}]
    campaign = launch(LAUNCH, waves=[{**_COUPON_FIRST, "variants": variants}])
    campaign.enroll(LAUNCH)
    campaign.plan(THANKS_AT)

    with database.read() as connection:
        count = Counter(connection.execute(select(messages.c.variant)).scalars())
    assert set(count) == {"warm", "plain"}
    assert 22 < count["warm"] < 58


def test_a_customer_whose_phone_comes_later_keeps_the_lot_they_have(
    database: Database, launch: Launch
) -> None:
    with database.write() as connection:
        buyer = add_customer(connection, 1, phone=None, email="a@example.com")
        add_order(connection, buyer)
    campaign = launch(LAUNCH, holdout="50%")
    campaign.enroll(LAUNCH)
    with database.write() as connection:
        connection.execute(
            update(customers).values(
                phone="+8613800000001",
                person="+8613800000001",
                updated_at=LAUNCH + timedelta(hours=1),
            )
        )

    assert campaign.enroll(LAUNCH + timedelta(hours=2)) == 0


def test_who_comes_back_under_another_profile_has_returned(
    database: Database, launch: Launch
) -> None:
    with database.write() as connection:
        one, other = (add_customer(connection, n, phone="+8613812345678") for n in (1, 2))
        add_order(connection, one)
    campaign = launch(LAUNCH)
    campaign.enroll(LAUNCH)
    campaign.plan(THANKS_AT)
    with database.write() as connection:
        add_order(connection, other, at=EVENT_NOON + timedelta(days=3))

    assert campaign.plan(COUPON_AT).purchased == 1


def test_a_second_order_of_the_event_day_is_no_return(database: Database, launch: Launch) -> None:
    with database.write() as connection:
        (buyer,) = add_buyers(connection, 1)
        add_order(connection, buyer, at=EVENT_NOON + timedelta(hours=2))
    campaign = launch(LAUNCH)
    campaign.enroll(LAUNCH)
    campaign.plan(THANKS_AT)
    campaign.send(THANKS_AT)

    assert campaign.plan(COUPON_AT).messages == 1


def test_whose_order_was_cancelled_hears_nothing_more(database: Database, launch: Launch) -> None:
    with database.write() as connection:
        add_buyers(connection, 2)
    campaign = launch(LAUNCH)
    campaign.enroll(LAUNCH)
    with database.write() as connection:
        first = select(func.min(orders.c.id)).scalar_subquery()
        connection.execute(update(orders).where(orders.c.id == first).values(counts=False))

    report = campaign.plan(THANKS_AT)

    assert (report.cancelled, report.messages) == (1, 1)


def test_whoever_cancelled_and_bought_again_leaves_for_the_cancelled_order(
    database: Database, launch: Launch
) -> None:
    with database.write() as connection:
        cancelled, returned, _ = add_buyers(connection, 3)
        for customer in (cancelled, returned):
            add_order(connection, customer, at=EVENT_NOON + timedelta(days=3))
    campaign = launch(LAUNCH, waves=[COUPON])
    campaign.enroll(LAUNCH)
    with database.write() as connection:
        own = (orders.c.customer_id == cancelled, orders.c.placed_at < LAUNCH)
        connection.execute(update(orders).where(*own).values(counts=False))

    report = campaign.plan(COUPON_AT)

    assert (report.cancelled, report.purchased, report.messages) == (1, 1, 1)


def test_each_track_moves_on_to_its_own_next_wave(database: Database, launch: Launch) -> None:
    with database.write() as connection:
        for number in range(20):
            customer = add_customer(connection, number)
            add_order(connection, customer)
            if number % 2:
                add_order(connection, customer, at=EVENT_NOON - timedelta(days=90))
    more = {**COUPON, "wave": "more", "after": "14 days", "tracks": ["returning"]}
    campaign = launch(
        LAUNCH,
        holdout="50%",
        tracks={"new": {"orders_before": 0}, "returning": {"orders_before": {"at_least": 1}}},
        waves=[THANKS, {**COUPON, "tracks": ["new"]}, more],
    )
    campaign.enroll(LAUNCH)
    campaign.plan(THANKS_AT)

    columns = enrollments.c
    shown = (columns.track, columns.arm, columns.wave, columns.due_at, columns.exit_reason)
    with database.read() as connection:
        found = {tuple(row) for row in connection.execute(select(*shown))}
    assert found == {
        ("new", "treated", "coupon", EVENT_NOON + timedelta(days=7), None),
        ("new", "holdout", None, None, "held_out"),
        ("returning", "treated", "more", EVENT_NOON + timedelta(days=14), None),
        ("returning", "holdout", None, None, "held_out"),
    }
    campaign.send(THANKS_AT)
    assert campaign.plan(COUPON_AT).messages
    with database.read() as connection:
        ended = select(columns.track).where(columns.exit_reason == "completed").distinct()
        assert connection.execute(ended).scalars().all() == ["new"]


def test_a_plan_of_many_transactions_is_the_plan_of_one(
    database: Database, launch: Launch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.store.planning.CHUNK", 3)
    with database.write() as connection:
        bought_again, *_ = add_buyers(connection, 10)
        add_order(connection, bought_again, at=EVENT_NOON + timedelta(days=3))
    campaign = launch(LAUNCH, holdout="30%", waves=[COUPON])
    campaign.enroll(LAUNCH)

    report = campaign.plan(COUPON_AT)

    planned, held_out = (("planned", None), ("withheld", "held_out"))
    found = states(database, "coupon")
    assert set(found) == {planned, held_out}
    assert (report.messages, report.coupons, report.purchased) == (9, found[planned], 1)
    assert found.total() == 9
    assert campaign.plan(COUPON_AT).messages == 0


def test_repeats_that_shift_are_all_sent_each_a_month_after_the_last(
    database: Database, launch: Launch
) -> None:
    with database.write() as connection:
        add_buyers(connection, 1)
    again = {
        **_COUPON_FIRST,
        "after": "1 month",
        "repeat": {"times": 3, "every": "1 month"},
        "late": "shift",
    }
    campaign = launch(LAUNCH, waves=[again])
    campaign.enroll(LAUNCH)

    planned = [
        day
        for day in (70, 71, 85, 100, 101, 120, 132, 140)
        if campaign.plan(EVENT_NOON + timedelta(days=day)).messages
    ]

    assert planned == [70, 101, 132]
    assert states(database, "coupon") == {("planned", None): 1, ("expired", "overtaken"): 2}
