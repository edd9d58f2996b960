"""No campaign takes anybody in while the shop's history is half a file."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from launched import Campaign, Launch
from orchestrator.services.intake import Progress, import_file, merging
from orchestrator.store import campaigns
from orchestrator.store.database import Connection, Database
from orchestrator.store.intake import runs
from orchestrator.store.tables import enrollments, orders
from shops import EVENT_NOON, SHOP, add_buyers

LAUNCH = EVENT_NOON + timedelta(hours=6)
TRACKS = {"new": {"orders_before": 0}, "returning": {"orders_before": {"at_least": 1}}}
HEADER = "order_id,placed_at,customer_id,total,currency,status\n"
# The earlier orders stand at the end of the file, as exports of newest first have them.
BUYERS = [f"A{n},2026-11-11T12:00+08:00,C{n},300,CNY,paid\n" for n in range(40)]
EARLIER = [f"B{n},2025-03-01T12:00+08:00,C{n},300,CNY,paid\n" for n in range(20)]


@pytest.fixture
def campaign(database: Database, launch: Launch, monkeypatch: pytest.MonkeyPatch) -> Campaign:
    """A campaign in a shop that has orders, so that the next file goes in by chunks."""
    monkeypatch.setattr(merging, "CHUNK_ROWS", 10)
    with database.write() as connection:
        add_buyers(connection, 1, first=900)
    made = launch(LAUNCH, tracks=TRACKS)
    assert made.enroll(LAUNCH) == 1
    return made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "orders.csv"
    path.write_text(HEADER + "".join(BUYERS + EARLIER))
    return path


class KilledError(BaseException):
    """Ends an import where it stands."""


def import_killed(database: Database, file: Path) -> None:
    def kill(progress: Progress) -> None:
        if progress.step == "orders":
            raise KilledError

    with pytest.raises(KilledError):
        import_file(database, file, now=LAUNCH, shop=SHOP, progress=kill)


def tracks(database: Database) -> dict[str, int]:
    with database.read() as connection:
        found = list(connection.execute(select(enrollments.c.track)).scalars())
    return {track: found.count(track) for track in sorted(set(found))}


def test_nobody_is_enrolled_between_the_chunks_of_an_import(
    database: Database, campaign: Campaign, file: Path
) -> None:
    seen: list[int] = []

    def tick(progress: Progress) -> None:
        if progress.step == "orders" and progress.done < 1:
            seen.append(campaign.enroll(LAUNCH))

    import_file(database, file, now=LAUNCH, shop=SHOP, progress=tick)

    assert seen == [0] * 5
    assert campaign.enroll(LAUNCH) == 40
    assert tracks(database) == {"new": 21, "returning": 20}


def test_who_was_killed_is_waited_for_until_the_file_is_imported_again(
    database: Database, campaign: Campaign, file: Path
) -> None:
    import_killed(database, file)
    assert campaign.enroll(LAUNCH) == 0

    import_file(database, file, now=LAUNCH, shop=SHOP)

    assert campaign.enroll(LAUNCH) == 40
    assert tracks(database) == {"new": 21, "returning": 20}


def test_who_was_killed_is_waited_for_a_day_and_no_longer(
    database: Database, campaign: Campaign, file: Path
) -> None:
    import_killed(database, file)

    assert campaign.enroll(LAUNCH + runs.WAITED_FOR - timedelta(minutes=1)) == 0
    assert campaign.enroll(LAUNCH + runs.WAITED_FOR) == 10


def test_an_import_that_failed_before_its_first_chunk_is_not_waited_for(
    database: Database, campaign: Campaign, file: Path
) -> None:
    def kill(_: Progress) -> None:
        raise KilledError

    with pytest.raises(KilledError):
        import_file(database, file, now=LAUNCH, shop=SHOP, progress=kill)
    with database.write() as connection:
        add_buyers(connection, 1, first=901)

    assert campaign.enroll(LAUNCH) == 1


def test_an_import_that_begins_while_a_tick_is_under_way_is_waited_for_too(
    database: Database, campaign: Campaign, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.write() as connection:
        add_buyers(connection, 1, first=901)
    seen = campaigns.shop_data_seen

    def meanwhile(connection: Connection) -> str:
        import_killed(database, file)
        return seen(connection)

    monkeypatch.setattr(campaigns, "shop_data_seen", meanwhile)

    assert campaign.enroll(LAUNCH) == 0


def test_a_file_of_one_chunk_is_never_half_in(
    database: Database,
    campaign: Campaign,
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
    orders_now: Callable[[], int],
) -> None:
    monkeypatch.setattr(merging, "CHUNK_ROWS", 100)
    seen: set[int] = set()

    import_file(database, file, now=LAUNCH, shop=SHOP, progress=lambda _: seen.add(orders_now()))

    assert seen == {1}
    assert orders_now() == 61
    assert campaign.enroll(LAUNCH) == 40


@pytest.fixture
def orders_now(database: Database) -> Callable[[], int]:
    def count() -> int:
        with database.read() as connection:
            return len(connection.execute(select(orders.c.id)).all())

    return count


def test_codes_are_no_repetition_of_half_a_call_of_order_events(database: Database) -> None:
    with database.write() as connection:
        events = runs.of_the_day(connection, "order-documents", LAUNCH)
        runs.note_half(connection, events, LAUNCH)
        codes = runs.start(
            connection,
            kind="codes",
            preset="spring",
            file_name="codes.csv",
            file_hash="",
            now=LAUNCH,
        )
        runs.finish(
            connection, codes, state="done", rows_read=0, rows_rejected=0, rows_left_out=0,
            counts={}, rejects_file=None, now=LAUNCH,
        )  # fmt: skip

        assert runs.half_in(connection, LAUNCH) == [LAUNCH.date().isoformat()]
