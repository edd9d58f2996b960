"""
How fast an import is, beside the bare loading of the same rows in the same run.

    python bench/import_speed.py [--customers 1000000] [--orders 3000000] [--rounds 3]
                                 [--postgresql URL]

Every round takes all in turn, each into tables of its own. The limit on SQLite is ``executemany``
of column-zipped tuples into tables with nothing but a primary key (an ADBC stream, which is no
dependency here, was measured at about 1.9 times that); on PostgreSQL ``COPY`` of ready CSV bytes.
"without indexes" is the same import into tables without their secondary indexes: what is between
the two is what the indexes cost. CPU is that of this process and of the database's server for it
(where /proc shows it).

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
from dataclasses import dataclass
from datetime import UTC, datetime
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
from orchestrator.store.tables import customers, orders

NOW = datetime(2026, 1, 1, tzinfo=UTC)
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


def ours(url: str, paths: tuple[Path, Path], *, indexed: bool = True) -> int:
    database = Database(url)
    upgrade(database, NOW)
    if not indexed:
        with database.write() as connection:
            for table in (customers, orders):
                for index in table.indexes:
                    index.drop(connection)
    rows = again(url, paths)
    database.close()
    return rows


def again(url: str, paths: tuple[Path, Path]) -> int:
    database = Database(url)
    watch_server(database)
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


def round_on_sqlite(paths: tuple[Path, Path]) -> dict[str, Speed]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        url, plain = f"sqlite:///{folder}/ours.db", f"sqlite:///{folder}/plain.db"
        return {
            "limit": measure("limit, executemany", lambda: bare_sqlite(folder / "bare.db", paths)),
            "first": measure("import", lambda: ours(url, paths)),
            "again": measure("the same again", lambda: again(url, paths)),
            "plain": measure("import, without indexes", lambda: ours(plain, paths, indexed=False)),
        }


def round_on_postgresql(url: str, paths: tuple[Path, Path]) -> dict[str, Speed]:
    speeds = {}
    _empty(url)
    speeds["limit"] = measure("limit, COPY", lambda: bare_postgresql(url, paths))
    _empty(url)
    speeds["first"] = measure("import", lambda: ours(url, paths))
    speeds["again"] = measure("the same again", lambda: again(url, paths))
    _empty(url)
    speeds["plain"] = measure("import, without indexes", lambda: ours(url, paths, indexed=False))
    _empty(url)
    return speeds


def _empty(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")


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
        for number in range(given.rounds):
            print(f"round {number + 1}, SQLite")
            rounds["SQLite"].append(round_on_sqlite(paths))
            if given.postgresql:
                print(f"round {number + 1}, PostgreSQL")
                rounds["PostgreSQL"].append(round_on_postgresql(given.postgresql, paths))
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
    print(f"  without indexes          {ratio('plain', 'limit')}")
    share = median(1 - one["plain"].cpu / one["first"].cpu for one in speeds)
    print(f"  secondary indexes        {share:.0%} of the first import's CPU")
    if database == "SQLite":
        print("  an ADBC stream is about 1.9 times as fast as this limit (not measured here)")


if __name__ == "__main__":
    main()
