"""A large send begins with a random few, and a campaign that goes wrong stops itself."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select

from builders import add_campaign, add_messages, fates
from orchestrator.domain.messages import MessageState, Reason
from orchestrator.domain.providers import Handover, Outgoing
from orchestrator.providers.simulated import Odds, SimulatedProvider
from orchestrator.services import steer
from orchestrator.services.dispatch import Settings
from orchestrator.store.tables import audit_log, campaigns

S = MessageState
R = Reason
Make = Callable[..., int]
SMALL = Settings(batch=50, canary=20, canary_from=100)


class Noting(SimulatedProvider):
    def __init__(self, odds: Odds = Odds()) -> None:  # noqa: B008  # frozen
        super().__init__(3, odds)
        self.calls: list[list[int]] = []

    def send(self, batch: Sequence[Outgoing], now: datetime) -> Sequence[Handover]:
        self.calls.append([one.message_id for one in batch])
        return super().send(batch, now)


def test_a_random_few_of_a_large_send_go_first(desk: Any, a_message: Make) -> None:
    a_message(count=200)
    desk.provider = Noting()

    desk.dispatch(SMALL)

    first = desk.provider.calls[0]
    assert len(first) == 20
    assert sorted(first) != list(range(1, 21))
    assert fates(desk.database) == {(S.ACCEPTED, None): 200}


def test_a_small_send_needs_no_canary(desk: Any, a_message: Make) -> None:
    a_message(count=60)
    desk.provider = Noting()

    desk.dispatch(SMALL)

    assert [len(call) for call in desk.provider.calls] == [50, 10]


def test_a_send_that_has_begun_goes_on_in_order(desk: Any, a_message: Make) -> None:
    a_message(count=300)
    desk.provider = Noting()
    desk.dispatch(SMALL, limit=50)

    desk.dispatch(SMALL)

    assert [len(call) for call in desk.provider.calls] == [20, 30, 50, 50, 50, 50, 50]


def test_a_bad_canary_saves_the_rest(desk: Any, a_message: Make) -> None:
    a_message(count=200)
    desk.provider = Noting(Odds(rejected=0.9))

    report = desk.dispatch(SMALL)

    assert report.paused == (1,)
    assert len(desk.provider.calls) == 1
    assert fates(desk.database)[S.PLANNED, R.CAMPAIGN_PAUSED] == 180
    with desk.database.read() as connection:
        state = connection.execute(select(campaigns.c.state, campaigns.c.state_reason)).one()
        entry = connection.execute(select(audit_log)).one()
    assert state.state == "paused"
    assert state.state_reason.endswith("of the last 20 hand-overs failed")
    assert (entry.actor, entry.action, entry.subject) == ("breaker", "pause", "campaign:1")


def test_a_few_failures_are_no_reason_to_stop(desk: Any, a_message: Make) -> None:
    a_message(count=200)
    desk.provider = Noting(Odds(rejected=0.03))

    assert desk.dispatch(SMALL).paused == ()


def test_one_bad_campaign_does_not_stop_another(desk: Any) -> None:
    with desk.database.write() as connection:
        bad = add_campaign(connection, "bad")
        good = add_campaign(connection, "good")
        add_messages(connection, bad, 60)
        add_messages(connection, good, 60)

    class RefusesTheFirst(Noting):
        def send(self, batch: Sequence[Outgoing], now: datetime) -> Sequence[Handover]:
            self.odds = Odds(rejected=float(batch[0].campaign == "bad"))
            return super().send(batch, now)

    desk.provider = RefusesTheFirst()
    report = desk.dispatch(Settings(batch=30))

    assert report.paused == (bad,)
    assert fates(desk.database)[S.ACCEPTED, None] == 60


def test_a_campaign_that_is_resumed_goes_on_at_once(desk: Any, a_message: Make) -> None:
    a_message(count=3)
    steer.pause(desk.database, "short", reason="look at it", actor="me", now=desk.now)
    desk.dispatch()
    assert fates(desk.database) == {(S.PLANNED, R.CAMPAIGN_PAUSED): 3}

    steer.resume(desk.database, "short", actor="me", now=desk.now)
    desk.dispatch()

    assert fates(desk.database) == {(S.ACCEPTED, None): 3}
