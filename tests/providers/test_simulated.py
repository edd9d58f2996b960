"""The simulated provider: the same seed, the same history."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.domain.messages import Channel, Fact
from orchestrator.domain.providers import Outcome, Outgoing, ProviderEvent
from orchestrator.providers.simulated import Odds, SimulatedProvider

NOON = datetime(2025, 11, 12, 12, 0, tzinfo=UTC)
LATE = NOON + timedelta(days=1)
ALL_KINDS = Odds(rejected=0.1, busy=0.1, lost=0.1, vanished=0.1, bounced=0.2, opened=0.5)


def outgoing(message_id: int, token: int = 1) -> Outgoing:
    return Outgoing(
        message_id=message_id,
        token=token,
        channel=Channel.SMS,
        address="+8613900000001",
        text="hello",
        campaign="short",
        wave="promo",
    )


def some(count: int) -> list[Outgoing]:
    return [outgoing(number) for number in range(count)]


def test_one_message_gets_the_same_answer_whatever_stands_around_it() -> None:
    together = SimulatedProvider(7, ALL_KINDS).send(some(200), NOON)
    alone = SimulatedProvider(7, ALL_KINDS)

    assert list(together) == [alone.send([one], NOON)[0] for one in some(200)]


def test_another_seed_or_another_attempt_is_another_toss() -> None:
    def outcomes(seed: int, token: int) -> list[Outcome]:
        batch = [outgoing(number, token) for number in range(200)]
        return [one.outcome for one in SimulatedProvider(seed, ALL_KINDS).send(batch, NOON)]

    assert outcomes(7, 1) != outcomes(8, 1)
    assert outcomes(7, 1) != outcomes(7, 2)


def test_answers_and_news_come_as_often_as_their_odds_say() -> None:
    provider = SimulatedProvider(7, ALL_KINDS)

    outcomes = Counter(one.outcome for one in provider.send(some(10_000), NOON))
    news = Counter(event.fact for event in provider.news(LATE))

    assert outcomes[Outcome.REJECTED] == pytest.approx(1_000, rel=0.15)
    assert outcomes[Outcome.RETRY] == pytest.approx(1_000, rel=0.15)
    assert outcomes[Outcome.UNKNOWN] == pytest.approx(2_000, rel=0.15)
    assert news[Fact.BOUNCED] == pytest.approx(7_000 * 0.2, rel=0.15)
    assert news[Fact.OPENED] == pytest.approx(7_000 * 0.8 * 0.5, rel=0.15)


def test_it_can_be_asked_what_it_took() -> None:
    provider = SimulatedProvider(7, Odds(lost=0.5, vanished=0.5))
    provider.send(some(100), NOON)

    found = provider.find([*range(100), 404], NOON)
    told = {event.message_id for event in provider.news(LATE)}

    assert {one for one, there in found.items() if there} == told
    assert found[404] is None


def test_news_is_told_when_it_has_happened_and_once() -> None:
    provider = SimulatedProvider(7)
    provider.send(some(100), NOON)

    early = provider.news(NOON + timedelta(minutes=20))
    rest = provider.news(LATE)

    assert all(event.at <= NOON + timedelta(minutes=20) for event in early)
    assert (len(early) > 0, len(early) + len(rest), provider.news(LATE)) == (True, 100, [])


def test_a_simulation_adds_what_its_customers_do() -> None:
    provider = SimulatedProvider()
    stop = ProviderEvent(
        dedupe_key="1-stop", message_id=1, fact=Fact.OPTED_OUT, at=NOON + timedelta(days=3)
    )

    provider.add_news([stop])

    assert provider.news(NOON) == []
    assert provider.news(NOON + timedelta(days=3)) == [stop]
