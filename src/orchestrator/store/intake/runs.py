"""One row for every import, from its start to its end."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, func, insert, select, update

from orchestrator.store.tables import imports

EVENTS = "order events"


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


def of_the_day(connection: Connection, preset: str, now: datetime) -> int:
    """Return the row of the day's order events: one for each order would outgrow the orders."""
    day = now.date().isoformat()
    known = select(func.min(imports.c.id)).filter_by(
        kind=EVENTS, preset=preset, file_name=day, state="done"
    )
    found = connection.execute(known).scalar()
    if found is not None:
        return int(found)
    row = insert(imports).values(
        kind=EVENTS, preset=preset, file_name=day, file_hash="", state="done", counts={},
        started_at=now, finished_at=now,
    )  # fmt: skip
    return int(connection.execute(row.returning(imports.c.id)).scalar_one())


def add(
    connection: Connection,
    import_id: int,
    *,
    rows_read: int,
    rows_rejected: int,
    rows_left_out: int,
    counts: Mapping[str, Mapping[str, int]],
    now: datetime,
) -> None:
    """Add to the row of the day; the row's lock keeps two that do so apart."""
    columns = imports.c
    stored = select(columns.counts).where(columns.id == import_id).with_for_update()
    before: dict[str, dict[str, int]] = connection.execute(stored).scalar_one()
    connection.execute(
        update(imports)
        .where(columns.id == import_id)
        .values(
            rows_read=columns.rows_read + rows_read,
            rows_rejected=columns.rows_rejected + rows_rejected,
            rows_left_out=columns.rows_left_out + rows_left_out,
            counts=_summed(before, counts),
            finished_at=now,
        )
    )


def _summed(
    one: Mapping[str, Mapping[str, int]], other: Mapping[str, Mapping[str, int]]
) -> dict[str, dict[str, int]]:
    return {
        table: dict(Counter(one.get(table, {})) + Counter(other.get(table, {})))
        for table in sorted({*one, *other})
    }


def fail(connection: Connection, import_id: int, now: datetime) -> None:
    connection.execute(
        update(imports).where(imports.c.id == import_id).values(state="failed", finished_at=now)
    )


def unfinished(connection: Connection) -> list[RowMapping]:
    """Imports that still run, or were killed: run the same file again, nothing is doubled."""
    open_ = select(imports).where(imports.c.state == "running").order_by(imports.c.id)
    return list(connection.execute(open_).mappings())
