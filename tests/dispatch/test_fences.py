"""Nothing is sent twice, whoever dies, freezes or comes late."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from builders import DUE, a_life, change, fates, message
from orchestrator.domain.messages import Channel, MessageState, Reason
from orchestrator.domain.providers import Handover, Outcome, Outgoing
from orchestrator.providers.simulated import SimulatedProvider
from orchestrator.services.dispatch import Settings, dispatch
from orchestrator.store import dispatchers
from orchestrator.store.contacts import Suppression, suppress
from orchestrator.store.messages import claims, intents, outcomes
from orchestrator.store.messages.outcomes import Answered
from orchestrator.store.tables import attempts, campaigns, customers, instance
from scripted import Scripted

S = MessageState
R = Reason
Make = Callable[..., int]
HOUR = timedelta(hours=1)
LEASE = timedelta(minutes=10)


@pytest.mark.parametrize(
    ("outcome", "fate"),
    [
        (Outcome.ACCEPTED, (S.ACCEPTED, None)),
        (Outcome.REJECTED, (S.REJECTED, R.PROVIDER_REJECTED)),
        (Outcome.RETRY, (S.PLANNED, R.PROVIDER_BUSY)),
        (Outcome.UNKNOWN, (S.UNKNOWN, R.ANSWER_LOST)),
        (TimeoutError("read timed out"), (S.UNKNOWN, R.ANSWER_LOST)),
    ],
    ids=["accepted", "rejected", "retry", "unknown", "exception"],
)
def test_every_answer_has_its_state(
    desk: Any, a_message: Make, outcome: Outcome | Exception, fate: tuple[S, R | None]
) -> None:
    a_message()
    desk.provider = Scripted(outcome)

    report = desk.dispatch()

    assert fates(desk.database) == {fate: 1}
    assert report.counts == {fate: 1}


@pytest.mark.parametrize("outcome", [Outcome.REJECTED, Outcome.RETRY])
def test_what_was_not_taken_is_no_contact_and_costs_nothing(
    desk: Any, a_message: Make, outcome: Outcome
) -> None:
    one = a_message()
    desk.provider = Scripted(outcome)

    desk.dispatch()

    untaken = message(desk.database, one)
    assert (untaken.sending_at, untaken.cost) == (None, 0)
    with desk.database.read() as connection:
        assert connection.execute(select(campaigns.c.spent)).scalar_one() == 0


def test_a_busy_provider_is_asked_later_and_later(desk: Any, a_message: Make) -> None:
    one = a_message()
    desk.provider = Scripted(Outcome.RETRY)
    pauses = []
    for _ in range(9):
        desk.dispatch()
        pauses.append((message(desk.database, one).due_at - desk.now).total_seconds())
        desk.now = message(desk.database, one).due_at

    assert pauses == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]


def test_a_message_without_an_answer_is_unknown(desk: Any, a_message: Make) -> None:
    a_message(count=2)

    class Forgetful(SimulatedProvider):
        def send(self, batch: Sequence[Outgoing], now: datetime) -> Sequence[Handover]:
            return super().send(batch, now)[:1]

    desk.provider = Forgetful()
    desk.dispatch()

    assert fates(desk.database) == {(S.ACCEPTED, None): 1, (S.UNKNOWN, R.ANSWER_LOST): 1}


def claim(desk: Any, owner: str = "other", until: datetime = DUE + LEASE) -> Any:
    with desk.database.write() as connection:
        return claims.claim(connection, owner=owner, now=desk.now, lease_until=until, limit=10)


def test_a_claim_whose_lease_is_over_is_taken_over(desk: Any, a_message: Make) -> None:
    one = a_message()
    claim(desk)
    assert desk.dispatch().counts == {}
    desk.now = DUE + HOUR

    report = desk.dispatch()

    assert (report.freed, report.accepted) == (1, 1)
    assert message(desk.database, one).token == 3


def test_two_dispatchers_never_claim_the_same(desk: Any, a_message: Make) -> None:
    a_message(count=7)
    with desk.database.write() as connection:
        first = claims.claim(connection, owner="a", now=DUE, lease_until=DUE + LEASE, limit=4)

    second = claim(desk)

    assert sorted(one.id for one in [*first, *second]) == [1, 2, 3, 4, 5, 6, 7]


def test_a_dispatcher_that_lost_its_lease_sends_nothing(desk: Any, a_message: Make) -> None:
    """The batch is claimed, then it freezes until somebody else has taken over."""
    a_message()
    desk.provider = Scripted(Outcome.ACCEPTED)

    # It looks at the clock to begin, to sweep and to claim; then it freezes.
    clock = chain([DUE, DUE, DUE], repeat(DUE + HOUR))

    report = dispatch(desk.database, desk.providers, now=lambda: next(clock), life=desk.life)

    assert (report.lost, report.accepted) == (1, 0)
    assert desk.provider.sent == []


def test_an_answer_after_the_message_was_given_up_still_counts(desk: Any, a_message: Make) -> None:
    one = a_message()

    def give_up() -> None:
        with desk.database.write() as connection:
            assert claims.doubt_overdue(connection, DUE + HOUR, ()) == 1

    desk.provider = Scripted(Outcome.ACCEPTED, before=give_up)
    desk.dispatch()

    assert message(desk.database, one).state is S.ACCEPTED


def test_an_answer_for_an_older_attempt_moves_nothing(desk: Any, a_message: Make) -> None:
    one = a_message()
    claim(desk)
    desk.now = DUE + HOUR
    desk.provider = Scripted(Outcome.UNKNOWN)
    desk.dispatch()

    with desk.database.write() as connection:
        late = Answered(message_id=one, token=1, outcome=Outcome.REJECTED)
        assert outcomes.record(connection, [late], desk.now) == 0

    assert message(desk.database, one).state is S.UNKNOWN


def test_an_opt_out_during_the_batch_stops_the_next_chunk(desk: Any, a_message: Make) -> None:
    a_message(count=2)
    second = message(desk.database, 2)

    def opt_out() -> None:

        row = Suppression(Channel.SMS, second.address_hash, "opted_out", DUE)
        with desk.database.write() as connection:
            suppress(connection, [row], "test")

    desk.provider = Scripted(Outcome.ACCEPTED, before=opt_out, intents=1)
    desk.dispatch()

    assert fates(desk.database) == {(S.ACCEPTED, None): 1, (S.SKIPPED, R.SUPPRESSED): 1}


def test_the_kill_switch_ends_a_dispatch_after_the_call_in_hand(desk: Any, a_message: Make) -> None:
    a_message(count=3)

    def switch_off() -> None:
        with desk.database.write() as connection:
            connection.execute(update(instance).values(dispatch_stopped="wrong text"))

    desk.provider = Scripted(Outcome.ACCEPTED, before=switch_off, intents=1)
    report = desk.dispatch()

    assert report.stopped is R.DISPATCH_STOPPED
    assert fates(desk.database) == {(S.ACCEPTED, None): 1, (S.PLANNED, R.DISPATCH_STOPPED): 2}


def test_when_it_is_asked_to_stop_the_rest_is_given_back(desk: Any, a_message: Make) -> None:
    a_message(count=600)
    asked: list[bool] = []
    desk.provider = Scripted(Outcome.ACCEPTED, before=lambda: asked.append(True))

    desk.dispatch(Settings(canary_from=10_000), stopping=lambda: bool(asked))

    assert fates(desk.database) == {(S.ACCEPTED, None): 500, (S.PLANNED, None): 100}


def test_an_intent_that_cannot_be_committed_calls_nobody(
    desk: Any, a_message: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_message()
    desk.provider = Scripted(Outcome.ACCEPTED)

    def fail(*_: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(intents, "spend", fail)
    with pytest.raises(OSError, match="disk full"):
        desk.dispatch()

    assert desk.provider.sent == []
    assert fates(desk.database) == {(S.CLAIMED, None): 1}
    with desk.database.read() as connection:
        assert connection.execute(select(attempts)).all() == []


def test_what_a_dead_dispatcher_was_sending_is_unknown_and_what_it_held_is_free(
    desk: Any, a_message: Make, tmp_path: Path
) -> None:
    a_message(count=2)
    with a_life(tmp_path / "lives", "mortal") as mortal:
        with desk.database.write() as connection:
            dispatchers.add(connection, mortal.dispatcher, DUE)
        claim(desk, "mortal")
        change(desk.database, 1, state=S.SENDING, sending_at=DUE)
        assert desk.dispatch().doubted == 0  # alive, and its lease runs

    report = desk.dispatch()

    assert (report.freed, report.doubted, report.accepted) == (1, 1, 1)
    assert fates(desk.database) == {(S.UNKNOWN, R.SENDER_DIED): 1, (S.ACCEPTED, None): 1}


def test_a_customers_change_of_phone_after_rendering_is_seen(desk: Any, a_message: Make) -> None:
    a_message(count=2)

    def change_phone() -> None:
        with desk.database.write() as connection:
            connection.execute(
                update(customers).where(customers.c.id == 2).values(phone_hash="new")
            )

    desk.provider = Scripted(Outcome.ACCEPTED, before=change_phone, intents=1)
    desk.dispatch()

    assert desk.provider.sent == [1]
