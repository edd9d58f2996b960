"""The concern register: questions that buyers of a category really ask, answered by people."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, Integer, String, and_, insert, select, update

from orchestrator.playbooks import ConcernEntry
from orchestrator.store.bulk import rows_as_table
from orchestrator.store.tables import concerns

_KEY = ("category", "audience", "locale", "question")
_TEXTS = (*_KEY, "answer", "curator", "dated")


def load(
    connection: Connection, entries: Iterable[ConcernEntry], *, source: str, now: datetime
) -> int:
    """Add new entries and renew changed ones; return how many changed. Nothing is deleted."""
    rows = [
        (
            entry.category,
            str(entry.audience),
            entry.locale,
            entry.question,
            entry.answer,
            entry.curator,
            entry.dated.isoformat(),
            entry.evidence,
        )
        for entry in entries
    ]
    if not rows:
        return 0
    columns = {**dict.fromkeys(_TEXTS, String), "evidence": Integer}
    given = rows_as_table(connection, "given", columns, rows)
    same = and_(*(concerns.c[name] == given.c[name] for name in _KEY))
    differs = (
        (concerns.c.answer != given.c.answer)
        | (concerns.c.curator != given.c.curator)
        | (concerns.c.evidence != given.c.evidence)
    )
    changes = {"answer": given.c.answer, "curator": given.c.curator, "evidence": given.c.evidence}
    renewed = update(concerns).where(same, differs).values(**changes, updated_at=now)
    changed = connection.execute(renewed).rowcount
    known = select(concerns.c.id).where(same).exists()
    fresh = connection.execute(select(given).where(~known)).mappings().all()
    if fresh:
        stored = [
            {
                **row,
                "dated": datetime.fromisoformat(row["dated"]).date(),
                "source": source,
                "updated_at": now,
            }
            for row in fresh
        ]
        connection.execute(insert(concerns), stored)
    return changed + len(fresh)
