"""
How fast an import is, beside the bare loading of the same rows in the same run.

    python bench/import_speed.py [--customers 1000000] [--orders 3000000] [--rounds 3]
                                 [--postgresql URL]

Every round takes all in turn, each into tables of its own. The limit is what loads the file's own
columns into tables with nothing but a primary key: on SQLite an ADBC stream (``pip install
adbc-driver-sqlite``; without it ``executemany`` of column-zipped tuples, about half as fast), on
PostgreSQL ``COPY`` of ready CSV bytes. The floor is what the product's own tables cost: the rows
that the import had stored, once more by the plainest statement (INSERT … SELECT from the other
file; binary COPY) into the same tables with the same indexes and keys. A first import is faster
than that where it makes the indexes at the end. "A newer file" has changed every tenth row. CPU is
that of this process and of the database's server for it (where /proc shows it).

``--postgresql`` names a database of which this program may empty the schema ``public``.
"""

import argparse
import io
import os
import resource
import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import polars as pl
import psycopg
from sqlalchemy import event

from orchestrator.domain.shop import Shop
from orchestrator.services.intake import import_file
from orchestrator.store.database import Database
from orchestrator.store.schema import upgrade

adbc: Any = import_module("adbc_driver_sqlite.dbapi") if find_spec("adbc_driver_sqlite") else None

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
STORED = ("customers", "consents", "orders")
SHOP = Shop(
    name="Bench", url="https://shop.example/", postal_address="1 Road",
    unsubscribe_url="https://shop.example/u", currency="GBP", country="CN",
    timezone="Europe/London", locale="en", sms_price=4000, email_price=100,
)  # fmt: skip


def make_files(folder: Path, customer_count: int, order_count: int) -> tuple[Path, Path]:
    """Customers with a phone or an e-mail; orders one row each, in order of time."""
    rng = np.random.default_rng(7)
    number = pl.int_range(customer_count, eager=True)
    people = pl.DataFrame({"customer_id": number + 1}).with_columns(
        name=pl.lit("Customer ") + pl.col("customer_id").cast(pl.String),
        phone=pl.when(pl.col("customer_id") % 10 < 8).then(
            pl.lit("+86138") + pl.col("customer_id").cast(pl.String).str.zfill(8)
        ),
        email=pl.lit("customer") + pl.col("customer_id").cast(pl.String) + "@shop.example",
        sms_marketing=pl.col("customer_id") % 3 > 0,
    )
    seconds = np.sort(rng.integers(1_600_000_000, 1_750_000_000, order_count))
    bought = pl.DataFrame(
        {
            "order_id": pl.int_range(order_count, eager=True) + 1,
            "placed_at": pl.Series(seconds * 1_000_000).cast(pl.Datetime("us", "UTC")),
            "customer_id": rng.integers(1, customer_count + 1, order_count),
            "total": rng.integers(100, 90_000, order_count) / 100,
            "currency": "GBP",
            "status": "paid",
        }
    )
    paths = folder / "customers.parquet", folder / "orders.parquet"
    people.write_parquet(paths[0])
    bought.write_parquet(paths[1])
    return paths


def make_newer(folder: Path, paths: tuple[Path, Path]) -> tuple[Path, Path]:
    """The same files a while later: every tenth customer and order has changed."""
    tenth = pl.col("customer_id") % 10 == 0
    people = pl.read_parquet(paths[0]).with_columns(
        name=pl.when(tenth).then(pl.lit("Renamed")).otherwise("name")
    )
    bought = pl.read_parquet(paths[1]).with_columns(
        status=pl.when(pl.col("order_id") % 10 == 0).then(pl.lit("refunded")).otherwise("status")
    )
    newer = folder / "newer-customers.parquet", folder / "newer-orders.parquet"
    people.write_parquet(newer[0])
    bought.write_parquet(newer[1])
    return newer


def ours(url: str, paths: tuple[Path, Path]) -> int:
    database = Database(url)
    upgrade(database, NOW)
    database.close()
    return again(url, paths)


def again(url: str, paths: tuple[Path, Path], *, now: datetime = NOW) -> int:
    database = Database(url)
    watch_server(database)
    rows = 0
    for path, preset in zip(paths, ("customers", "orders-without-lines"), strict=True):
        rows += import_file(database, path, preset=preset, now=now, shop=SHOP).rows_read
    database.close()
    return rows


def bare_sqlite(file: Path, paths: tuple[Path, Path]) -> int:
    """ADBC where it is installed, else ``executemany`` of column-zipped tuples."""
    frames = dict(zip(("c", "o"), map(_plain, paths), strict=True))
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        for table, frame in frames.items():
            listed = ", ".join(frame.columns[1:])
            connection.execute(
                f"CREATE TABLE {table} ({frame.columns[0]} INTEGER PRIMARY KEY, {listed})"
            )
    # ADBC brings an SQLite of its own: two of them must never have one file open at a time.
    (_stream if adbc else _executemany)(file, frames)
    return sum(frame.height for frame in frames.values())


def _stream(file: Path, frames: dict[str, pl.DataFrame]) -> None:
    with closing(adbc.connect(f"file:{file}")) as connection, connection.cursor() as cursor:
        for table, frame in frames.items():
            cursor.adbc_ingest(table, frame, mode="append")
        connection.commit()


def _executemany(file: Path, frames: dict[str, pl.DataFrame]) -> None:
    with closing(sqlite3.connect(file)) as connection:
        for table, frame in frames.items():
            marks = ", ".join("?" * frame.width)
            for part in frame.iter_slices(65_536):
                columns = [column.to_list() for column in part]
                connection.executemany(
                    f"INSERT INTO {table} VALUES ({marks})", zip(*columns, strict=True)
                )
        connection.commit()


def floor_on_sqlite(full: Path, folder: Path) -> Callable[[], int]:
    """The stored rows once more, straight into our own tables with all their indexes and keys."""
    empty = Database(f"sqlite:///{folder}/floor.db")
    upgrade(empty, NOW)

    def copy() -> int:
        with empty.engine.connect() as connection:
            driver: Any = connection.connection.dbapi_connection
            driver.execute("ATTACH ? AS full", (str(full),))
            with connection.begin():
                return sum(
                    driver.execute(
                        f"INSERT INTO main.{table} SELECT * FROM full.{table} ORDER BY rowid"
                    ).rowcount
                    for table in STORED
                )

    return copy


def floor_on_postgresql(url: str, folder: Path) -> Callable[[], int]:
    """The same by COPY; what is read here is not measured."""
    with psycopg.connect(url) as connection:
        for table in STORED:
            with (
                (folder / table).open("wb") as file,
                connection.cursor().copy(f"COPY {table} TO STDOUT (FORMAT binary)") as copy,
            ):
                for part in copy:
                    file.write(part)
    _empty(url)
    fresh = Database(url)
    upgrade(fresh, NOW)
    fresh.close()

    def load() -> int:
        rows = 0
        with psycopg.connect(url) as connection:
            SERVERS.add(connection.info.backend_pid)
            for table in STORED:
                cursor = connection.cursor()
                with (
                    (folder / table).open("rb") as file,
                    cursor.copy(f"COPY {table} FROM STDIN (FORMAT binary)") as copy,
                ):
                    while part := file.read(1 << 20):
                        copy.write(part)
                rows += cursor.rowcount
            connection.commit()
            _note_servers()
        return rows

    return load


def bare_postgresql(url: str, paths: tuple[Path, Path]) -> int:
    rows = 0
    with psycopg.connect(url) as connection:
        SERVERS.add(connection.info.backend_pid)
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
            connection.commit()
        _note_servers()
    return rows


def _plain(path: Path) -> pl.DataFrame:
    frame = pl.read_parquet(path)
    return frame.with_columns(
        pl.col(name).dt.epoch("us")
        for name, kind in zip(frame.columns, frame.dtypes, strict=True)
        if isinstance(kind, pl.Datetime)
    )


SERVERS: set[int] = set()  # processes that serve this one
_SERVED: dict[int, float] = {}


def watch_server(database: Database) -> None:
    if database.is_sqlite:
        return

    def checked_out(connection: Any, _record: object, _proxy: object) -> None:
        SERVERS.add(connection.info.backend_pid)

    event.listen(database.engine, "checkout", checked_out)
    event.listen(database.engine, "checkin", lambda *_: _note_servers())


def _note_servers() -> None:
    for process in SERVERS:
        try:
            stat = Path(f"/proc/{process}/stat").read_text()
        except OSError:
            continue
        user, system = stat.rsplit(")", 1)[1].split()[11:13]
        _SERVED[process] = (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Speed:
    wall: float  #: µs a row
    cpu: float  #: µs a row, of both sides


def measure(name: str, run: Callable[[], int]) -> Speed:
    SERVERS.clear()
    _SERVED.clear()
    wall, cpu = time.perf_counter(), time.process_time()
    rows = run()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    served = sum(_SERVED.values())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"  {name:26} {rows:>9,} rows {wall:7.1f} s wall {cpu:6.1f} + {served:6.1f} s CPU "
          f"{rows / wall:>9,.0f} rows/s  peak {peak} MB  load {os.getloadavg()[0]:.1f}",
          flush=True)  # fmt: skip
    return Speed(wall / rows * 1e6, (cpu + served) / rows * 1e6)


def round_on_sqlite(paths: tuple[Path, Path], newer: tuple[Path, Path]) -> dict[str, Speed]:
    speeds = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        url = f"sqlite:///{folder}/ours.db"
        limit = "ADBC stream" if adbc else "executemany"
        speeds["limit"] = measure(f"limit, {limit}", lambda: bare_sqlite(folder / "bare.db", paths))
        speeds["first"] = measure("first import", lambda: ours(url, paths))
        speeds["floor"] = measure(
            "floor, our own tables", floor_on_sqlite(folder / "ours.db", folder)
        )
        speeds["again"] = measure("the same again", lambda: again(url, paths))
        speeds["newer"] = measure("a newer file", lambda: again(url, newer, now=LATER))
    return speeds


def round_on_postgresql(
    url: str, paths: tuple[Path, Path], newer: tuple[Path, Path]
) -> dict[str, Speed]:
    speeds = {}
    with tempfile.TemporaryDirectory() as folder:
        _empty(url)
        speeds["limit"] = measure("limit, COPY", lambda: bare_postgresql(url, paths))
        _empty(url)
        speeds["first"] = measure("first import", lambda: ours(url, paths))
        speeds["again"] = measure("the same again", lambda: again(url, paths))
        speeds["newer"] = measure("a newer file", lambda: again(url, newer, now=LATER))
        speeds["floor"] = measure("floor, our own tables", floor_on_postgresql(url, Path(folder)))
        _empty(url)
    return speeds


def _empty(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
        # Only the work of the one process that serves this one is counted.
        for helpers in ("max_parallel_maintenance_workers", "max_parallel_workers_per_gather"):
            connection.execute(f'ALTER DATABASE "{connection.info.dbname}" SET {helpers} = 0')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--orders", type=int, default=3_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--postgresql", help="URL of a database whose schema public is emptied")
    given = parser.parse_args()
    rounds: dict[str, list[dict[str, Speed]]] = {"SQLite": [], "PostgreSQL": []}
    with tempfile.TemporaryDirectory() as name:
        paths = make_files(Path(name), given.customers, given.orders)
        newer = make_newer(Path(name), paths)
        for number in range(given.rounds):
            print(f"round {number + 1}, SQLite")
            rounds["SQLite"].append(round_on_sqlite(paths, newer))
            if given.postgresql:
                print(f"round {number + 1}, PostgreSQL")
                rounds["PostgreSQL"].append(round_on_postgresql(given.postgresql, paths, newer))
    for database, speeds in rounds.items():
        if speeds:
            _summary(database, speeds)


def _summary(database: str, speeds: list[dict[str, Speed]]) -> None:
    def ratio(name: str, to: str) -> str:
        wall = sorted(one[to].wall / one[name].wall for one in speeds)
        cpu = sorted(one[to].cpu / one[name].cpu for one in speeds)
        return (f"{median(wall):.3f} [{wall[0]:.3f}-{wall[-1]:.3f}] by wall, "
                f"{median(cpu):.3f} [{cpu[0]:.3f}-{cpu[-1]:.3f}] by CPU")  # fmt: skip

    print(f"{database}, median of {len(speeds)} rounds [range], as a share of the limit's speed")
    print(f"  first import             {ratio('first', 'limit')}")
    print(f"  the same again           {ratio('again', 'limit')}")
    print(f"  a newer file             {ratio('newer', 'limit')}")
    print(f"  floor, our own tables    {ratio('floor', 'limit')}")
    print("and the first import as a share of the floor's speed")
    print(f"                           {ratio('first', 'floor')}")


if __name__ == "__main__":
    main()
