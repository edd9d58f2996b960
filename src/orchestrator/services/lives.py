"""Who is alive: every dispatcher holds a lock on a file of its own for as long as it lives.

The kernel frees the lock when the process is really gone, however it ended; one that is merely
frozen keeps it. After a reboot everybody from before is dead. All of it holds for one host.
"""

import fcntl
import os
import secrets
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from orchestrator.store import dispatchers
from orchestrator.store.database import Database
from orchestrator.store.dispatchers import Dispatcher


@dataclass(frozen=True, slots=True)
class Machine:
    """``uptime`` is in seconds since the boot, the time asleep included; no clock change moves it.

    Both clocks are the machine's own, whatever moment a dispatch is told to act at.
    """

    host: str
    boot_id: str
    uptime: Callable[[], float]
    wall: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Life:
    """One dispatcher's proof of being alive; make it with ``begin_life``."""

    owner: str
    folder: Path
    machine: Machine

    @property
    def dispatcher(self) -> Dispatcher:
        file = self.folder / f"{self.owner}.life"
        return Dispatcher(self.owner, self.machine.host, self.machine.boot_id, str(file))


@contextmanager
def begin_life(folder: Path, machine: Machine, owner: str | None = None) -> Iterator[Life]:
    """Hold the lock while the block runs; the file goes with it when it ends in order."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    life = Life(owner or f"{os.getpid()}-{secrets.token_hex(6)}", folder, machine)
    path = Path(life.dispatcher.life_file)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield life
    finally:
        os.close(handle)


def find_dead(database: Database, life: Life, now: datetime) -> frozenset[str]:
    """Return the owners on this host that are proven dead, and remember since when."""
    with database.read() as connection:
        known = dispatchers.every(connection, life.machine.host)
    dead = {one.owner: one for one in known if one.owner != life.owner and _is_dead(one, life)}
    news = [owner for owner, one in dead.items() if one.dead_at is None]
    if news:
        with database.write() as connection:
            dispatchers.bury(connection, news, now)
    return frozenset(dead)


def rested(database: Database, life: Life, wait: timedelta) -> set[str]:
    """Return the dead whose death was noted at least ``wait`` ago, on the boot clock."""
    with database.read() as connection:
        known = dispatchers.every(connection, life.machine.host)
    return {
        one.owner
        for one in known
        if one.dead_at is not None and _seconds_dead(one, life) >= wait.total_seconds()
    }


def forget_dead(database: Database, life: Life, dead: Collection[str]) -> None:
    """Drop the dead that left nothing open."""
    if not dead:
        return
    with database.write() as connection:
        files = {
            one.owner: one.life_file for one in dispatchers.every(connection, life.machine.host)
        }
        gone = dispatchers.forget(connection, dead)
    for owner in gone & files.keys():
        Path(files[owner]).unlink(missing_ok=True)


def _is_dead(one: Dispatcher, life: Life) -> bool:
    if one.dead_at is not None or one.boot_id != life.machine.boot_id:
        return True
    try:
        handle = os.open(one.life_file, os.O_RDWR)
    except FileNotFoundError:
        # Somebody removed it; its owner may still hold the lock on what has no name any more.
        return False
    with os.fdopen(handle, "r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        file.write(f"{life.machine.uptime()}")
        return True


def _seconds_dead(one: Dispatcher, life: Life) -> float:
    now = life.machine.uptime()
    path = Path(one.life_file)
    if one.boot_id != life.machine.boot_id or not path.exists():
        return now
    return now - float(path.read_text() or now)
