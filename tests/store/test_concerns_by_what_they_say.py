"""A filled database of the version before comes over with all that was said to customers."""

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from orchestrator.playbooks import ConcernEntry
from orchestrator.store import concerns
from orchestrator.store.database import Database
from orchestrator.store.schema import MIGRATIONS, upgrade

ENTRY = """\
concerns:
  - category: food
    question: "Fresh?"
    answer: "%s"
    curator: support
    dated: 2026-10-12
    evidence: 3
"""
BEFORE = "0001"
NOON = datetime(2026, 11, 12, 12, 0, tzinfo=UTC)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database without any table."""
    if request.param == "sqlite":
        database = Database(f"sqlite:///{tmp_path / 'shop.db'}")
        yield database
        database.close()
        return
    neighbour: str = request.getfixturevalue("postgresql_url")
    name = f"orchestrator_test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(neighbour, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        database = Database(neighbour.rsplit("/", 1)[0] + f"/{name}")
        yield database
        database.close()
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def add(connection: Connection, table: str, **values: Any) -> None:
    names = ", ".join(values)
    given = ", ".join(f":{name}" for name in values)
    connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({given})"), values)


def fill(connection: Connection) -> None:
    """Two launched versions of one playbook, the second of which overwrote the first's answer."""
    add(connection, "categories", name="food", kind=None, parent=None)
    add(connection, "products", id=1, external_id="p", title="milk", category="food", updated_at=1)
    for number, answer in enumerate(("Sealed.", "Eat it soon."), start=1):
        files = json.dumps(
            {"concerns/en.yaml": ENTRY % answer, "playbook.yaml": "playbook: family"}
        )
        add(
            connection, "playbook_versions",
            version=f"v{number}", playbook="family", files=files, stored_at=number,
        )  # fmt: skip
    add(
        connection, "concerns",
        id=7, category="food", audience="any", locale="en", question="Fresh?",
        answer="Eat it soon.", curator="support", dated="2026-10-12", evidence=3, source="family",
        updated_at=2,
    )  # fmt: skip
    add(
        connection, "campaigns",
        id=1, name="family", playbook_version="v1", salt="s", state="running", shop="{}",
        currency="CNY", launched_at=1,
    )  # fmt: skip
    add(connection, "customers",
        id=1, external_id="C1", person="C1", attributes="{}", updated_at=1)  # fmt: skip
    add(
        connection, "orders",
        id=1, external_id="O1", customer_id=1, placed_at=1, currency="CNY", total=1, updated_at=1,
    )  # fmt: skip
    add(
        connection, "enrollments",
        id=1, campaign_id=1, customer_id=1, person="C1", order_id=1, anchor_at=1, track="all",
        locale="en", timezone="UTC", arm="treated", enrolled_at=1,
    )  # fmt: skip
    add(connection, "sends",
        id=1, campaign_id=1, wave="care", occurrence=0, day="2026-12-13", created_at=1)  # fmt: skip
    add(
        connection, "messages",
        id=1, send_id=1, campaign_id=1, enrollment_id=1, customer_id=1, wave="care", occurrence=0,
        kind="care", arm="treated", assigned=True, state="accepted", planned_at=1, due_at=1,
        would_go_at=1, concern_id=7,
    )  # fmt: skip


def test_every_pinned_answer_is_an_entry_and_messages_keep_theirs(empty: Database) -> None:
    with empty.write() as connection:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, BEFORE)
        fill(connection)

    upgrade(empty, NOON)

    register = text("SELECT digest, answer, withdrawn_at, updated_at FROM concerns ORDER BY answer")
    told = text("SELECT answer FROM messages JOIN concerns ON concerns.id = messages.concern_id")
    sold = text("SELECT categories.name FROM products JOIN categories ON category = name")
    with empty.read() as connection:
        ids = concerns.ids_of(connection, ["family"])
        assert [tuple(row) for row in connection.execute(register)] == [
            (digest("Eat it soon."), "Eat it soon.", None, 2),
            (digest("Sealed."), "Sealed.", 2, 1),
        ]
        assert connection.execute(told).scalars().all() == ["Eat it soon."]
        assert connection.execute(sold).scalars().all() == ["food"]
    assert ids[digest("Eat it soon.")] == 7


def digest(answer: str) -> str:
    entry = ConcernEntry.model_validate(
        {"category": "food", "locale": "en", "question": "Fresh?", "answer": answer,
         "curator": "support", "dated": "2026-10-12", "evidence": 3}
    )  # fmt: skip
    return concerns.digest_of("family", entry)
