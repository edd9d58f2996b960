"""A database that looks restored or cloned sends nothing until a person confirms."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from builders import DUE, Uptime, a_life, fates
from orchestrator.domain.messages import MessageState
from orchestrator.domain.quarantine import Suspicion
from orchestrator.services.dispatch import DispatchReport
from orchestrator.services.doctor import doctor
from orchestrator.services.lives import Life
from orchestrator.services.quarantine import DatabaseQuarantinedError, assert_trusted, confirm
from orchestrator.store.database import Database
from orchestrator.store.tables import attempts, audit_log, heartbeats, instance

S = MessageState
Make = Callable[..., int]
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize(
    "database_url", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True
)


def suspicion(database: Database, life: Life, now: datetime = DUE) -> Suspicion | None:
    try:
        assert_trusted(database, life, now)
    except DatabaseQuarantinedError as error:
        return error.suspicion
    return None


def let_go(database: Database, life: Life) -> Suspicion | None:
    return confirm(database, life, actor="Zhao", now=DUE)


def write(database: Database, statement: Any) -> None:
    with database.write() as connection:
        connection.execute(statement)


@pytest.fixture
def near(tmp_path: Path) -> Iterator[Life]:
    with a_life(tmp_path / "near", "near") as life:
        yield life


@pytest.fixture
def far(tmp_path: Path) -> Iterator[Life]:
    """Another host's dispatcher, with a memory of its own."""
    with a_life(tmp_path / "far", "far", host="there", boot_id="its boot") as life:
        yield life


def test_a_fresh_start_and_the_same_host_again_are_fine(desk: Any, a_message: Make) -> None:
    a_message()

    assert desk.dispatch().accepted == 1
    assert desk.dispatch() == DispatchReport(counts={})


def test_after_a_reboot_the_same_host_goes_on(
    database: Database, near: Life, tmp_path: Path
) -> None:
    suspicion(database, near)

    with a_life(tmp_path / "near", "later", boot_id="next boot") as life:
        assert [suspicion(database, life) for _ in range(2)] == [None, None]


@on_postgresql
def test_hosts_may_share_a_server(database: Database, near: Life, far: Life) -> None:
    assert [suspicion(database, life) for life in (near, far, near, far)] == [None] * 4

    with database.read() as connection:
        assert set(connection.execute(select(heartbeats.c.host)).scalars()) == {"here", "there"}


@on_sqlite
def test_a_file_restored_from_a_backup_does_not_dispatch(
    desk: Any, a_message: Make, tmp_path: Path
) -> None:
    a_message()
    copy(desk.database, tmp_path / "backup.db")
    desk.dispatch()

    restore(desk.database, tmp_path / "backup.db")

    with pytest.raises(DatabaseQuarantinedError, match=r"restored.*orchestrator confirm"):
        desk.dispatch()
    assert fates(desk.database) == {(S.PLANNED, None): 1}


def test_what_lacks_the_last_attempts_stays_refused_until_a_person_confirms(
    desk: Any, a_message: Make
) -> None:
    a_message()
    desk.dispatch()
    write(desk.database, delete(attempts))

    refused = [suspicion(desk.database, desk.life) for _ in range(2)]
    let_go(desk.database, desk.life)

    assert refused == [Suspicion.RESTORED] * 2
    assert suspicion(desk.database, desk.life) is None


def test_what_lacks_the_place_itself_is_restored(database: Database, near: Life) -> None:
    suspicion(database, near)
    write(database, delete(heartbeats))

    assert [suspicion(database, near) for _ in range(2)] == [Suspicion.RESTORED] * 2


@on_postgresql
def test_what_one_host_finds_and_a_person_settles_counts_for_all(
    desk: Any, a_message: Make, far: Life
) -> None:
    a_message()
    desk.dispatch()
    suspicion(desk.database, far)
    write(desk.database, delete(attempts))
    suspicion(desk.database, desk.life)

    assert suspicion(desk.database, far) is Suspicion.RESTORED
    let_go(desk.database, far)

    assert [suspicion(desk.database, one) for one in (far, desk.life)] == [None, None]


@on_sqlite
def test_a_copy_in_another_home_does_not_dispatch_until_confirmed(
    database: Database, near: Life, tmp_path: Path
) -> None:
    suspicion(database, near)
    other = copy(database, tmp_path / "home" / "shop.db")

    with a_life(tmp_path / "home" / "lives") as life:
        assert suspicion(other, life) is Suspicion.MOVED
        assert let_go(other, life) is Suspicion.MOVED
        assert suspicion(other, life) is None
    other.close()


@on_sqlite
def test_a_copy_on_another_machine_does_not_dispatch(
    database: Database, near: Life, far: Life
) -> None:
    suspicion(database, near)

    assert suspicion(database, far) is Suspicion.MOVED


def test_another_database_in_the_place_of_the_one_remembered_does_not_dispatch(
    database: Database, near: Life
) -> None:
    suspicion(database, near)
    with database.read() as connection:
        name = connection.execute(select(instance.c.name)).scalar_one()
    write(database, update(instance).values(name="another"))

    assert [suspicion(database, near), let_go(database, near)] == [Suspicion.FOREIGN] * 2
    assert suspicion(database, near) is None
    write(database, update(instance).values(name=name))


def test_a_cloned_machine_does_not_dispatch_beside_the_first(
    database: Database, near: Life, tmp_path: Path
) -> None:
    suspicion(database, near)
    memory = near.folder / "memory.json"
    before = memory.read_bytes()
    with a_life(near.folder, "clone", boot_id="the clone's") as clone:
        suspicion(database, clone)

    memory.write_bytes(before)

    assert suspicion(database, near) is Suspicion.DOUBLE


def test_a_memory_that_cannot_be_read_is_no_memory_to_trust(database: Database, near: Life) -> None:
    suspicion(database, near)
    (near.folder / "memory.json").write_text('{"instance": ')

    assert [suspicion(database, near), let_go(database, near)] == [Suspicion.UNREADABLE] * 2
    assert suspicion(database, near) is None


@pytest.mark.parametrize(
    ("minutes", "found"), [(1, None), (3, Suspicion.CLOCK), (-3, Suspicion.CLOCK)]
)
def test_a_clock_that_was_moved_stops_dispatch(
    desk: Any, minutes: int, found: Suspicion | None
) -> None:
    desk.dispatch()
    desk.uptime.move(timedelta(hours=1))
    desk.uptime.set_forward = timedelta(minutes=minutes)

    assert suspicion(desk.database, desk.life) is found
    let_go(desk.database, desk.life)
    assert suspicion(desk.database, desk.life) is None


def test_across_a_reboot_clocks_are_not_compared(database: Database, tmp_path: Path) -> None:
    clocks = Uptime()
    with a_life(tmp_path / "lives", "first", clocks) as life:
        suspicion(database, life)
    clocks.seconds, clocks.set_forward = 5, timedelta(days=1)

    with a_life(tmp_path / "lives", "second", clocks, boot_id="next boot") as life:
        assert suspicion(database, life) is None


def test_a_clock_that_is_moved_while_it_sends_ends_the_dispatch(desk: Any, a_message: Make) -> None:
    a_message(count=600)
    tell = desk.provider.send

    def send(batch: Any, now: datetime) -> Any:
        desk.uptime.set_forward = timedelta(hours=1)
        return tell(batch, now)

    desk.provider.send = send
    report = desk.dispatch()

    assert "the wall clock of this host was moved" in report.quarantined
    assert fates(desk.database) == {(S.ACCEPTED, None): 500, (S.PLANNED, None): 100}


def test_confirming_is_audited_and_doctor_says_who_refuses(database: Database, near: Life) -> None:
    suspicion(database, near)
    write(database, delete(heartbeats))
    suspicion(database, near)

    found = [(one.kind, one.subject, one.example) for one in doctor(database, DUE)]
    let_go(database, near)

    assert found == [("dispatch_quarantined", "here", f"here:{near.folder}")]
    assert doctor(database, DUE) == []
    with database.read() as connection:
        entry = connection.execute(select(audit_log)).one()
    assert (entry.actor, entry.action, entry.subject) == ("Zhao", "confirm", "dispatch")
    assert entry.details == {"suspicion": "restored", "host": "here"}


def test_where_nothing_is_suspected_there_is_nothing_to_confirm(
    database: Database, near: Life
) -> None:
    assert let_go(database, near) is None

    with database.read() as connection:
        assert connection.execute(select(audit_log)).all() == []


def copy(database: Database, path: Path) -> Database:
    path.parent.mkdir(exist_ok=True)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ROLLBACK")
        connection.exec_driver_sql("VACUUM INTO ?", (str(path),))
    return Database(f"sqlite:///{path}")


def restore(database: Database, backup: Path) -> None:
    """Put the backup's file in the place of the database's."""
    database.close()
    path = Path(database.url.database or "")
    for old in path.parent.glob(f"{path.name}-*"):
        old.unlink()
    backup.replace(path)
