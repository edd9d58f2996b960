"""A batch takes as many statements as one message, and every one of them an index."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, text

from builders import DUE, add_campaign, add_messages
from orchestrator.domain.messages import MessageState, WaveKind
from orchestrator.services.dispatch import Settings
from orchestrator.store import contacts, persons
from orchestrator.store.contacts import Contact
from orchestrator.store.database import Connection, Database
from orchestrator.store.messages import claims, doubts
from orchestrator.store.tables import messages

MANY = Settings(canary_from=10**9)
GATES = 'cap: {promo: 5 per 14 days}\nbudget: 999 CNY\nquiet_hours: {from: "21:00", to: "09:00"}\n'


@contextmanager
def recorded(database: Database) -> Iterator[list[tuple[str, Any]]]:
    statements: list[tuple[str, Any]] = []

    def note(_c: Any, _k: Any, statement: str, parameters: Any, _x: Any, _many: bool) -> None:  # noqa: FBT001  # SQLAlchemy's order
        statements.append((statement, parameters))

    event.listen(database.engine, "before_cursor_execute", note)
    yield statements
    event.remove(database.engine, "before_cursor_execute", note)


def statements_for(desk: Any, count: int) -> int:
    with desk.database.write() as connection:
        campaign = add_campaign(connection, f"of {count}", GATES)
        add_messages(connection, campaign, count, coupon={})
    with recorded(desk.database) as statements:
        assert desk.dispatch(MANY).accepted == count
    return len(statements)


def test_the_number_of_statements_does_not_grow_with_the_batch(desk: Any) -> None:
    desk.dispatch()  # makes itself known
    assert statements_for(desk, 1) == statements_for(desk, 40) == statements_for(desk, 400)


def test_an_idle_dispatch_is_a_handful_of_statements(desk: Any) -> None:
    desk.dispatch()

    with recorded(desk.database) as statements:
        desk.dispatch()

    assert len(statements) <= 15


@pytest.fixture
def history(database: Database) -> Database:
    """Many messages that are over, few that are due."""
    with database.write() as connection:
        campaign = add_campaign(connection)
        add_messages(connection, campaign, 4_000, state=MessageState.ACCEPTED, sending_at=DUE)
        add_messages(connection, campaign, 20)
        add_messages(connection, campaign, 5, due_at=DUE + timedelta(days=1))
    with database.write() as connection:
        connection.execute(text("ANALYZE"))
    return database


def act_claim(connection: Connection) -> None:
    claims.claim(connection, owner="a", now=DUE, lease_until=DUE, limit=500)


def act_claim_on(connection: Connection) -> None:
    floor = (DUE, 10)
    claims.claim(connection, owner="a", now=DUE, lease_until=DUE, limit=500, floor=floor)


def act_free(connection: Connection) -> None:
    claims.free_overdue(connection, DUE, ())


def act_doubt(connection: Connection) -> None:
    claims.doubt_overdue(connection, DUE, ())


def act_ask(connection: Connection) -> None:
    doubts.due_doubts(connection, DUE, 500)


@pytest.mark.parametrize(
    ("act", "index"),
    [
        (act_claim, "ix_messages_due"),
        (act_claim_on, "ix_messages_due"),
        (act_free, "ix_messages_open"),
        (act_doubt, "ix_messages_open"),
        (act_ask, "ix_messages_open"),
    ],
)
def test_every_look_of_a_tick_uses_its_partial_index(
    history: Database, act: Callable[[Connection], None], index: str
) -> None:
    with recorded(history) as statements, history.write() as connection:
        act(connection)
    [(statement, parameters)] = [one for one in statements if messages.name in one[0]]

    plan = "\n".join(_plan(history, statement, parameters))

    assert index in plan
    assert "Seq Scan on messages" not in plan
    assert "SCAN messages" not in plan.replace("SCAN messages USING INDEX", "")


def act_lock(connection: Connection) -> None:
    contacts.lock_people(connection, ["an address"], [7, 8])


def act_count_contacts(connection: Connection) -> None:
    asked = Contact(
        message_id=1, customer_id=7, address_hash="an address", kind=WaveKind.PROMO, since=DUE
    )
    contacts.load_contacts(connection, [asked], persons.as_table(connection, [(7, 8)]))


@pytest.mark.parametrize(
    ("act", "table", "indexes"),
    [
        (
            act_lock,
            "customers",
            {"ix_customers_person", "ix_customers_phone_hash", "ix_customers_email_hash"},
        ),
        (act_count_contacts, "messages", {"ix_messages_customer_id", "ix_messages_contacts"}),
    ],
)
def test_a_person_is_looked_up_by_index(
    history: Database, act: Callable[[Connection], None], table: str, indexes: set[str]
) -> None:
    with recorded(history) as statements, history.write() as connection:
        act(connection)
    looks = [one for one in statements if f"FROM {table}" in one[0] or f"JOIN {table}" in one[0]]

    plans = ["\n".join(_plan(history, *one)) for one in looks]

    used = {index for index in indexes if any(index in plan for plan in plans)}
    # SQLite has one writer: nobody is locked, and the other profiles are all that is looked for.
    assert used == (
        indexes if not history.is_sqlite or table == "messages" else {"ix_customers_person"}
    )
    assert not any(f"Seq Scan on {table}" in plan or "hashed SubPlan" in plan for plan in plans)


def _plan(database: Database, statement: str, parameters: Any) -> list[str]:
    explain = "EXPLAIN QUERY PLAN " if database.is_sqlite else "EXPLAIN "
    with database.write() as connection:
        rows = connection.exec_driver_sql(explain + statement, parameters).all()
        connection.rollback()
    return [str(row[-1]) for row in rows]
