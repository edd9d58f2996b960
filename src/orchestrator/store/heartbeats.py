"""Which hosts dispatch from this database, and what it says of itself."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, exists, func, select, text, update

from orchestrator.domain.quarantine import OF_THE_DATABASE, Standing, Suspicion
from orchestrator.store.dialects import insert_on
from orchestrator.store.tables import attempts, events, heartbeats, instance


@dataclass(frozen=True, slots=True)
class Heart:
    """One memory of one host; all its dispatchers share it."""

    place: str
    host: str
    boot_id: str


def site_of(connection: Connection, host: str) -> str:
    """
    Return where the database lies: host and file, or server and the database's number on it.

    A physical copy of a whole PostgreSQL server has the same name; only memories tell it apart.
    """
    if connection.dialect.name == "sqlite":
        return f"{host}:{Path(connection.engine.url.database or '').resolve()}"
    number = "SELECT oid FROM pg_database WHERE datname = current_database()"
    row = connection.execute(
        text(f"SELECT system_identifier, ({number}) FROM pg_control_system()")
    ).one()
    return f"postgresql:{row[0]}:{row[1]}"


def standing(connection: Connection, place: str) -> Standing:
    """Return what the database says of itself, and of the place that asks."""
    row = connection.execute(
        select(
            instance.c.name,
            instance.c.site,
            instance.c.confirmed,
            select(func.coalesce(func.max(attempts.c.id), 0)).scalar_subquery(),
            select(func.coalesce(func.max(events.c.id), 0)).scalar_subquery(),
            select(heartbeats.c.boot_id).where(heartbeats.c.place == place).scalar_subquery(),
            exists().where(heartbeats.c.suspicion == Suspicion.RESTORED),
        )
    ).one()
    name, site, confirmed, attempt, event, boot_id, restored = row
    return Standing(
        instance=name,
        site=site,
        confirmed=confirmed,
        attempt=attempt,
        event=event,
        boot_id=boot_id,
        restored=bool(restored),
    )


def settle(connection: Connection, site: str) -> None:
    """From its first dispatch on it belongs where it lies."""
    connection.execute(update(instance).where(instance.c.site.is_(None)).values(site=site))


def beat(connection: Connection, heart: Heart, now: datetime) -> None:
    """Write down that this place dispatches from here."""
    _write(connection, heart, None, now)


def doubt(connection: Connection, heart: Heart, suspicion: Suspicion, now: datetime) -> None:
    """Write down that this place refuses, for everybody to see."""
    _write(connection, heart, suspicion, now)


def confirm(connection: Connection, *, site: str) -> None:
    """A person has looked at the database, for every host: what it lacks, and that it lies here."""
    looked = {"site": site, "confirmed": instance.c.confirmed + 1}
    connection.execute(update(instance).values(looked))
    of_it = heartbeats.c.suspicion.in_(sorted(OF_THE_DATABASE))
    connection.execute(update(heartbeats).where(of_it).values(suspicion=None))


def _write(
    connection: Connection, heart: Heart, suspicion: Suspicion | None, now: datetime
) -> None:
    values = {"host": heart.host, "boot_id": heart.boot_id, "suspicion": suspicion, "at": now}
    row = insert_on(connection)(heartbeats).values(place=heart.place, **values)
    connection.execute(row.on_conflict_do_update(index_elements=["place"], set_=values))
