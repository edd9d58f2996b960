"""After ticks that were missed nobody hears two waves at once."""

import random
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import select, update

from launched import COUPON, THANKS, Campaign, Launch
from orchestrator.domain.messages import MessageState
from orchestrator.playbooks.schedule import gaps_before
from orchestrator.store.database import Database
from orchestrator.store.tables import enrollments, messages
from shops import EVENT_NOON, add_buyers, add_customer, add_order

LAUNCH = EVENT_NOON + timedelta(hours=6)
DAY = timedelta(days=1)
CARE = {"wave": "care", "kind": "care", "after": "3 days", "channels": ["sms"]}
SOON = {"wave": "soon", "kind": "care", "after": "84 hours", "channels": ["sms"]}
AGAIN: dict[str, Any] = {
    "wave": "again",
    "kind": "promo",
    "after": "1 month",
    "channels": ["sms"],
    "repeat": {"times": 4, "every": "1 month"},
}


def tick(campaign: Campaign, now: datetime) -> None:
    campaign.enroll(now)
    campaign.plan(now)
    campaign.send(now)


def went(database: Database, state: MessageState = MessageState.ACCEPTED) -> dict[str, timedelta]:
    """How long after the order each wave was planned, of those in the state."""
    columns = messages.c
    chosen = select(columns.wave, columns.would_go_at).where(columns.state == state)
    with database.read() as connection:
        return {
            row.wave: row.would_go_at - EVENT_NOON - timedelta(seconds=1)
            for row in connection.execute(chosen.order_by(columns.id))
        }


@pytest.fixture
def buyer(database: Database) -> None:
    with database.write() as connection:
        add_buyers(connection, 1)


def days(database: Database, campaign: Campaign, *on: float) -> list[int]:
    """Tick on these days, twice each, and return how many waves had gone after each."""
    counts = []
    for day in on:
        for _ in range(2):
            tick(campaign, EVENT_NOON + timedelta(days=day, minutes=1))
        counts.append(len(went(database)))
    return counts


@pytest.mark.usefixtures("buyer")
def test_after_twenty_days_the_waves_go_a_day_apart(database: Database, launch: Launch) -> None:
    campaign = launch(LAUNCH, waves=[THANKS, CARE, COUPON])

    assert days(database, campaign, 20, 20.5, 21, 21.5, 22) == [1, 1, 2, 2, 3]


@pytest.mark.usefixtures("buyer")
def test_waves_that_are_planned_closer_stay_so_far_apart(
    database: Database, launch: Launch
) -> None:
    campaign = launch(LAUNCH, waves=[CARE, SOON])

    assert days(database, campaign, 20, 20.25, 20.5) == [1, 1, 2]


@pytest.mark.usefixtures("buyer")
def test_a_wave_that_is_skipped_when_late_is_not_saved_by_the_wait(
    database: Database, launch: Launch
) -> None:
    campaign = launch(LAUNCH, waves=[THANKS, {**CARE, "late": "skip"}, COUPON])

    assert days(database, campaign, 20, 21, 22) == [1, 2, 2]
    assert list(went(database)) == ["thanks", "coupon"]
    assert list(went(database, MessageState.EXPIRED)) == ["care"]


@pytest.mark.usefixtures("buyer")
def test_a_wave_that_shifts_the_rest_does_so_by_the_wait_too(
    database: Database, launch: Launch
) -> None:
    campaign = launch(LAUNCH, waves=[THANKS, {**CARE, "late": "shift"}, COUPON])

    assert days(database, campaign, 20, 21, 24, 25) == [1, 2, 2, 3]


@pytest.mark.usefixtures("buyer")
def test_missed_repeats_stay_missed_and_the_last_waits_for_the_wave_before(
    database: Database, launch: Launch
) -> None:
    campaign = launch(LAUNCH, waves=[THANKS, AGAIN])

    assert days(database, campaign, 130, 130.5, 131, 132) == [1, 1, 2, 2]
    with database.read() as connection:
        states = Counter(connection.execute(select(messages.c.state)).scalars())
    assert states == {MessageState.EXPIRED: 3, MessageState.ACCEPTED: 2}


@pytest.mark.usefixtures("buyer")
def test_what_was_planned_and_could_not_be_sent_keeps_the_next_wave_waiting(
    database: Database, launch: Launch
) -> None:
    campaign = launch(LAUNCH, waves=[THANKS, CARE])
    campaign.enroll(LAUNCH)
    campaign.plan(EVENT_NOON + timedelta(days=1, minutes=1))

    assert days(database, campaign, 10, 10.5, 11) == [1, 1, 2]


def test_whoever_was_withheld_waits_as_those_who_were_written_to(
    database: Database, launch: Launch
) -> None:
    with database.write() as connection:
        add_buyers(connection, 30)
    campaign = launch(LAUNCH, waves=[{**CARE, "holdout": "50%"}, COUPON])

    tick(campaign, EVENT_NOON + timedelta(days=20))

    with database.read() as connection:
        stand = Counter(connection.execute(select(enrollments.c.due_at)).scalars())
        states = set(connection.execute(select(messages.c.state)).scalars())
    assert states == {MessageState.ACCEPTED, MessageState.WITHHELD}
    assert stand == {EVENT_NOON + timedelta(days=21): 30}


def moments(dice: random.Random) -> Iterator[datetime]:
    """Ticks as they should be, and again and again long ones without any."""
    now = EVENT_NOON
    while now < EVENT_NOON + timedelta(days=200):
        often = dice.random() < 0.7
        now += timedelta(minutes=dice.choice((5, 60, 700))) if often else DAY * dice.uniform(1, 30)
        yield now


def a_walk(dice: random.Random) -> dict[str, Any]:
    follows = {**CARE, "wave": "after", "after": "54 hours after thanks"}
    waves: list[dict[str, Any]] = [
        THANKS, CARE, follows, SOON, {**COUPON, "unless": None}, AGAIN,
    ]  # fmt: skip
    return {
        "waves": [
            {**wave, "late": dice.choice(("send", "send", "shift", "skip"))} for wave in waves
        ],
        **dice.choice(({}, {"quiet_hours": {"from": "21:00", "to": "09:00"}})),
    }


@pytest.mark.parametrize("seed", range(6))
def test_whatever_ticks_are_missed_no_two_messages_of_a_walk_come_too_close(
    database: Database, launch: Launch, seed: int
) -> None:
    dice = random.Random(seed)
    with database.write() as connection:
        for number in range(1, 25):
            at = EVENT_NOON + timedelta(minutes=dice.randrange(700))
            zone = dice.choice((None, "Europe/Berlin", "America/Los_Angeles"))
            add_order(connection, add_customer(connection, number, timezone=zone), at=at)
    campaign = launch(LAUNCH, **a_walk(dice))
    for now in moments(dice):
        tick(campaign, now)

    columns = messages.c
    accepted = select(columns.enrollment_id, columns.wave, columns.occurrence, columns.accepted_at)
    with database.read() as connection:
        found = connection.execute(
            accepted.where(columns.state == MessageState.ACCEPTED).order_by(
                columns.enrollment_id, columns.accepted_at, columns.id
            )
        ).all()
    close = []
    for one, other in pairwise(found):
        gaps = gaps_before(campaign.definition, "all", other.wave, other.occurrence)
        planned = {(step.wave, step.occurrence): gap for step, gap in gaps.items()}
        least = min(DAY, planned.get((one.wave, one.occurrence), DAY))
        # Where the clock is set forward a day has an hour less.
        if other.accepted_at - one.accepted_at < least - timedelta(hours=1):
            close += [(one, other)] if one.enrollment_id == other.enrollment_id else []
    assert len(found) > 48
    assert close == []


def test_a_message_that_was_put_off_keeps_the_next_wave_apart_from_when_it_will_go(
    database: Database, launch: Launch, buyer: None
) -> None:
    campaign = launch(LAUNCH, waves=[THANKS, CARE])
    campaign.enroll(LAUNCH)
    campaign.plan(EVENT_NOON + DAY + timedelta(hours=1))
    put_off_to = EVENT_NOON + 3 * DAY + timedelta(hours=2)
    with database.write() as connection:
        connection.execute(update(messages).values(due_at=put_off_to))

    campaign.plan(EVENT_NOON + 3 * DAY + timedelta(hours=1))

    with database.read() as connection:
        [due] = connection.execute(select(enrollments.c.due_at)).scalars()
        assert list(connection.execute(select(messages.c.wave)).scalars()) == ["thanks"]
    assert due == put_off_to + DAY
