"""Two profiles that turn out to be one person are planned for as one."""

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, literal, select, update

from launched import Campaign, Launch
from orchestrator.domain.arms import Arm
from orchestrator.domain.messages import Channel
from orchestrator.store.database import Database
from orchestrator.store.tables import campaigns, consents, customers, enrollments, messages
from shops import EVENT_NOON, add_customer, add_order, add_suppression

LAUNCH = EVENT_NOON + timedelta(hours=6)
THANKS_AT = EVENT_NOON + timedelta(days=1, hours=1)
COUPON_AT = EVENT_NOON + timedelta(days=7, hours=1)
PHONE = "+8613812345678"
BOTH = [(channel, "marketing") for channel in Channel]
Fate = tuple[str, str | None]


def a_buyer(database: Database, number: int, **more: Any) -> int:
    with database.write() as connection:
        customer = add_customer(connection, number, **more)
        add_order(connection, customer, at=EVENT_NOON + timedelta(minutes=number))
    return customer


def become_one(database: Database, profiles: Iterable[int]) -> None:
    """An import gave the later profiles the first one's phone."""
    with database.write() as connection:
        connection.execute(
            update(customers).where(customers.c.id.in_(profiles)).values(person=PHONE)
        )


def fates(database: Database, customer: int, wave: str = "coupon") -> list[Fate]:
    """State and reason of the customer's message of the wave, if there is one."""
    columns = messages.c
    with database.read() as connection:
        rows = connection.execute(
            select(columns.state, columns.reason)
            .where(columns.customer_id == customer, columns.wave == wave)
            .order_by(columns.id)
        ).all()
    return [(str(row.state), row.reason and str(row.reason)) for row in rows]


def exits(database: Database) -> Counter[str | None]:
    with database.read() as connection:
        found = connection.execute(select(enrollments.c.exit_reason)).scalars()
        return Counter(reason and str(reason) for reason in found)


def enrolled(database: Database, launch: Launch, **more: Any) -> tuple[Campaign, int, int]:
    """A campaign with two strangers in it, the first and the second."""
    first, second = (a_buyer(database, number) for number in (1, 2))
    campaign = launch(LAUNCH, **more)
    assert campaign.enroll(LAUNCH) == 2
    return campaign, first, second


def test_the_second_enrollment_of_a_person_leaves_at_its_next_step(
    database: Database, launch: Launch
) -> None:
    campaign, first, second = enrolled(database, launch)
    campaign.plan(THANKS_AT)
    campaign.send(THANKS_AT)
    become_one(database, (first, second))

    report = campaign.plan(COUPON_AT)

    assert (report.same_person, report.messages) == (1, 1)
    assert (fates(database, first), fates(database, second)) == ([("planned", None)], [])
    assert exits(database) == {"same_person": 1, "completed": 1}
    # What was sent while they were two stays as it was.
    assert fates(database, second, "thanks") == [("accepted", None)]


@pytest.mark.parametrize(
    ("first_arm", "second_arm", "written_to"),
    [(Arm.HOLDOUT, Arm.TREATED, 0), (Arm.TREATED, Arm.HOLDOUT, 1)],
)
def test_the_arm_of_the_first_enrollment_decides_whether_the_person_is_written_to(
    database: Database, launch: Launch, *, first_arm: Arm, second_arm: Arm, written_to: int
) -> None:
    campaign, first, second = enrolled(database, launch, holdout="50%")
    with database.write() as connection:
        for customer, arm in ((first, first_arm), (second, second_arm)):
            connection.execute(
                update(enrollments).where(enrollments.c.customer_id == customer).values(arm=arm)
            )
    become_one(database, (first, second))

    campaign.plan(THANKS_AT)

    assert fates(database, second, "thanks") == []
    with database.read() as connection:
        rows = connection.execute(select(messages.c.customer_id, messages.c.arm)).all()
    assert [tuple(row) for row in rows] == [(first, first_arm)]
    assert exits(database)["same_person"] == 1
    assert fates(database, first, "thanks") == [
        ("planned", None) if written_to else ("withheld", "held_out")
    ]


def test_the_same_person_in_another_campaign_is_no_second_enrollment(
    database: Database, launch: Launch
) -> None:
    campaign, first, second = enrolled(database, launch)
    become_one(database, (first, second))
    with database.write() as connection:
        connection.execute(
            update(enrollments)
            .where(enrollments.c.customer_id == first)
            .values(campaign_id=another_campaign(connection))
        )

    assert campaign.plan(THANKS_AT).messages == 1


def another_campaign(connection: Any) -> int:
    alike = [column for column in campaigns.c if column.name not in ("id", "name")]
    copied = select(literal("another"), *alike)
    names = ["name", *(column.name for column in alike)]
    made = insert(campaigns).from_select(names, copied).returning(campaigns.c.id)
    return int(connection.execute(made).scalar_one())


def refuse(database: Database, customer: int, channel: Channel, purpose: str = "marketing") -> None:
    with database.write() as connection:
        connection.execute(
            insert(consents).values(
                customer_id=customer, channel=channel, purpose=purpose, granted=False,
                source="test", at=EVENT_NOON - timedelta(days=400),
            )
        )  # fmt: skip


def a_second_profile(database: Database, **more: Any) -> int:
    with database.write() as connection:
        return add_customer(connection, 9, phone=PHONE, agreed=(), **more)


COUPON_ANYHOW = {
    "wave": "coupon", "kind": "promo", "after": "7 days", "channels": ["sms", "email"],
}  # fmt: skip


def coupon_for(database: Database, launch: Launch, customer: int) -> list[Fate]:
    campaign = launch(LAUNCH, waves=[COUPON_ANYHOW], waive=["care-first"], offers={})
    campaign.enroll(LAUNCH)
    campaign.plan(COUPON_AT)
    return fates(database, customer)


def test_what_one_profile_refused_is_refused_by_the_person(
    database: Database, launch: Launch
) -> None:
    buyer = a_buyer(database, 1, phone=PHONE)
    refuse(database, a_second_profile(database), Channel.SMS)

    assert coupon_for(database, launch, buyer) == [("skipped", "no_consent")]


def test_a_refusal_of_one_channel_leaves_the_other_open(database: Database, launch: Launch) -> None:
    buyer = a_buyer(database, 1, phone=PHONE, email="a@example.com", agreed=BOTH)
    refuse(database, a_second_profile(database), Channel.SMS)

    assert coupon_for(database, launch, buyer) == [("planned", None)]
    with database.read() as connection:
        assert connection.execute(select(messages.c.channel)).scalars().all() == [Channel.EMAIL]


def test_a_refusal_of_advertising_leaves_thanks_alone(database: Database, launch: Launch) -> None:
    buyer = a_buyer(database, 1, phone=PHONE)
    refuse(database, a_second_profile(database), Channel.SMS)
    campaign = launch(LAUNCH)
    campaign.enroll(LAUNCH)

    campaign.plan(THANKS_AT)

    assert fates(database, buyer, "thanks") == [("planned", None)]


def test_an_opt_out_of_another_email_closes_the_channel_and_not_the_other(
    database: Database, launch: Launch
) -> None:
    by_email = a_buyer(database, 1, phone=None, email="a@example.com", agreed=BOTH, person=PHONE)
    other = a_second_profile(database, email="b@example.com")
    with database.write() as connection:
        add_suppression(connection, other, Channel.EMAIL)

    assert coupon_for(database, launch, by_email) == [("skipped", "suppressed")]


def test_an_opt_out_by_email_leaves_sms_open(database: Database, launch: Launch) -> None:
    buyer = a_buyer(database, 1, phone=PHONE, email="a@example.com", agreed=BOTH)
    other = a_second_profile(database, email="b@example.com")
    with database.write() as connection:
        add_suppression(connection, other, Channel.EMAIL)

    assert coupon_for(database, launch, buyer) == [("planned", None)]
