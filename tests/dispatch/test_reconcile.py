"""What became of a message whose answer is lost: asked for, and never sent again without proof."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from builders import DUE, a_life, message
from orchestrator.domain.messages import Channel, MessageState, Reason
from orchestrator.domain.providers import Outcome
from orchestrator.providers.simulated import Odds, SimulatedProvider
from orchestrator.store import dispatchers
from orchestrator.store.dispatchers import Dispatcher
from orchestrator.store.messages import claims
from orchestrator.store.messages.intents import Intent, intend
from scripted import Scripted

S = MessageState
R = Reason
Make = Callable[..., int]
HOUR = timedelta(hours=1)
LEASE = timedelta(minutes=10)


def claim(desk: Any, owner: str) -> Any:
    with desk.database.write() as connection:
        return claims.claim(
            connection, owner=owner, now=desk.now, lease_until=DUE + LEASE, limit=10
        )


def lost(desk: Any, a_message: Make, odds: Odds, channel: Channel) -> int:
    one = a_message(channel=channel)
    desk.provider = SimulatedProvider(odds=odds)
    desk.dispatch()
    assert message(desk.database, one).state is S.UNKNOWN
    desk.now += HOUR
    return one


def test_what_the_provider_has_is_accepted_from_when_it_was_sent(
    desk: Any, a_message: Make
) -> None:
    one = lost(desk, a_message, Odds(lost=1), Channel.SMS)

    desk.reconcile()

    found = message(desk.database, one)
    assert (found.state, found.accepted_at, found.reason) == (S.ACCEPTED, DUE, None)
    assert found.provider_id == "simulated-0-1"


def test_an_email_that_provably_did_not_arrive_is_sent_again(desk: Any, a_message: Make) -> None:
    one = lost(desk, a_message, Odds(vanished=1), Channel.EMAIL)

    assert desk.reconcile().counts == {S.PLANNED: 1}

    again = message(desk.database, one)
    assert (again.state, again.token, again.cost, again.sending_at) == (S.PLANNED, 2, 0, None)


def test_absence_is_not_believed_before_the_waiting_time_is_over(
    desk: Any, a_message: Make
) -> None:
    one = lost(desk, a_message, Odds(vanished=1), Channel.EMAIL)

    desk.reconcile(wait=timedelta(hours=2))

    waits = message(desk.database, one)
    assert (waits.state, waits.lease_until) == (S.UNKNOWN, desk.now + timedelta(minutes=5))


def test_an_sms_is_never_sent_again_and_in_the_end_a_person_decides(
    desk: Any, a_message: Make
) -> None:
    one = lost(desk, a_message, Odds(vanished=1), Channel.SMS)
    assert desk.reconcile().counts == {S.UNKNOWN: 1}
    desk.now = DUE + timedelta(hours=24)

    desk.reconcile()

    given_up = message(desk.database, one)
    assert (given_up.state, given_up.reason) == (S.UNRESOLVED, R.NEVER_ANSWERED)


@pytest.mark.parametrize("waited", [False, True])
def test_a_dead_senders_email_goes_again_when_it_is_surely_not_under_way(
    desk: Any, a_message: Make, tmp_path: Path, *, waited: bool
) -> None:
    one = a_message(channel=Channel.EMAIL)

    with a_life(tmp_path / "lives", "mortal") as mortal, desk.database.write() as connection:
        dispatchers.add(connection, mortal.dispatcher, DUE)
    desk.provider = Scripted(Outcome.ACCEPTED)
    owner = desk.life
    sent = sending_by(desk, one, "mortal")
    assert sent.state is S.SENDING
    desk.life = owner
    desk.dispatch()
    if waited:
        desk.uptime.move(HOUR)

    desk.reconcile()

    assert message(desk.database, one).state is (S.PLANNED if waited else S.UNKNOWN)


def sending_by(desk: Any, one: int, owner: str) -> Any:
    """The owner died between its intent and the provider."""
    claim(desk, owner)
    meant = Intent(
        message_id=one, token=1, provider="simulated", parts=1, cost=200, concern_id=None
    )
    with desk.database.write() as connection:
        intend(connection, [meant], owner=owner, now=DUE, lease_until=DUE + LEASE)
    return message(desk.database, one)


def test_a_living_senders_message_is_never_given_to_another(
    desk: Any, a_message: Make, tmp_path: Path
) -> None:
    one = a_message(channel=Channel.EMAIL)

    with a_life(tmp_path / "lives", "frozen") as frozen:
        with desk.database.write() as connection:
            dispatchers.add(connection, frozen.dispatcher, DUE)
        sending_by(desk, one, "frozen")
        desk.now = DUE + HOUR
        desk.uptime.move(HOUR)
        desk.dispatch()
        desk.reconcile()

    assert message(desk.database, one).state is S.UNKNOWN


def test_after_a_reboot_everybody_from_before_is_dead(desk: Any, a_message: Make) -> None:
    one = a_message(channel=Channel.EMAIL)

    with desk.database.write() as connection:
        dispatchers.add(connection, Dispatcher("old", "here", "boot before", "/gone"), DUE)
    sending_by(desk, one, "old")
    desk.dispatch()

    desk.reconcile()

    assert message(desk.database, one).state is S.PLANNED


def test_another_hosts_dispatcher_is_never_declared_dead(desk: Any, a_message: Make) -> None:
    one = a_message(channel=Channel.EMAIL)

    with desk.database.write() as connection:
        dispatchers.add(connection, Dispatcher("far", "there", "its boot", "/gone"), DUE)
    sending_by(desk, one, "far")

    assert desk.dispatch().doubted == 0
    desk.now = DUE + HOUR
    desk.uptime.move(HOUR)
    assert desk.dispatch().doubted == 1
    desk.reconcile()

    assert message(desk.database, one).state is S.UNKNOWN
