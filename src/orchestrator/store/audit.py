"""The audit log: who did what, when; each row carries the hash of the one before."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, text

from orchestrator.store.tables import audit_log, micros

_FIRST = "0" * 64
_LOCK = 6_180_339  # any number, the same in every process


def write(
    connection: Connection,
    *,
    at: datetime,
    actor: str,
    action: str,
    subject: str,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Append one entry; ``details`` hold ids, counts and hashes, never personal data."""
    if connection.dialect.name == "postgresql":
        # One writer at a time, or two rows would follow the same one.
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    last = select(audit_log.c.hash).order_by(audit_log.c.id.desc()).limit(1)
    previous = connection.execute(last).scalar() or _FIRST
    entry = {"at": micros(at), "actor": actor, "action": action, "subject": subject}
    kept = dict(details or {})
    connection.execute(
        insert(audit_log).values(
            at=at,
            actor=actor,
            action=action,
            subject=subject,
            details=kept,
            previous_hash=previous,
            hash=_hash(previous, {**entry, "details": kept}),
        )
    )


def verify(connection: Connection) -> int | None:
    """Return the id of the first entry that does not follow from the one before, or None."""
    previous = _FIRST
    for row in connection.execute(select(audit_log).order_by(audit_log.c.id)):
        entry = {
            "at": micros(row.at),
            "actor": row.actor,
            "action": row.action,
            "subject": row.subject,
            "details": row.details,
        }
        if row.previous_hash != previous or row.hash != _hash(previous, entry):
            return int(row.id)
        previous = row.hash
    return None


def _hash(previous: str, entry: Mapping[str, Any]) -> str:
    plain = json.dumps(entry, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(f"{previous}{plain}".encode()).hexdigest()
