"""
How fast an import is, beside the bare loading of the same rows in the same run.

    python bench/import_speed.py [--customers 1000000] [--orders 3000000] [--postgresql URL]

The limit on SQLite is ``executemany`` of column-zipped tuples into tables with nothing but a
primary key (an ADBC stream, which is no dependency here, was measured at about 1.8 times that);
on PostgreSQL ``COPY`` of ready CSV bytes. CPU of this process and wall time are both shown: with
PostgreSQL the server's share is in the wall time alone.
"""

import argparse
import io
import resource
import sqlite3
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import psycopg

from orchestrator.domain.shop import Shop
from orchestrator.services.intake import import_file
from orchestrator.store.database import Database
from orchestrator.store.schema import upgrade

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SHOP = Shop(
    name="Bench", url="https://shop.example/", postal_address="1 Road",
    unsubscribe_url="https://shop.example/u", currency="GBP", country="CN",
    timezone="Europe/London", locale="en", sms_price=4000, email_price=100,
)  # fmt: skip


def make_files(folder: Path, customers: int, orders: int) -> tuple[Path, Path]:
    """Customers with a phone or an e-mail; orders one row each, in order of time."""
    rng = np.random.default_rng(7)
    number = pl.int_range(customers, eager=True)
    people = pl.DataFrame({"customer_id": number + 1}).with_columns(
        name=pl.lit("Customer ") + pl.col("customer_id").cast(pl.String),
        phone=pl.when(pl.col("customer_id") % 10 < 8).then(
            pl.lit("+86138") + pl.col("customer_id").cast(pl.String).str.zfill(8)
        ),
        email=pl.lit("customer") + pl.col("customer_id").cast(pl.String) + "@shop.example",
        sms_marketing=pl.col("customer_id") % 3 > 0,
    )
    seconds = np.sort(rng.integers(1_600_000_000, 1_750_000_000, orders))
    bought = pl.DataFrame(
        {
            "order_id": pl.int_range(orders, eager=True) + 1,
            "placed_at": pl.Series(seconds * 1_000_000).cast(pl.Datetime("us", "UTC")),
            "customer_id": rng.integers(1, customers + 1, orders),
            "total": rng.integers(100, 90_000, orders) / 100,
            "currency": "GBP",
            "status": "paid",
        }
    )
    paths = folder / "customers.parquet", folder / "orders.parquet"
    people.write_parquet(paths[0])
    bought.write_parquet(paths[1])
    return paths


def ours(url: str, paths: tuple[Path, Path]) -> int:
    database = Database(url)
    upgrade(database, NOW)
    rows = 0
    for path, preset in zip(paths, ("customers", "orders-without-lines"), strict=True):
        rows += import_file(database, path, preset=preset, now=NOW, shop=SHOP).rows_read
    database.close()
    return rows


def bare_sqlite(file: Path, paths: tuple[Path, Path]) -> int:
    rows = 0
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA journal_mode=WAL")
    for table, path in zip(("c", "o"), paths, strict=True):
        frame = _plain(path)
        listed = ", ".join(frame.columns[1:])
        connection.execute(
            f"CREATE TABLE {table} ({frame.columns[0]} INTEGER PRIMARY KEY, {listed})"
        )
        for part in frame.iter_slices(65_536):
            columns = [column.to_list() for column in part]
            connection.executemany(
                f"INSERT INTO {table} VALUES ({', '.join('?' * part.width)})",
                zip(*columns, strict=True),
            )
        rows += frame.height
    connection.commit()
    connection.close()
    return rows


def bare_postgresql(url: str, paths: tuple[Path, Path]) -> int:
    rows = 0
    with psycopg.connect(url) as connection:
        for table, path in zip(("bare_c", "bare_o"), paths, strict=True):
            frame = _plain(path)
            kinds = ["bigint primary key", *("text" if kind == pl.String else "boolean"
                     if kind == pl.Boolean else "bigint" if kind.is_integer() else "float8"
                     for kind in frame.dtypes[1:])]  # fmt: skip
            listed = ", ".join(f"{n} {k}" for n, k in zip(frame.columns, kinds, strict=True))
            connection.execute(f"DROP TABLE IF EXISTS {table}")
            connection.execute(f"CREATE TABLE {table} ({listed})")
            buffer = io.BytesIO()
            frame.write_csv(buffer, include_header=False)
            with connection.cursor().copy(f"COPY {table} FROM STDIN (FORMAT csv)") as copy:
                copy.write(buffer.getbuffer())
            rows += frame.height
    return rows


def _plain(path: Path) -> pl.DataFrame:
    frame = pl.read_parquet(path)
    return frame.with_columns(
        pl.col(name).dt.epoch("us")
        for name, kind in zip(frame.columns, frame.dtypes, strict=True)
        if isinstance(kind, pl.Datetime)
    )


def measure(name: str, run: Callable[[], int]) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    rows = run()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{name:28} {rows:>9,} rows {wall:7.1f} s wall {cpu:7.1f} s CPU "
          f"{rows / wall:>9,.0f} rows/s  peak {peak} MB")  # fmt: skip
    return rows / wall, rows / cpu


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--orders", type=int, default=3_000_000)
    parser.add_argument("--postgresql", help="URL of an empty database")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = make_files(folder, given.customers, given.orders)
        import_ = measure("import, SQLite", lambda: ours(f"sqlite:///{folder}/ours.db", paths))
        again = measure("again, SQLite", lambda: ours(f"sqlite:///{folder}/ours.db", paths))
        limit = measure("limit, SQLite executemany", lambda: bare_sqlite(folder / "bare.db", paths))
        _ratio("SQLite", import_, again, limit)
        if url := given.postgresql:
            import_ = measure("import, PostgreSQL", lambda: ours(url, paths))
            again = measure("again, PostgreSQL", lambda: ours(url, paths))
            limit = measure("limit, PostgreSQL COPY", lambda: bare_postgresql(url, paths))
            _ratio("PostgreSQL", import_, again, limit)


def _ratio(name: str, *speeds: tuple[float, float]) -> None:
    import_, again, limit = speeds
    print(f"{name}: first {import_[0] / limit[0]:.3f} of the limit by wall, "
          f"{import_[1] / limit[1]:.3f} by CPU; again {again[0] / limit[0]:.3f} by wall")  # fmt: skip


if __name__ == "__main__":
    main()
