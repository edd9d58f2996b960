"""Opt-outs of a list, merged: what is known already, and what was taken back since, stays."""

from datetime import datetime

import polars as pl
from sqlalchemy import BigInteger, Connection, func, literal, select, true

from orchestrator.store import contacts
from orchestrator.store.dialects import insert_on
from orchestrator.store.intake import staging
from orchestrator.store.intake.counts import Counts
from orchestrator.store.intake.staging import begin, stage
from orchestrator.store.tables import micros, suppressions

_KEY = ("channel", "address_hash", "reason")


def merge_optouts(
    connection: Connection, frame: pl.DataFrame, source: str, now: datetime
) -> Counts:
    """
    Store opt-outs (columns of ``staging.optouts``, one row an address, channel and reason).

    The latest moment counts, and one that was taken back later stays taken back. A row without a
    moment is news only of an address that nothing is known of.
    """
    begin(connection)
    rows = staging.optouts
    stage(connection, rows, frame)
    # As whoever writes a refusal: an intent waits for it, or it for the intent.
    contacts.lock_addresses(connection, select(rows.c.address_hash))
    before = _count(connection)
    changed = _write(connection, source, now)
    inserted = _count(connection) - before
    staging.drop(connection, rows)
    return Counts(inserted, changed - inserted, frame.height - changed)


def _write(connection: Connection, source: str, now: datetime) -> int:
    rows = staging.optouts
    told = select(
        rows.c.channel,
        rows.c.address_hash,
        rows.c.reason,
        func.coalesce(rows.c.source, source),
        func.coalesce(rows.c.at, literal(micros(now), BigInteger)),
    ).where(true())  # or SQLite reads ON CONFLICT as part of a join
    new = insert_on(connection)(suppressions)
    columns = [*_KEY, "source", "at"]
    dated = contacts.keep_latest(connection, new.from_select(columns, told.where(rows.c.is_dated)))
    undated = new.from_select(columns, told.where(~rows.c.is_dated)).on_conflict_do_nothing()
    return sum(connection.execute(statement).rowcount for statement in (dated, undated))


def _count(connection: Connection) -> int:
    return int(connection.execute(select(func.count()).select_from(suppressions)).scalar_one())
