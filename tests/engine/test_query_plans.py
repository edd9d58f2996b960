"""No tick reads a whole table: what is due is found by an index, however long the history."""

import random
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text, update

from builders import a_life, add_campaign, add_messages, catch_up
from orchestrator.domain.messages import Channel, MessageState
from orchestrator.playbooks import read_playbook
from orchestrator.providers.outbox import OutboxProvider
from orchestrator.services.advance import advance
from orchestrator.services.dispatch import OpenedTexts
from orchestrator.services.launch import launch
from orchestrator.services.plan import plan
from orchestrator.store import campaigns, functions, tables
from orchestrator.store.database import Database
from orchestrator.store.tables import metadata
from shops import EVENT_NOON, SHOP, add_buyers

PLAYBOOK = Path(__file__).parents[2] / "templates" / "womenswear-double11"
LAUNCH = EVENT_NOON + timedelta(hours=12)
SEED, COPIES, CAMPAIGNS = 100, 200, 4
GROWING = ("customers", "orders", "enrollments", "messages", "evaluations", "events", "attempts")
# The seed's rows again and again: a history of 20,000 messages and what came of them.
COPY = "FROM {table} CROSS JOIN copies WHERE {table}.id <= " + str(SEED)
HISTORY = (
    f"""CREATE TEMPORARY TABLE copies AS WITH RECURSIVE numbers(n) AS
        (SELECT {SEED} UNION ALL SELECT n + {SEED} FROM numbers WHERE n < {SEED * COPIES})
        SELECT n FROM numbers""",
    f"""INSERT INTO customers (id, external_id, person, phone_hash, attributes, updated_at)
        SELECT id + n, id || '-' || n, id || '-' || n, id || '-' || n, attributes, updated_at
        {COPY.format(table="customers")}""",
    f"""INSERT INTO orders (id, external_id, customer_id, placed_at, currency, total, counts,
        updated_at) SELECT id + n, id || '-' || n, customer_id + n, placed_at, currency, total,
        counts, updated_at {COPY.format(table="orders")}""",
    f"""INSERT INTO enrollments (id, campaign_id, customer_id, person, order_id, anchor_at, track,
        locale, timezone, arm, enrolled_at, exit_reason) SELECT id + n, campaign_id,
        customer_id + n, id || '-' || n, order_id + n, anchor_at, track, locale, timezone, arm,
        enrolled_at, exit_reason {COPY.format(table="enrollments")}""",
    f"""INSERT INTO messages (id, send_id, campaign_id, enrollment_id, customer_id, wave, occurrence,
        kind, arm, assigned, channel, address_hash, state, planned_at, due_at, would_go_at)
        SELECT id + n, send_id, campaign_id, enrollment_id + n, customer_id + n, wave, occurrence,
        kind, arm, assigned, channel, id || '-' || n, state, planned_at, due_at, would_go_at
        {COPY.format(table="messages")}""",
    """INSERT INTO attempts (message_id, token, owner, provider, intended_at, outcome)
       SELECT id, 1, 'gone', 'outbox', due_at, 'accepted' FROM messages""",
    """INSERT INTO events (provider, dedupe_key, message_id, fact, at, received_at)
       SELECT 'outbox', 'd' || id, id, 'delivered', due_at, due_at FROM messages""",
    """INSERT INTO evaluations (campaign_id, send_id, kind, scope, due_at, recorded_at)
       SELECT campaign_id, send_id, 'group', 's' || id, due_at, due_at FROM messages""",
    "DROP TABLE copies",
)
# A scan of these reads what is open, not what there ever was.
PARTIAL = {
    index.name
    for table in metadata.tables.values()
    for index in table.indexes
    if index.dialect_options["sqlite"]["where"] is not None
}

Statements = list[tuple[str, Any]]
Tick = Callable[[datetime], object]


@contextmanager
def recorded(database: Database) -> Iterator[Statements]:
    statements: Statements = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        statements.append((statement, parameters))

    event.listen(database.engine, "before_cursor_execute", note)
    yield statements
    event.remove(database.engine, "before_cursor_execute", note)


@pytest.fixture
def tick(database: Database, tmp_path: Path) -> Iterator[Tick]:
    """A shop with a long history and one running campaign."""
    with database.write() as connection:
        for number in range(CAMPAIGNS):
            add_messages(
                connection,
                add_campaign(connection, f"old {number}"),
                SEED // CAMPAIGNS,
                state=MessageState.ACCEPTED,
                enrollment={"wave": None, "exit_reason": "completed"},
            )
        connection.execute(update(tables.campaigns).values(state="done"))
        for statement in HISTORY:
            connection.execute(text(statement))
        catch_up(connection, "customers", "orders", "enrollments", "messages")
    outbox, texts, dice = OutboxProvider(tmp_path / "outbox"), OpenedTexts(), random.Random(5)
    launch(
        database,
        read_playbook(PLAYBOOK),
        name="double11",
        shop=SHOP,
        now=LAUNCH,
        actor="test",
        random_bytes=dice.randbytes,
    )
    with a_life(tmp_path / "lives") as life:

        def tick(now: datetime) -> object:
            with database.write() as connection:
                connection.execute(text("ANALYZE"))
            return advance(
                database,
                dict.fromkeys(Channel, outbox),
                now=lambda: now,
                life=life,
                texts=texts,
                random_bytes=dice.randbytes,
            )

        yield tick


def plan_alone(database: Database, now: datetime) -> None:
    with database.read() as connection:
        campaign = campaigns.get(connection, CAMPAIGNS + 1)
    definition = read_playbook(PLAYBOOK).definition
    report = plan(
        database, campaign, definition, now=now, random_bytes=random.Random(now.day).randbytes
    )
    assert report.messages


def scans(database: Database, statements: Statements) -> set[str]:
    """Return the steps of the plans that read a growing table from end to end."""
    return {
        f"{step.strip()}  <-  {' '.join(statement.split())[:200]}"
        for statement, parameters in statements
        if statement.lstrip().startswith(("SELECT", "UPDATE", "INSERT", "DELETE", "WITH"))
        for step in plan_of(database, statement, parameters)
        if _is_scan(step)
    }


def plan_of(database: Database, statement: str, parameters: Any) -> list[str]:
    if isinstance(parameters, list):
        parameters = parameters[0]
    if database.is_sqlite:
        # Foreign keys are off here: their checks are in every plan, and run only where one fails.
        with closing(sqlite3.connect(str(database.url.database))) as driver:
            functions.register(driver)
            rows = driver.execute("EXPLAIN QUERY PLAN " + statement, parameters).fetchall()
            return [str(row[-1]) for row in rows]
    with database.read() as connection:
        return [
            str(row[0])
            for row in connection.exec_driver_sql("EXPLAIN (COSTS OFF) " + statement, parameters)
        ]


def _is_scan(step: str) -> bool:
    table = re.search(r"(?:^SCAN|Seq Scan on) (\w+)", step.strip())
    if table is None or table[1] not in GROWING:
        return False
    index = re.search(r"INDEX (\w+)", step)
    return index is None or index[1] not in PARTIAL


def test_an_idle_tick_finds_by_index_that_nothing_is_due(database: Database, tick: Tick) -> None:
    with database.write() as connection:
        add_buyers(connection, 40, first=30_001)
    for days in (0.5, 2, 4):
        tick(EVENT_NOON + timedelta(days=days))

    with recorded(database) as statements:
        tick(EVENT_NOON + timedelta(days=4, hours=1))

    assert scans(database, statements) == set()


def test_a_tick_that_enrolls_and_plans_finds_them_by_index(database: Database, tick: Tick) -> None:
    with database.write() as connection:
        add_buyers(connection, 40, first=30_001)

    with recorded(database) as statements:
        for days in (0.5, 2, 4, 8):
            moment = EVENT_NOON + timedelta(days=days)
            # Once a day a tick also goes through all that has changed, for the revisions.
            with database.write() as connection:
                connection.execute(update(tables.instance).values(revised_at=moment))
            tick(moment)
        for days in (33, 63):
            plan_alone(database, EVENT_NOON + timedelta(days=days))

    written = {s.split(" (")[0] for s, _ in statements if s.startswith("INSERT INTO")}
    assert {"INSERT INTO enrollments", "INSERT INTO messages", "INSERT INTO coupons"} <= written
    assert scans(database, statements) == set()


def test_whoever_is_enrolled_first_is_found_in_turn_and_not_sorted(
    database: Database, tick: Tick
) -> None:
    with database.write() as connection:
        add_buyers(connection, 40, first=30_001)

    with recorded(database) as statements:
        tick(EVENT_NOON + timedelta(days=0.5))

    (enrolling,) = [one for one in statements if one[0].startswith("INSERT INTO enrollments")]
    steps = plan_of(database, *enrolling)
    # PostgreSQL may read the audience in whatever order, and sort it then.
    sorts = [step for step in steps if "TEMP B-TREE" in step] if database.is_sqlite else []
    assert any("ix_orders_placed_customer" in step for step in steps)
    assert sorts == []
