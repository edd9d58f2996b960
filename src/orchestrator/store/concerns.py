"""The concern register: questions that buyers of a category really ask, answered by people."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, or_, select, update

from orchestrator.playbooks import ConcernEntry
from orchestrator.store.dialects import insert_on
from orchestrator.store.tables import concerns

_SAID = ("category", "audience", "locale", "question", "answer")
_ABOUT = ("curator", "dated", "evidence")


def digest_of(source: str, entry: ConcernEntry) -> str:
    """Name an answer of a playbook by what it says: another answer is another entry."""
    said = [source, *(getattr(entry, name) for name in _SAID)]
    return hashlib.sha256("\n".join(said).encode()).hexdigest()


def load(
    connection: Connection, entries: Iterable[ConcernEntry], *, source: str, now: datetime
) -> None:
    """
    Let the register say of a playbook what its files say today.

    New entries are added and known ones renewed. What is not there any more is withdrawn, and
    stays: campaigns launched with it still give it, and messages point to it.
    """
    rows = [_row(source, entry, now) for entry in entries]
    if rows:
        _store(connection, rows)
    gone = concerns.c.digest.not_in([row["digest"] for row in rows])
    connection.execute(
        update(concerns)
        .where(concerns.c.source == source, concerns.c.withdrawn_at.is_(None), gone)
        .values(withdrawn_at=now, updated_at=now)
    )


def ids_of(connection: Connection, sources: Sequence[str]) -> dict[str, int]:
    """Return the id of every answer of these playbooks, withdrawn or not, by its digest."""
    asked = select(concerns.c.digest, concerns.c.id).where(concerns.c.source.in_(sources))
    return {row.digest: row.id for row in connection.execute(asked)}


def _store(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    added = insert_on(connection)(concerns)
    differs = [concerns.c[name] != added.excluded[name] for name in _ABOUT]
    renewed = {name: added.excluded[name] for name in (*_ABOUT, "updated_at")}
    stored = added.on_conflict_do_update(
        index_elements=["digest"],
        set_={**renewed, "withdrawn_at": None},
        where=or_(*differs, concerns.c.withdrawn_at.is_not(None)),
    )
    connection.execute(stored, rows)


def _row(source: str, entry: ConcernEntry, now: datetime) -> dict[str, Any]:
    told = {name: getattr(entry, name) for name in (*_SAID, *_ABOUT)}
    return {**told, "digest": digest_of(source, entry), "source": source, "updated_at": now}
