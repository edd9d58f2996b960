"""The register holds every answer that was ever in use, and tells which are so today."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import select

from orchestrator.playbooks import ConcernEntry
from orchestrator.store import concerns
from orchestrator.store.database import Database
from orchestrator.store.tables import concerns as register

NOON = datetime(2026, 11, 12, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(days=30)


def an_entry(**more: Any) -> ConcernEntry:
    return ConcernEntry.model_validate(
        {
            "category": "food",
            "locale": "en",
            "question": "Fresh?",
            "answer": "Sealed.",
            "curator": "support",
            "dated": date(2026, 10, 12),
            "evidence": 3,
            **more,
        }
    )


def load(
    database: Database, *entries: ConcernEntry, source: str = "family", now: datetime = NOON
) -> None:
    with database.write() as connection:
        concerns.load(connection, entries, source=source, now=now)


def stored(database: Database, *names: str) -> list[tuple[Any, ...]]:
    asked = select(*(register.c[name] for name in names)).order_by(register.c.id)
    with database.read() as connection:
        return [tuple(row) for row in connection.execute(asked)]


def test_the_same_file_again_changes_nothing(database: Database) -> None:
    load(database, an_entry(), an_entry(locale="zh-CN"))
    load(database, an_entry(), an_entry(locale="zh-CN"), now=LATER)

    assert stored(database, "locale", "updated_at") == [("en", NOON), ("zh-CN", NOON)]


def test_an_entry_looked_at_again_is_renewed(database: Database) -> None:
    load(database, an_entry())
    load(database, an_entry(dated=date(2027, 1, 5), evidence=9, curator="chat desk"), now=LATER)

    assert stored(database, "dated", "evidence", "curator", "updated_at") == [
        (date(2027, 1, 5), 9, "chat desk", LATER)
    ]


def test_another_answer_is_another_entry_and_the_old_one_is_withdrawn(database: Database) -> None:
    load(database, an_entry())
    load(database, an_entry(answer="Eat it soon."), now=LATER)

    assert stored(database, "answer", "withdrawn_at") == [
        ("Sealed.", LATER),
        ("Eat it soon.", None),
    ]


def test_what_is_taken_out_is_withdrawn_and_what_comes_back_is_not(database: Database) -> None:
    load(database, an_entry())
    load(database, now=LATER)
    withdrawn = stored(database, "withdrawn_at")
    load(database, an_entry(), now=LATER + timedelta(days=1))

    assert (withdrawn, stored(database, "withdrawn_at")) == ([(LATER,)], [(None,)])


def test_a_playbook_withdraws_nothing_of_another(database: Database) -> None:
    load(database, an_entry())
    load(database, an_entry(), an_entry(question="Safe?"), source="winter")
    load(database, source="winter", now=LATER)

    assert stored(database, "source", "question", "withdrawn_at") == [
        ("family", "Fresh?", None),
        ("winter", "Fresh?", LATER),
        ("winter", "Safe?", LATER),
    ]


def test_each_answer_is_found_by_its_digest(database: Database) -> None:
    one, other = an_entry(), an_entry(audience="new")
    load(database, one, other)
    load(database, one, source="winter")

    with database.read() as connection:
        found = concerns.ids_of(connection, ["family"])

    assert found == {concerns.digest_of("family", one): 1, concerns.digest_of("family", other): 2}
