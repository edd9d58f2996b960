"""Whether a database is the one that this host knows, as it left it; and whether its clock is."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

DRIFT = timedelta(
    minutes=2
)  #: between the wall clock and the boot clock, from one look to the next


class Suspicion(StrEnum):
    """Why a database does not dispatch until a person confirms."""

    UNREADABLE = "unreadable"  #: what this host remembered cannot be read
    FOREIGN = "foreign"  #: this host remembers another database in its place
    RESTORED = "restored"  #: it knows less than a host remembers: a backup from before
    DOUBLE = "double"  #: somebody else goes by this host's memory: a cloned machine
    MOVED = "moved"  #: it has dispatched elsewhere before: a copy
    CLOCK = "clock"  #: the wall clock was moved


#: a person who looked at one of these has looked for every host
OF_THE_DATABASE = frozenset({Suspicion.RESTORED, Suspicion.MOVED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Clocks:
    """``uptime`` is in seconds since the boot; no clock change moves it."""

    boot_id: str
    uptime: float
    wall: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What a host wrote down at its last dispatch."""

    instance: str  #: the database's own name
    place: str  #: host and folder in which it was written
    confirmed: int
    attempt: int
    event: int
    clocks: Clocks


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the database says of itself."""

    instance: str
    site: str | None  #: where it lay when it dispatched; none before the first time
    confirmed: int  #: how often a person has confirmed it
    attempt: int  #: the highest number of an attempt
    event: int  #: the highest number of an event
    boot_id: str | None  #: of this place at its last dispatch; none where it is new
    restored: bool  #: a host has found that it knows less than it did


def suspect(
    memory: Memory | None, standing: Standing, *, place: str, site: str, clocks: Clocks
) -> Suspicion | None:
    """Return what speaks against dispatching from this place, or None."""
    if memory is not None and memory.instance != standing.instance:
        return Suspicion.FOREIGN
    if standing.restored or (memory is not None and _is_older(standing, memory, place)):
        return Suspicion.RESTORED
    if standing.site not in {None, site}:
        return Suspicion.MOVED
    if memory is None or memory.place != place:
        return None
    if standing.boot_id not in {None, memory.clocks.boot_id, clocks.boot_id}:
        return Suspicion.DOUBLE
    return Suspicion.CLOCK if _has_drifted(memory.clocks, clocks) else None


def _is_older(standing: Standing, memory: Memory, place: str) -> bool:
    if standing.confirmed != memory.confirmed:
        # A person has looked at it since we did, wherever that was.
        return standing.confirmed < memory.confirmed
    if standing.boot_id is None and memory.place == place:
        return True
    return standing.attempt < memory.attempt or standing.event < memory.event


def _has_drifted(then: Clocks, now: Clocks) -> bool:
    if then.boot_id != now.boot_id:
        return False
    by_wall, by_boot = now.wall - then.wall, timedelta(seconds=now.uptime - then.uptime)
    return abs(by_wall - by_boot) > DRIFT
