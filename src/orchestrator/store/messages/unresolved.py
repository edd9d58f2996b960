"""Messages of which the provider never told whether it took them: a person says what it was."""

from datetime import datetime

from sqlalchemy import Connection, ScalarSelect, select, update

from orchestrator.domain.messages import MessageState
from orchestrator.domain.providers import Outcome
from orchestrator.store.messages import outcomes
from orchestrator.store.messages.outcomes import Answered
from orchestrator.store.tables import attempts, messages


def state_of(connection: Connection, message_id: int) -> MessageState | None:
    """Return the state, locked until the transaction ends; None where there is no such message."""
    found = select(messages.c.state).where(messages.c.id == message_id).with_for_update()
    return connection.execute(found).scalar()


def accept(connection: Connection, message_id: int, now: datetime) -> None:
    """The provider took an unresolved message, no earlier than its intent."""
    connection.execute(
        update(attempts)
        .where(attempts.c.message_id == message_id, attempts.c.token == _token(message_id))
        .values(outcome=Outcome.ACCEPTED)
    )
    connection.execute(
        update(messages)
        .where(messages.c.id == message_id, messages.c.state == MessageState.UNRESOLVED)
        .values(
            state=MessageState.ACCEPTED,
            reason=None,
            accepted_at=messages.c.sending_at,
            finished_at=now,
            lease_until=None,
            owner=None,
        )
    )


def reject(connection: Connection, message_id: int, now: datetime) -> None:
    """The provider never had it: no contact was made, and nothing is owed for it."""
    token = connection.execute(select(_token(message_id))).scalar_one()
    refused = Answered(message_id=message_id, token=token, outcome=Outcome.REJECTED)
    outcomes.record(connection, [refused], now)


def _token(message_id: int) -> ScalarSelect[int]:
    return select(messages.c.token).where(messages.c.id == message_id).scalar_subquery()
