"""One person is one person, however many profiles, addresses and channels they have with the shop."""

import random
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from builders import BOUGHT, DUE, add_campaign, add_messages, fates, message
from orchestrator.domain.arms import Arm
from orchestrator.domain.messages import Channel, MessageState, Reason
from orchestrator.providers.simulated import SimulatedProvider
from orchestrator.store.database import Database
from orchestrator.store.functions import hash_address
from orchestrator.store.tables import consents, customers, enrollments, messages, suppressions
from people import add_people, address_of
from races import at_once, sender
from shops import KEY

S = MessageState
R = Reason
DAY = timedelta(days=1)
CAP = "cap: {promo: 1 per 14 days}\n"


@pytest.fixture
def promos(database: Database) -> Callable[..., list[int]]:
    """One promotion each to customers of their own, in a campaign of its own."""

    def make(name: str, count: int = 1, *, capped: bool = True, **more: Any) -> list[int]:
        with database.write() as connection:
            campaign = add_campaign(connection, name, CAP if capped else "")
            return add_messages(connection, campaign, count, **more)

    return make


def write(database: Database, *statements: Any) -> None:
    with database.write() as connection:
        for statement in statements:
            connection.execute(statement)


def become_one(database: Database, first: int, *others: int) -> None:
    """An import found out that these customers are one person."""
    same = update(customers).where(customers.c.id.in_(others))
    write(database, same.values(person=address_of(first, Channel.SMS)))


def customer_of(database: Database, message_id: int) -> int:
    return int(message(database, message_id).customer_id)


def state_of(database: Database, message_id: int) -> tuple[S, R | None]:
    found = message(database, message_id)
    return found.state, found.reason


def test_a_cap_counts_the_person_whatever_the_channel(
    desk: Any, promos: Callable[..., list[int]]
) -> None:
    [by_sms] = promos("one")
    desk.dispatch()
    desk.now = DUE + 3 * DAY
    [by_email] = promos("two", channel=Channel.EMAIL)
    become_one(
        desk.database, customer_of(desk.database, by_sms), customer_of(desk.database, by_email)
    )

    desk.dispatch()

    put_off = message(desk.database, by_email)
    assert (put_off.state, put_off.reason) == (S.PLANNED, R.CAP)
    assert put_off.due_at == DUE + 14 * DAY


def test_a_cap_counts_both_channels_of_one_profile_in_one_batch(
    desk: Any, promos: Callable[..., list[int]]
) -> None:
    [by_sms], [by_email] = promos("one"), promos("two", channel=Channel.EMAIL)
    customer, email_hash = (
        customer_of(desk.database, by_sms),
        message(desk.database, by_email).address_hash,
    )
    write(
        desk.database,
        update(customers).where(customers.c.id == customer).values(email_hash=email_hash),
        update(messages).where(messages.c.id == by_email).values(customer_id=customer),
    )

    desk.dispatch()

    assert fates(desk.database) == {(S.ACCEPTED, None): 1, (S.PLANNED, R.CAP): 1}


def test_a_cap_counts_two_profiles_of_one_person_in_one_batch(
    desk: Any, promos: Callable[..., list[int]]
) -> None:
    [one], [two] = promos("one"), promos("two")
    become_one(desk.database, customer_of(desk.database, one), customer_of(desk.database, two))

    desk.dispatch()

    assert fates(desk.database) == {(S.ACCEPTED, None): 1, (S.PLANNED, R.CAP): 1}


def test_a_message_counts_for_whoever_its_profile_is_today(
    desk: Any, promos: Callable[..., list[int]]
) -> None:
    [earlier] = promos("one")
    profile = customer_of(desk.database, earlier)
    desk.dispatch()
    become_one(desk.database, 999, profile)  # it was somebody's, who is known better now
    [later] = promos("two")
    become_one(desk.database, 999, customer_of(desk.database, later))

    desk.dispatch()

    assert state_of(desk.database, later) == (S.PLANNED, R.CAP)


def test_a_cap_leaves_other_kinds_and_other_people_alone(
    desk: Any, promos: Callable[..., list[int]]
) -> None:
    [one], [thanks] = promos("one"), promos("two", wave="thanks")
    become_one(desk.database, customer_of(desk.database, one), customer_of(desk.database, thanks))
    promos("three")

    desk.dispatch()

    assert fates(desk.database) == {(S.ACCEPTED, None): 3}


def test_two_dispatchers_together_do_not_pass_a_persons_cap(
    database: Database, database_url: str, tmp_path: Path, promos: Callable[..., list[int]]
) -> None:
    # The same sixty persons, by phone in one campaign and by e-mail, under other profiles and in
    # another order, in the other: whoever locks them in the order of the messages meets himself.
    by_sms = promos("one", 60)
    by_email = promos("two", 60, channel=Channel.EMAIL)
    turned = random.Random(3).sample(by_email, k=60)
    for one, two in zip(by_sms, turned, strict=True):
        become_one(database, customer_of(database, one), customer_of(database, two))

    provider = SimulatedProvider(intents=3)
    at_once(
        sender(database_url, tmp_path, "a", provider), sender(database_url, tmp_path, "b", provider)
    )

    assert fates(database) == {(S.ACCEPTED, None): 60, (S.PLANNED, R.CAP): 60}


def test_the_enrollment_that_was_first_stays_when_two_turn_out_to_be_one(
    desk: Any, promos: Callable[..., list[int]]
) -> None:
    first, second = promos("one", 2, capped=False)
    become_one(desk.database, customer_of(desk.database, second), customer_of(desk.database, first))

    desk.dispatch()

    assert state_of(desk.database, first) == (S.ACCEPTED, None)
    assert state_of(desk.database, second) == (S.SKIPPED, R.SAME_PERSON)
    with desk.database.read() as connection:
        walks = connection.execute(select(enrollments.c.id, enrollments.c.exit_reason)).all()
    assert [tuple(walk) for walk in sorted(walks)] == [(1, None), (2, R.SAME_PERSON)]


@pytest.mark.parametrize(
    ("first", "second", "fate"),
    [
        (Arm.HOLDOUT, Arm.TREATED, (S.SKIPPED, R.SAME_PERSON)),
        (Arm.TREATED, Arm.HOLDOUT, (S.ACCEPTED, None)),
    ],
)
def test_the_arm_of_the_first_enrollment_is_the_persons(
    desk: Any, database: Database, *, first: Arm, second: Arm, fate: tuple[S, R | None]
) -> None:
    with database.write() as connection:
        campaign = add_campaign(connection)
        made = [
            add_messages(
                connection,
                campaign,
                enrollment={"arm": arm},
                state=S.PLANNED if arm is Arm.TREATED else S.WITHHELD,
            )[0]
            for arm in (first, second)
        ]
    become_one(database, *(customer_of(database, one) for one in made))

    desk.dispatch()

    treated = made[[first, second].index(Arm.TREATED)]
    assert state_of(database, treated) == fate


def test_one_profile_in_two_campaigns_is_in_both(
    desk: Any, promos: Callable[..., list[int]]
) -> None:
    [one], [two] = promos("one", capped=False), promos("two", capped=False)
    become_one(desk.database, customer_of(desk.database, one), customer_of(desk.database, two))

    desk.dispatch()

    assert fates(desk.database) == {(S.ACCEPTED, None): 2}


def a_consent(customer_id: int, *, granted: bool, **more: Any) -> Any:
    given = {"channel": Channel.SMS, "purpose": "marketing", "source": "test", "at": BOUGHT}
    return insert(consents).values(customer_id=customer_id, granted=granted, **{**given, **more})


@pytest.mark.parametrize(
    ("said", "fate"),
    [
        ({"granted": False, "at": BOUGHT - 90 * DAY}, (S.SKIPPED, R.NO_CONSENT)),
        ({"granted": False, "channel": Channel.EMAIL}, (S.ACCEPTED, None)),
        ({"granted": False, "purpose": "service"}, (S.ACCEPTED, None)),
        ({"granted": True}, (S.ACCEPTED, None)),
    ],
    ids=["refused", "another channel", "another purpose", "agreed"],
)
def test_what_another_profile_refused_is_refused_by_the_person(
    desk: Any, promos: Callable[..., list[int]], said: dict[str, Any], fate: tuple[S, R | None]
) -> None:
    [one] = promos("one")
    with desk.database.write() as connection:
        [other] = add_people(connection, 1)
    write(desk.database, a_consent(other, **said))
    become_one(desk.database, customer_of(desk.database, one), other)

    desk.dispatch()

    assert state_of(desk.database, one) == fate


def test_nobody_agrees_for_another_profile(desk: Any, promos: Callable[..., list[int]]) -> None:
    [one] = promos("one", agreed=False)
    with desk.database.write() as connection:
        [other] = add_people(connection, 1)
    write(desk.database, a_consent(other, granted=True))
    become_one(desk.database, customer_of(desk.database, one), other)

    desk.dispatch()

    assert state_of(desk.database, one) == (S.SKIPPED, R.NO_CONSENT)


def an_opt_out(address: str, channel: Channel = Channel.EMAIL, **more: Any) -> Any:
    given = {"reason": "opted_out", "source": "test", "at": BOUGHT, **more}
    hashed = hash_address(address, KEY)
    return insert(suppressions).values(channel=channel, address_hash=hashed, **given)


@pytest.mark.parametrize(
    ("channel", "more", "fate"),
    [
        (Channel.EMAIL, {}, (S.SKIPPED, R.SUPPRESSED)),
        (Channel.EMAIL, {"reason": "complained"}, (S.SKIPPED, R.SUPPRESSED)),
        (Channel.EMAIL, {"reason": "bounced"}, (S.ACCEPTED, None)),
        (Channel.EMAIL, {"lifted_at": DUE}, (S.ACCEPTED, None)),
        (Channel.SMS, {}, (S.ACCEPTED, None)),
    ],
    ids=["opted out", "complained", "bounced", "lifted", "by sms"],
)
def test_an_opt_out_by_one_email_holds_for_the_persons_other_emails_and_not_for_sms(
    desk: Any,
    promos: Callable[..., list[int]],
    channel: Channel,
    more: dict[str, Any],
    fate: tuple[S, R | None],
) -> None:
    [one] = promos("one", channel=channel)
    with desk.database.write() as connection:
        [other] = add_people(connection, 1)
    write(desk.database, an_opt_out(address_of(other, Channel.EMAIL), **more))
    become_one(desk.database, customer_of(desk.database, one), other)

    desk.dispatch()

    assert state_of(desk.database, one) == fate


def test_an_opt_out_holds_for_every_profile_with_the_address(
    desk: Any, promos: Callable[..., list[int]]
) -> None:
    one, two = promos("one")[0], promos("two")[0]
    shared = address_of(customer_of(desk.database, one), Channel.SMS)
    hashed = hash_address(shared, KEY)
    write(
        desk.database,
        update(customers).values(phone=shared, phone_hash=hashed, person=shared),
        update(messages).values(address_hash=hashed),
        an_opt_out(shared, Channel.SMS),
    )

    desk.dispatch()

    assert {state_of(desk.database, each) for each in (one, two)} == {(S.SKIPPED, R.SUPPRESSED)}
