"""News from providers: any order and any number of repetitions give the same picture."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from builders import DUE, change, fates, message
from orchestrator.domain.messages import Channel, Fact, MessageState, Reason
from orchestrator.domain.providers import ProviderEvent
from orchestrator.providers.simulated import Odds, SimulatedProvider
from orchestrator.services.doctor import doctor
from orchestrator.services.track import TrackReport, track
from orchestrator.store.contacts import suppressed
from orchestrator.store.database import Database
from orchestrator.store.tables import campaigns, events, messages, suppressions

S = MessageState
R = Reason
Make = Callable[..., int]
MINUTE = timedelta(minutes=1)
LATER = DUE + timedelta(hours=1)


def told(fact: Fact, message_id: int = 1, at: datetime = DUE + MINUTE) -> ProviderEvent:
    key = f"{message_id}-{fact.value}-{at.isoformat()}"
    return ProviderEvent(dedupe_key=key, message_id=message_id, fact=fact, at=at)


def test_the_same_news_twice_is_told_once(desk: Any, a_message: Make) -> None:
    a_message()
    desk.dispatch()

    first = track(desk.database, "simulated", [told(Fact.DELIVERED)] * 2, LATER)
    second = track(desk.database, "simulated", [told(Fact.DELIVERED)], LATER)

    assert first == TrackReport(told=2, new=1)
    assert second == TrackReport(told=1)
    assert message(desk.database, 1).delivered_at == DUE + MINUTE


@pytest.mark.parametrize("state", [S.SENDING, S.UNKNOWN, S.UNRESOLVED])
@pytest.mark.parametrize(
    ("fact", "becomes"),
    [
        (Fact.ACCEPTED, (S.ACCEPTED, None)),
        (Fact.DELIVERED, (S.ACCEPTED, None)),
        (Fact.BOUNCED, (S.ACCEPTED, None)),
        (Fact.REJECTED, (S.REJECTED, R.PROVIDER_REJECTED)),
    ],
)
def test_news_tells_what_really_became_of_a_message(
    desk: Any, a_message: Make, state: S, fact: Fact, becomes: tuple[S, R | None]
) -> None:
    one = a_message()
    change(desk.database, one, state=state, sending_at=DUE, reason=R.ANSWER_LOST, token=1)

    assert track(desk.database, "simulated", [told(fact)], LATER).moved == 1

    assert fates(desk.database) == {becomes: 1}


@pytest.mark.parametrize(
    ("fact", "reason"),
    [
        (Fact.OPTED_OUT, "opted_out"),
        (Fact.BOUNCED, "bounced"),
        (Fact.COMPLAINED, "complained"),
    ],
)
def test_who_must_not_be_written_to_is_suppressed_at_once(
    desk: Any, a_message: Make, fact: Fact, reason: str
) -> None:
    one = message(desk.database, a_message())
    desk.dispatch()

    report = track(desk.database, "simulated", [told(fact)], LATER)

    assert report.suppressed == 1
    with desk.database.read() as connection:
        row = connection.execute(select(suppressions)).one()
    assert (row.channel, row.address_hash, row.reason) == (Channel.SMS, one.address_hash, reason)


def test_news_of_a_message_that_is_not_here_is_kept(desk: Any) -> None:
    report = track(desk.database, "simulated", [told(Fact.DELIVERED, 404)], LATER)

    assert report == TrackReport(told=1, new=1, unknown=1)
    with desk.database.read() as connection:
        assert connection.execute(select(events.c.message_id)).scalar_one() == 404


def test_news_that_was_kept_counts_when_more_comes(desk: Any, a_message: Make) -> None:
    track(desk.database, "simulated", [told(Fact.DELIVERED)], LATER)
    a_message()
    desk.dispatch()

    track(desk.database, "simulated", [told(Fact.OPENED)], LATER)

    assert message(desk.database, 1).delivered_at == DUE + MINUTE


def test_a_provider_that_is_faster_than_its_answer_does_no_harm(desk: Any, a_message: Make) -> None:
    a_message()
    tell = desk.provider.send

    def send(batch: Any, now: datetime) -> Any:
        track(desk.database, "simulated", [told(Fact.DELIVERED)], LATER)
        return tell(batch, now)

    desk.provider.send = send
    desk.dispatch()

    sent = message(desk.database, 1)
    assert (sent.state, sent.provider_id) == (S.ACCEPTED, "simulated-0-1")


@pytest.mark.parametrize("odds", [Odds(busy=1), Odds(rejected=1), Odds(lost=1)])
def test_news_that_is_faster_than_a_wrong_answer_stays(
    desk: Any, a_message: Make, odds: Odds
) -> None:
    one = a_message()
    desk.provider = SimulatedProvider(odds=odds)
    tell = desk.provider.send

    def send(batch: Any, now: datetime) -> Any:
        track(desk.database, "simulated", [told(Fact.ACCEPTED)], LATER)
        return tell(batch, now)

    desk.provider.send = send
    desk.dispatch()

    sent = message(desk.database, one)
    assert (sent.state, sent.cost, sent.sending_at) == (S.ACCEPTED, 5_000, DUE)
    assert broken_promises(desk.database) == set()


def broken_promises(database: Database) -> set[str]:
    """Of those that attempts and costs could break."""
    asked = {"accepted_without_attempt", "accepted_twice", "spent_otherwise", "end_without_moment"}
    return asked & {finding.kind for finding in doctor(database, LATER)}


def busy_then(desk: Any, a_message: Make, channel: Channel = Channel.SMS) -> int:
    """A message that the provider said it would not take now; it waits for another try."""
    one = a_message(channel=channel)
    desk.provider = SimulatedProvider(odds=Odds(busy=1))
    desk.dispatch()
    desk.provider = SimulatedProvider()
    assert fates(desk.database) == {(S.PLANNED, R.PROVIDER_BUSY): 1}
    return one


@pytest.mark.parametrize("fact", [Fact.ACCEPTED, Fact.DELIVERED])
def test_a_message_that_arrived_after_all_is_not_tried_again(
    desk: Any, a_message: Make, fact: Fact
) -> None:
    one = busy_then(desk, a_message)

    report = track(desk.database, "simulated", [told(fact)], LATER)
    desk.now = LATER
    desk.dispatch()

    sent = message(desk.database, one)
    assert report.moved == 1
    assert (sent.state, sent.reason, sent.token) == (S.ACCEPTED, None, 1)
    assert (sent.accepted_at, sent.sending_at) == (DUE + MINUTE, DUE + MINUTE)
    assert broken_promises(desk.database) == set()


def test_news_reaches_a_message_that_is_claimed_for_another_try(desk: Any, a_message: Make) -> None:
    one = busy_then(desk, a_message)
    change(desk.database, one, state=S.CLAIMED, owner=desk.life.owner, token=2, lease_until=LATER)

    track(desk.database, "simulated", [told(Fact.ACCEPTED)], LATER)

    assert fates(desk.database) == {(S.ACCEPTED, None): 1}
    assert broken_promises(desk.database) == set()


def test_what_was_refused_for_now_is_tried_again_whatever_else_is_told(
    desk: Any, a_message: Make
) -> None:
    busy_then(desk, a_message)

    track(desk.database, "simulated", [told(Fact.REJECTED)], LATER)

    assert fates(desk.database) == {(S.PLANNED, R.PROVIDER_BUSY): 1}


def test_a_campaign_that_people_leave_pauses_itself(desk: Any, a_message: Make) -> None:
    a_message(count=100)
    desk.dispatch()

    report = track(
        desk.database, "simulated", [told(Fact.OPTED_OUT, one) for one in range(1, 16)], LATER
    )

    assert report.paused == (1,)
    with desk.database.read() as connection:
        row = connection.execute(select(campaigns.c.state, campaigns.c.state_reason)).one()
    assert tuple(row) == ("paused", "15 of the last 100 opted out or complained")


FACTS = st.lists(
    st.tuples(
        st.sampled_from([1, 2, 3]),
        st.sampled_from(list(Fact)),
        st.integers(0, 5).map(lambda minutes: DUE + minutes * MINUTE),
    ),
    max_size=12,
)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(FACTS, st.randoms(use_true_random=False), st.integers(1, 4))
def test_any_order_and_number_of_the_same_news_gives_the_same_state(
    unknown: Database, facts: Sequence[Any], dice: Any, parts: int
) -> None:
    news = [told(fact, one, at) for one, fact, at in facts]
    track(unknown, "simulated", news, LATER)
    expected = _picture(unknown)
    _reset(unknown)

    shuffled = [*news, *dice.choices(news, k=3)] if news else []
    dice.shuffle(shuffled)
    for start in range(0, len(shuffled), parts):
        track(unknown, "simulated", shuffled[start : start + parts], LATER)

    assert _picture(unknown) == expected
    _reset(unknown)


@pytest.fixture
def unknown(database: Database, a_message: Make) -> Database:
    """Three messages of which nobody knows whether they arrived; two go to one phone."""
    a_message(count=3)
    phone = message(database, 1).address_hash
    change(database, 3, address_hash=phone, occurrence=1)
    _reset(database)
    return database


def _reset(database: Database) -> None:
    with database.write() as connection:
        connection.execute(delete(events))
        connection.execute(delete(suppressions))
        columns = ("accepted", "delivered", "bounced", "complained", "opened", "clicked")
        connection.execute(
            update(messages).values(
                state=S.UNKNOWN,
                reason=R.ANSWER_LOST,
                sending_at=DUE,
                finished_at=None,
                **{f"{name}_at": None for name in columns},
            )
        )


def _picture(database: Database) -> Any:
    with database.read() as connection:
        rows = connection.execute(select(messages).order_by(messages.c.id)).all()
        kept = connection.execute(
            select(suppressions).order_by(suppressions.c.address_hash, suppressions.c.reason)
        ).all()
        out = suppressed(connection, {(row.channel, row.address_hash) for row in rows})
    return rows, [row[1:] for row in kept], out
