"""How a benchmark measures: CPU and wall time, interleaved rounds, medians of per-round ratios.

CPU is this process and, on PostgreSQL, the backends of the benchmark's own database; it moves far
less than wall time when neighbours share the cores.
"""

import os
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from orchestrator.store.database import Database

_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds."""

    wall: float
    cpu: float

    def plus(self, other: "Cost") -> "Cost":
        return Cost(self.wall + other.wall, self.cpu + other.cpu)


Rounds = Mapping[str, Sequence[Cost]]


class Meter:
    """Measures work, on one database if any; watches its server from a connection apart."""

    def __init__(self, database: Database | None = None) -> None:
        self._watch: psycopg.Connection | None = None
        if database is not None and not database.is_sqlite:
            url = database.url.set(drivername="postgresql")
            self._watch = psycopg.connect(
                url.render_as_string(hide_password=False), autocommit=True
            )

    def __call__(self, work: Callable[[], object]) -> Cost:
        began, used = time.perf_counter(), self._cpu()
        work()
        return Cost(time.perf_counter() - began, self._cpu() - used)

    def close(self) -> None:
        if self._watch is not None:
            self._watch.close()

    def _cpu(self) -> float:
        return time.process_time() + (0.0 if self._watch is None else _backends_cpu(self._watch))


def interleaved(
    meter: Meter,
    works: Mapping[str, Callable[[], object]],
    *,
    rounds: int,
    before: Callable[[], object] = lambda: None,
) -> dict[str, list[Cost]]:
    """Run all works in each round, the order turned round by round; ``before`` is not measured."""
    costs: dict[str, list[Cost]] = {name: [] for name in works}
    for number in range(rounds):
        names = list(works)
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            before()
            costs[name].append(meter(works[name]))
    return costs


def ratios(costs: Rounds, of: str, to: str) -> tuple[list[float], list[float]]:
    """Return the per-round ratios by CPU and by wall time."""
    pairs = list(zip(costs[of], costs[to], strict=True))
    return [a.cpu / b.cpu for a, b in pairs], [a.wall / b.wall for a, b in pairs]


def spread(values: Sequence[float], digits: int = 2) -> str:
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:.{digits}f} [{low:.{digits}f}–{high:.{digits}f}]"


def cpu(costs: Sequence[Cost]) -> list[float]:
    return [cost.cpu for cost in costs]


def wall(costs: Sequence[Cost]) -> list[float]:
    return [cost.wall for cost in costs]


def judged(value: float, floor: float, goal: float) -> str:
    """Say how a ratio that should be small stands to its limits."""
    if value <= goal:
        return f"goal ≤ {goal:g} met"
    return f"floor ≤ {floor:g} met" if value <= floor else f"floor ≤ {floor:g} MISSED"


def header(database: Database, what: str, **facts: object) -> None:
    """Print what is measured, on what, under which load."""
    said = ", ".join(f"{name} {value}" for name, value in facts.items())
    name = database.url.get_backend_name()
    print(f"{what} on {name}: {said}; load {os.getloadavg()[0]:.1f}", flush=True)


@contextmanager
def a_database(server: str | None) -> Iterator[Database]:
    """An empty database: a SQLite file, or one made and dropped on a PostgreSQL server."""
    with _url(server) as url:
        database = Database(url)
        try:
            yield database
        finally:
            database.close()


@contextmanager
def _url(server: str | None) -> Iterator[str]:
    if server is None:
        with tempfile.TemporaryDirectory(prefix="orchestrator-bench-") as folder:
            yield f"sqlite:///{Path(folder) / 'shop.db'}"
        return
    name = f"orchestrator_bench_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        try:
            yield f"{server.rsplit('/', 1)[0]}/{name}"
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _backends_cpu(watch: psycopg.Connection) -> float:
    rows = watch.execute(
        "SELECT pid FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    ).fetchall()
    return sum(_process_cpu(pid) for (pid,) in rows)


def _process_cpu(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0  # gone, or a server on another host: only the client is counted
    return (int(fields[11]) + int(fields[12])) / _TICK
