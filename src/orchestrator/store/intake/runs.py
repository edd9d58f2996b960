"""One row for every import, from its start to its end; and which of them are half in."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    exists,
    func,
    insert,
    select,
    update,
)

from orchestrator.store.tables import imports

EVENTS = "order events"
#: How long campaigns wait for the rest of a file whose import was killed.
WAITED_FOR = timedelta(days=1)


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
            half_at=None,
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
            half_at=None,
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


def note_half(connection: Connection, import_id: int, now: datetime) -> None:
    """Say, in the transaction of a chunk, that more of the file is to come."""
    fresh = (imports.c.id == import_id) & imports.c.half_at.is_(None)
    connection.execute(update(imports).where(fresh).values(half_at=now))


def half_in(connection: Connection, now: datetime) -> list[str]:
    """Name the files of which only a part is in, whether their import still runs or was killed."""
    found = select(imports.c.file_name).where(_is_half(now)).order_by(imports.c.id)
    return list(connection.execute(found).scalars())


def nothing_is_half(now: datetime) -> ColumnElement[bool]:
    return ~exists().where(_is_half(now))


def was_repeated() -> ColumnElement[bool]:
    """Whether the same file went in whole by a later import."""
    again = imports.alias("again")
    return exists(
        select(again.c.id)
        .where(
            again.c.file_hash == imports.c.file_hash,
            # Neither order events nor codes are files that come again.
            again.c.file_hash != "",
            again.c.state == "done",
            again.c.id > imports.c.id,
        )
        .correlate(imports)
    )


def _is_half(now: datetime) -> ColumnElement[bool]:
    return and_(imports.c.half_at > now - WAITED_FOR, ~was_repeated())
