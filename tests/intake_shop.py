"""The shop of the import's tests, and what of its files reached the database."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import polars as pl
from sqlalchemy import Table, select

from orchestrator.domain.shop import Shop
from orchestrator.services.intake import ImportReport
from orchestrator.store.database import Database

NOON = datetime(2026, 11, 12, 12, 0, tzinfo=UTC)
SHOP = Shop(
    name="Willow Lane",
    url="https://shop.example/",
    postal_address="12 Garden Road",
    unsubscribe_url="https://shop.example/u",
    currency="GBP",
    country="GB",
    timezone="Europe/London",
    locale="en",
    sms_price=4000,
    email_price=100,
)
Importing = Callable[..., ImportReport]


def stored(database: Database, table: Table, *columns: str) -> list[tuple[Any, ...]]:
    """All rows of a table, in the order of their first column."""
    picked = [table.c[name] for name in columns]
    with database.read() as connection:
        return [tuple(row) for row in connection.execute(select(*picked).order_by(picked[0]))]


def rejects(report: ImportReport) -> list[tuple[int, str, str]]:
    """Line, reason and column of each row of the rejects file."""
    if report.rejects_file is None:
        return []
    frame = pl.read_csv(report.rejects_file, infer_schema=False, truncate_ragged_lines=True)
    return [
        (int(line), reason, field)
        for line, reason, field in frame.select("line", "reason", "field").iter_rows()
    ]
