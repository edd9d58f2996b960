"""One row for every import, from its start to its end."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select, update

from orchestrator.store.tables import imports


def start(
    connection: Connection,
    *,
    kind: str,
    preset: str,
    file_name: str,
    file_hash: str,
    now: datetime,
) -> int:
    row = insert(imports).values(
        kind=kind,
        preset=preset,
        file_name=file_name,
        file_hash=file_hash,
        state="running",
        counts={},
        started_at=now,
    )
    return int(connection.execute(row.returning(imports.c.id)).scalar_one())


def finish(
    connection: Connection,
    import_id: int,
    *,
    state: str,
    rows_read: int,
    rows_rejected: int,
    rows_left_out: int,
    counts: Mapping[str, Any],
    rejects_file: str | None,
    now: datetime,
) -> None:
    connection.execute(
        update(imports)
        .where(imports.c.id == import_id)
        .values(
            state=state,
            rows_read=rows_read,
            rows_rejected=rows_rejected,
            rows_left_out=rows_left_out,
            counts=dict(counts),
            rejects_file=rejects_file,
            finished_at=now,
        )
    )


def fail(connection: Connection, import_id: int, now: datetime) -> None:
    connection.execute(
        update(imports).where(imports.c.id == import_id).values(state="failed", finished_at=now)
    )


def unfinished(connection: Connection) -> list[RowMapping]:
    """Imports that still run, or were killed: run the same file again, nothing is doubled."""
    open_ = select(imports).where(imports.c.state == "running").order_by(imports.c.id)
    return list(connection.execute(open_).mappings())
