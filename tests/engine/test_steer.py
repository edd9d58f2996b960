"""What people do to a campaign, and what the audit log keeps of it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from builders import DUE, add_campaign, add_messages, message
from orchestrator.domain.messages import MessageState, Reason
from orchestrator.domain.providers import Outcome
from orchestrator.services import steer
from orchestrator.store import audit
from orchestrator.store.database import Database
from orchestrator.store.tables import attempts, audit_log, campaigns, enrollments, instance

NOW = DUE + timedelta(days=2)
WHO: dict[str, Any] = {"actor": "Ada", "now": NOW}
Make = Callable[..., int]


@pytest.fixture
def one(database: Database) -> int:
    """A campaign that is running, with a message that is due."""
    with database.write() as connection:
        return add_messages(connection, add_campaign(connection))[0]


@pytest.fixture
def unresolved(database: Database) -> int:
    """A message that was handed over for two cents and never answered."""
    with database.write() as connection:
        campaign_id = add_campaign(connection)
        connection.execute(campaigns.update().values(spent=2_000))
        [message_id] = add_messages(
            connection,
            campaign_id,
            state=MessageState.UNRESOLVED,
            reason=Reason.NEVER_ANSWERED,
            token=1,
            sending_at=DUE,
            finished_at=DUE,
            parts=1,
            cost=2_000,
        )
        attempt = {"message_id": message_id, "token": 1, "owner": "me", "provider": "outbox"}
        connection.execute(
            attempts.insert().values(**attempt, intended_at=DUE, outcome=Outcome.UNKNOWN)
        )
    return message_id


def all_of(database: Database, *columns: Any) -> list[tuple[Any, ...]]:
    with database.read() as connection:
        return [tuple(row) for row in connection.execute(select(*columns))]


def log(database: Database) -> list[tuple[Any, ...]]:
    with database.read() as connection:
        assert audit.verify(connection) is None
    columns = audit_log.c
    return all_of(database, columns.actor, columns.action, columns.details)


@pytest.mark.usefixtures("one")
def test_a_paused_campaign_keeps_the_reason_until_it_is_resumed(database: Database) -> None:
    steer.pause(database, "short", reason="wrong price", **WHO)
    paused = all_of(database, campaigns.c.state, campaigns.c.state_reason)
    steer.resume(database, "short", **WHO)

    assert paused == [("paused", "wrong price")]
    assert all_of(database, campaigns.c.state, campaigns.c.state_reason) == [("running", None)]
    assert log(database) == [("Ada", "pause", {"reason": "wrong price"}), ("Ada", "resume", {})]


@pytest.mark.usefixtures("one")
def test_stopping_ends_every_walk(database: Database) -> None:
    assert steer.stop(database, "short", reason="sold out", **WHO) == 1

    assert all_of(database, campaigns.c.state) == [("stopped",)]
    ended = all_of(database, enrollments.c.due_at, enrollments.c.exit_reason)
    assert ended == [(None, Reason.CAMPAIGN_STOPPED)]
    assert log(database) == [("Ada", "stop", {"reason": "sold out"})]


@pytest.mark.usefixtures("one")
def test_a_campaign_that_was_stopped_is_over(database: Database) -> None:
    steer.stop(database, "short", reason="sold out", **WHO)

    with pytest.raises(steer.CampaignOverError, match="'short' is stopped"):
        steer.resume(database, "short", **WHO)


@pytest.mark.usefixtures("one")
def test_an_unknown_campaign_is_told_with_those_there_are(database: Database) -> None:
    with pytest.raises(steer.CampaignNotThereError, match="There are: short"):
        steer.pause(database, "long", reason="", **WHO)


def test_the_kill_switch_is_thrown_and_released(database: Database) -> None:
    steer.stop_all(database, reason="wrong price", **WHO)
    thrown = all_of(database, instance.c.dispatch_stopped)
    steer.resume_all(database, **WHO)

    assert (thrown, all_of(database, instance.c.dispatch_stopped)) == (
        [("wrong price",)],
        [(None,)],
    )
    assert log(database) == [
        ("Ada", "stop all", {"reason": "wrong price"}),
        ("Ada", "resume all", {}),
    ]


def settled(database: Database, message_id: int, outcome: Outcome) -> Any:
    steer.settle(database, message_id, outcome, reason="in their list", **WHO)
    assert all_of(database, attempts.c.outcome) == [(outcome,)]
    return message(database, message_id)


def test_what_the_provider_had_is_accepted_from_when_it_was_sent(
    database: Database, unresolved: int
) -> None:
    found = settled(database, unresolved, Outcome.ACCEPTED)

    assert (found.state, found.reason, found.accepted_at, found.finished_at) == (
        MessageState.ACCEPTED, None, DUE, NOW,
    )  # fmt: skip
    assert log(database) == [
        ("Ada", "settle", {"outcome": "accepted", "reason": "in their list"}),
    ]


def test_what_the_provider_never_had_was_no_contact_and_cost_nothing(
    database: Database, unresolved: int
) -> None:
    found = settled(database, unresolved, Outcome.REJECTED)

    assert (found.state, found.sending_at, found.cost) == (MessageState.REJECTED, None, 0)
    assert all_of(database, campaigns.c.spent) == [(0,)]


def test_only_an_unresolved_message_is_settled(database: Database, one: int) -> None:
    with pytest.raises(steer.MessageNotUnresolvedError, match="is planned"):
        steer.settle(database, one, Outcome.ACCEPTED, reason="", **WHO)

    assert (message(database, one).state, log(database)) == (MessageState.PLANNED, [])
