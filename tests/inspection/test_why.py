"""Why tells every decision about one customer, and nothing that would give them away."""

from datetime import datetime, timedelta
from itertools import product

import pytest
from sqlalchemy import insert, select, update

from launched import COUPON, THANKS, Campaign, a_definition
from orchestrator.domain.arms import Arm
from orchestrator.domain.messages import Channel, MessageState, Reason
from orchestrator.services.why import (
    CampaignUnknownError,
    CustomerUnknownError,
    NextStep,
    Why,
    as_lines,
    why,
)
from orchestrator.store.database import Database
from orchestrator.store.messages.intents import Refusal, refuse
from orchestrator.store.tables import attempts, consents, events, messages
from shops import EVENT_NOON, add_buyers, add_customer, add_order, add_suppression

DAY = timedelta(days=1)
YEAR = EVENT_NOON.year
BOTH_TRACKS = {"new": {"orders_before": 0}, "returning": {"orders_before": {"at_least": 1}}}
LAUNCH = EVENT_NOON + timedelta(hours=12)


def a_campaign(database: Database, **more: object) -> Campaign:
    return Campaign(database, a_definition(**more), LAUNCH)


def asked(campaign: Campaign, customer: str = "C1", now: datetime = LAUNCH) -> Why:
    definition = campaign.definition
    return why(campaign.database, customer, "test", now, definition_of=lambda _: definition)


def test_an_unknown_customer_is_an_error(database: Database) -> None:
    with pytest.raises(CustomerUnknownError, match="C9"):
        why(database, "C9", None, LAUNCH)


def test_an_unknown_campaign_is_an_error_that_names_the_known(database: Database) -> None:
    campaign = a_campaign(database)
    with database.write() as connection:
        add_customer(connection, 1)

    with pytest.raises(CampaignUnknownError, match="There are: test"):
        why(campaign.database, "C1", "tset", LAUNCH)


def test_names_the_rule_that_keeps_a_customer_out(database: Database) -> None:
    campaign = a_campaign(
        database,
        audience={
            "event_day": {"from": f"{YEAR}-11-11", "to": f"{YEAR}-11-11"},
            "order_total": {"at_least": 299},
        },
    )
    with database.write() as connection:
        add_order(connection, add_customer(connection, 1), total=24_900, number="A-7")

    story = asked(campaign)

    assert story.campaigns[0].outside is Reason.OUTSIDE_AUDIENCE
    assert as_lines(story)[-5:] == [
        "  not in: outside_audience",
        f"  order A-7 of {YEAR}-11-11 12:00: not admitted",
        "    yes order: asked a purchase, placed during the event; found a purchase",
        f"    yes audience.event_day: asked placed {YEAR}-11-11; found {YEAR}-11-11 12:00",
        "    no  audience.order_total: asked at least 299.00 CNY; found 249.00 CNY",
    ]


def test_tells_what_another_profile_of_the_person_said(database: Database) -> None:
    campaign = a_campaign(database)
    with database.write() as connection:
        add_customer(connection, 1, person="one")
        other = add_customer(connection, 2, email="b@example.com", person="one", agreed=())
        add_suppression(connection, other, Channel.EMAIL)
        refusal = {"channel": Channel.SMS, "purpose": "marketing", "granted": False}
        connection.execute(
            insert(consents).values(customer_id=other, source="test", at=EVENT_NOON, **refusal)
        )

    told = [line for line in as_lines(asked(campaign)) if "another profile" in line]

    assert told == [
        "  another profile of the same person opted out of email",
        "  another profile of the same person refused marketing by sms",
    ]


def test_points_to_the_profile_that_stands_for_the_person(database: Database) -> None:
    campaign = a_campaign(database)
    with database.write() as connection:
        add_order(connection, add_customer(connection, 1, person="one"))
        add_customer(connection, 2, person="one")
    campaign.enroll(LAUNCH)

    story = asked(campaign, "C2")

    assert story.campaigns[0].outside is Reason.SAME_PERSON
    assert "  not in: same_person: profile C1 of the same person is" in as_lines(story)


def test_says_who_is_to_be_enrolled_next(database: Database) -> None:
    campaign = a_campaign(database)
    with database.write() as connection:
        add_buyers(connection, 1)

    story = asked(campaign)

    assert story.campaigns[0].outside is None
    assert "  admitted, to be enrolled with the next advance" in as_lines(story)


def test_tells_what_is_due_next_and_when(database: Database) -> None:
    campaign = a_campaign(database)
    with database.write() as connection:
        add_buyers(connection, 1)
    campaign.enroll(LAUNCH)

    walk = asked(campaign).campaigns[0].walk

    assert walk is not None
    due = EVENT_NOON + timedelta(days=1, seconds=1)
    assert walk.next == NextStep(wave="thanks", occurrence=0, due_at=due, waits_for=None)


def test_tells_what_the_next_step_waits_for(database: Database) -> None:
    care = {"wave": "care", "kind": "care", "after": "3 days after thanks", "channels": ["sms"]}
    campaign = a_campaign(database, waves=[THANKS, care], offers={})
    with database.write() as connection:
        add_buyers(connection, 1)
    campaign.enroll(LAUNCH)
    campaign.plan(EVENT_NOON + 2 * DAY)

    lines = as_lines(asked(campaign, now=EVENT_NOON + 2 * DAY))

    assert "  next: care #1, once thanks has been accepted" in lines


def test_tells_the_lot_of_the_held_out(database: Database) -> None:
    campaign = a_campaign(database, holdout="99.99%")
    with database.write() as connection:
        add_buyers(connection, 1)
    campaign.enroll(LAUNCH)
    campaign.plan(EVENT_NOON + 8 * DAY)

    found = asked(campaign, now=EVENT_NOON + 8 * DAY)

    walk = found.campaigns[0].walk
    assert walk is not None
    told = "    held out of the campaign: compared from here on with those who are written to"
    assert told in as_lines(found)
    assert (walk.enrolled.arm, walk.enrolled.exit_reason) == (Arm.HOLDOUT, Reason.HELD_OUT)
    assert walk.lot < walk.held_out_below == 9_999


def test_tells_a_message_from_its_plan_to_its_evaluation(database: Database) -> None:
    campaign = a_campaign(database, waves=[COUPON | {"holdout": "0.01%"}])
    planned_at = EVENT_NOON + 8 * DAY
    with database.write() as connection:
        add_buyers(connection, 1)
    campaign.enroll(LAUNCH)
    campaign.plan(planned_at)
    _accept(database, planned_at)

    lines = as_lines(asked(campaign, now=planned_at))

    told = [
        line for line in lines if line.startswith(("    ", "  coupon #1")) and ": asked" not in line
    ]
    assert [line.split(" of 10000")[0].rsplit(" ", 1)[0] for line in told[:2]] == [
        f"  coupon #1 by sms: accepted, due {YEAR}-11-19",
        "    lot",
    ]
    assert told[2].startswith(f"    coupon back: issued, until {YEAR}-12-03 ")
    assert told[3:] == [
        f"    attempt 1 to outbox {YEAR}-11-19 12:00: accepted",
        f"    delivered {YEAR}-11-19 13:00 (outbox)",
        f"    counted by the send evaluation, due {YEAR}-11-30 12:00",
    ]


def test_counts_a_customer_in_their_own_group_alone(database: Database) -> None:
    evaluated = {"sends": "10 days", "groups": "2 days"}
    campaign = a_campaign(
        database, tracks=BOTH_TRACKS, waves=[THANKS], offers={}, evaluate=evaluated
    )
    with database.write() as connection:
        for number, (category, returns) in enumerate(product(("toys", "food"), (True, False))):
            buyer = add_customer(connection, number, agreed=[(Channel.SMS, "service")])
            add_order(connection, buyer, category=category)
            if returns:
                add_order(connection, buyer, at=EVENT_NOON - 9 * DAY)
    campaign.enroll(LAUNCH)
    campaign.plan(EVENT_NOON + 2 * DAY)

    lines = as_lines(asked(campaign, "C0", now=EVENT_NOON + 2 * DAY))

    groups = [line.strip().split(",")[0] for line in lines if "group evaluation" in line]
    assert groups == ["counted by the group evaluation returning/toys"]


def test_names_the_zone_of_its_moments_and_keeps_to_it(database: Database) -> None:
    campaign = a_campaign(database)
    with database.write() as connection:
        add_order(connection, add_customer(connection, 1))

    lines = as_lines(asked(campaign))

    assert "Campaign test (running), moments of Asia/Shanghai" in lines
    [order] = [line for line in lines if line.startswith("  order ")]
    [found] = [line for line in lines if "audience.event_day" in line]
    assert f"{YEAR}-11-11 12:00" in order
    assert found.endswith(f"found {YEAR}-11-11 12:00")


def test_a_customer_can_be_asked_for_by_our_number(database: Database) -> None:
    campaign = a_campaign(database)
    with database.write() as connection:
        add_customer(connection, 1)
        ours = add_customer(connection, 2, external_id="nickname")
        add_order(connection, ours)
    campaign.enroll(LAUNCH)

    by_ours, by_theirs = asked(campaign, f"id:{ours}"), asked(campaign, "nickname")

    assert by_ours == by_theirs
    assert by_ours.campaigns[0].walk is not None


def test_tells_what_a_message_waited_for_and_what_ended_it(database: Database) -> None:
    campaign = a_campaign(database, waves=[COUPON])
    planned_at = EVENT_NOON + 8 * DAY
    with database.write() as connection:
        add_buyers(connection, 1)
    campaign.enroll(LAUNCH)
    campaign.plan(planned_at)
    for hours in (1, 2):
        _refuse(database, MessageState.PLANNED, planned_at + timedelta(hours=hours))
    _refuse(database, MessageState.EXPIRED, planned_at + timedelta(hours=3))

    lines = as_lines(asked(campaign, now=planned_at))

    first, last = f"{YEAR}-11-19 13:00", f"{YEAR}-11-20 14:00"
    assert f"    put off 2 times for cap, first {first}, last until {last}" in lines
    assert "    could not wait for cap: it would have been over by then" in lines


def test_gives_no_phone_away(database: Database) -> None:
    campaign = a_campaign(database)
    with database.write() as connection:
        customer_id = add_customer(connection, 1, phone="+8613800001111", name="Anna")
        add_order(connection, customer_id)
        add_suppression(connection, customer_id, Channel.SMS)
    campaign.enroll(LAUNCH)
    campaign.plan(EVENT_NOON + 2 * DAY)

    story = asked(campaign, now=EVENT_NOON + 2 * DAY)

    assert "13800001111" not in repr(story)
    assert "Anna" not in repr(story)
    assert as_lines(story)[:4] == [
        f"Customer C1 (id:{customer_id}): phone",
        "  moments are those of Asia/Shanghai",
        f"  agreed to marketing by sms on {YEAR}-11-11 12:00 (test)",
        f"  sms suppressed: opted_out on {YEAR}-11-11 12:00 (test)",
    ]


def _refuse(database: Database, state: MessageState, at: datetime) -> None:
    """The cap stands against it, for a day."""
    with database.write() as connection:
        connection.execute(update(messages).values(state=MessageState.CLAIMED))
        message_id = connection.execute(select(messages.c.id)).scalar_one()
        until = at + DAY if state is MessageState.PLANNED else None
        refusal = Refusal(message_id=message_id, state=state, reason=Reason.CAP, due_at=until)
        refuse(connection, [refusal], at)


def _accept(database: Database, at: datetime) -> None:
    with database.write() as connection:
        message_id = connection.execute(select(messages.c.id)).scalar_one()
        connection.execute(
            update(messages).values(
                state=MessageState.ACCEPTED, accepted_at=at, finished_at=at, token=1
            )
        )
        connection.execute(
            insert(attempts).values(
                message_id=message_id,
                token=1,
                owner="me",
                provider="outbox",
                intended_at=at,
                outcome="accepted",
                answered_at=at,
            )
        )
        connection.execute(
            insert(events).values(
                provider="outbox",
                dedupe_key="1",
                message_id=message_id,
                fact="delivered",
                at=at + timedelta(hours=1),
                received_at=at + timedelta(hours=2),
            )
        )


def test_tells_that_a_gift_went_back_into_its_stock(database: Database) -> None:
    gift = {"gift": "MUG", "stock": 5}
    campaign = a_campaign(database, waves=[COUPON], offers={"back": gift})
    planned_at = EVENT_NOON + 8 * DAY
    with database.write() as connection:
        add_buyers(connection, 1)
    campaign.enroll(LAUNCH)
    campaign.plan(planned_at)
    before = as_lines(asked(campaign, now=planned_at))
    with database.write() as connection:
        skipped = {"state": MessageState.SKIPPED, "reason": Reason.SUPPRESSED}
        connection.execute(update(messages).values(**skipped, finished_at=planned_at))

    after = as_lines(asked(campaign, now=planned_at))

    told = next(line for line in before if line.startswith("    coupon back"))
    assert told.startswith(f"    coupon back, one of 5: issued, until {YEAR}-12-03 ")
    assert f"{told}, back in stock: nobody read of it" in after


def test_tells_why_there_was_none_left(database: Database) -> None:
    campaign = a_campaign(database, waves=[COUPON], offers={"back": {"percent": 5, "stock": 1}})
    planned_at = EVENT_NOON + 8 * DAY
    with database.write() as connection:
        add_buyers(connection, 2)
    campaign.enroll(LAUNCH)
    campaign.plan(planned_at)

    lines = as_lines(asked(campaign, "C2", now=planned_at))

    assert any("  coupon #1 by sms: skipped (out_of_stock)" in line for line in lines)
