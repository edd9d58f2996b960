"""A database that looks restored or cloned, or a clock that was moved, does not dispatch.

Each place that dispatches (a host and its life folder) keeps a memory there: the database's name,
its highest attempt and event, how often a person has confirmed it, and the boot and wall clocks.
Each look compares it with the database, and with the place's own row there. Refused is

- another database than the one remembered, or a memory that cannot be read;
- a database that has fewer attempts, events or confirmations than remembered, or has lost the row
  of this place: restored from a backup. What one host finds stops every host;
- a database that lies elsewhere (host and file; PostgreSQL server) than when it first dispatched:
  a copy. Whoever comes new to a database that lies where it lay is let in;
- a place whose row was written on a boot that its memory does not know: a cloned machine;
- a wall clock that has drifted from the boot clock by more than two minutes since the last look.

A person confirms on the place that refuses; what they saw of the database counts for every host.
A dispatch looks when it begins and after each batch: what a backup taken within a batch lacks of
that batch is not seen. Planning and reconciling go on meanwhile.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from orchestrator.domain.quarantine import (
    OF_THE_DATABASE,
    Clocks,
    Memory,
    Standing,
    Suspicion,
    suspect,
)
from orchestrator.services.lives import Life
from orchestrator.store import audit, heartbeats
from orchestrator.store.database import Connection, Database
from orchestrator.store.heartbeats import Heart

_WHAT = {
    Suspicion.UNREADABLE: "what this host remembered of it cannot be read",
    Suspicion.FOREIGN: "this host remembers another database in its place",
    Suspicion.RESTORED: "it knows less than a host remembers: it looks restored from a backup, "
    "and what was sent since may be sent again",
    Suspicion.DOUBLE: "another machine dispatches under this one's name: give each its own host "
    "name and ORCHESTRATOR_HOME",
    Suspicion.MOVED: "it has dispatched from another place: it looks like a copy, and the "
    "original may still send",
    Suspicion.CLOCK: "the wall clock of this host was moved by more than two minutes",
}


class DatabaseQuarantinedError(Exception):
    """Nothing may be sent until a person confirms that this is the database to send from."""

    def __init__(self, suspicion: Suspicion) -> None:
        super().__init__(
            f"the database is in quarantine and sends nothing: {_WHAT[suspicion]}. "
            "When that is settled, run on this host: orchestrator confirm"
        )
        self.suspicion = suspicion


@dataclass(frozen=True, slots=True)
class _Look:
    heart: Heart
    clocks: Clocks
    standing: Standing
    site: str
    suspicion: Suspicion | None


def assert_trusted(database: Database, life: Life, now: datetime) -> None:
    """Raise DatabaseQuarantinedError where something speaks against it; else remember it as it is."""
    with _memory_lock(life.folder):
        with database.write() as connection:
            look = _look(connection, life)
            if look.suspicion is None:
                if look.standing.site is None:
                    heartbeats.settle(connection, look.site)
                heartbeats.beat(connection, look.heart, now)
            else:
                heartbeats.doubt(connection, look.heart, look.suspicion, now)
        if look.suspicion is None:
            _remember(life.folder, look, look.standing.confirmed)
    if look.suspicion is not None:
        raise DatabaseQuarantinedError(look.suspicion)


def confirm(database: Database, life: Life, *, actor: str, now: datetime) -> Suspicion | None:
    """Let the database dispatch from this place; return what spoke against it, or None."""
    with _memory_lock(life.folder):
        with database.write() as connection:
            look = _look(connection, life)
            if look.suspicion is None:
                return None
            confirmed = look.standing.confirmed
            if look.suspicion in OF_THE_DATABASE or look.standing.site not in {None, look.site}:
                heartbeats.confirm(connection, site=look.site)
                confirmed += 1
            heartbeats.beat(connection, look.heart, now)
            audit.write(
                connection,
                at=now,
                actor=actor,
                action="confirm",
                subject="dispatch",
                details={"suspicion": look.suspicion, "host": look.heart.host},
            )
        _remember(life.folder, look, confirmed)
    return look.suspicion


def _look(connection: Connection, life: Life) -> _Look:
    machine = life.machine
    heart = Heart(f"{machine.host}:{life.folder.resolve()}", machine.host, machine.boot_id)
    clocks = Clocks(boot_id=machine.boot_id, uptime=machine.uptime(), wall=machine.wall())
    site = heartbeats.site_of(connection, machine.host)
    standing = heartbeats.standing(connection, heart.place)
    try:
        memory = _recall(life.folder)
    except (ValueError, TypeError, KeyError):
        return _Look(heart, clocks, standing, site, Suspicion.UNREADABLE)
    found = suspect(memory, standing, place=heart.place, site=site, clocks=clocks)
    return _Look(heart, clocks, standing, site, found)


def _file(folder: Path) -> Path:
    return folder / "memory.json"


@contextmanager
def _memory_lock(folder: Path) -> Iterator[None]:
    """Dispatchers of one place share its memory."""
    handle = os.open(folder / "memory.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _recall(folder: Path) -> Memory | None:
    file = _file(folder)
    if not file.exists():
        return None
    told = json.loads(file.read_text(encoding="utf-8"))
    clocks = told.pop("clocks")
    wall = datetime.fromisoformat(clocks.pop("wall"))
    return Memory(**told, clocks=Clocks(**clocks, wall=wall))


def _remember(folder: Path, look: _Look, confirmed: int) -> None:
    memory = Memory(
        instance=look.standing.instance,
        place=look.heart.place,
        confirmed=confirmed,
        attempt=look.standing.attempt,
        event=look.standing.event,
        clocks=look.clocks,
    )
    fresh = _file(folder).with_suffix(".new")
    with fresh.open("w", encoding="utf-8") as file:
        json.dump(asdict(memory), file, default=datetime.isoformat)
        file.flush()
        # A power cut must leave the old memory or the new one.
        os.fsync(file.fileno())
    fresh.replace(_file(folder))
