"""Where the import cannot go on it says so once, and leaves nothing half."""

from pathlib import Path

import psycopg
import pytest

from intake_shop import NOON, SHOP, Importing, stored
from orchestrator.services.intake import ImportFileError, Progress, import_file
from orchestrator.store.database import Database, DatabaseAwayError
from orchestrator.store.tables import customers, imports, order_lines, orders

HEADER = "order_id,placed_at,customer_id,title,quantity,unit_price\n"
ONE_BAD = HEADER + "A1,2025-11-11,C1,Tea,1,1.50\nA2,2025-11-11,C1,Pot,many,1.50\n"


@pytest.mark.parametrize("place", ["/dev/full", "a file"])
def test_rejects_that_cannot_be_written_stop_the_import_before_it_began(
    database: Database, import_text: Importing, tmp_path: Path, place: str
) -> None:
    folder = tmp_path / "rejects"
    if place == "/dev/full":
        folder.mkdir()
        (folder / "orders.rejects-1.csv").symlink_to(place)
    else:
        folder.write_text("no folder")

    with pytest.raises(ImportFileError, match=r"cannot be written .*; nothing was imported"):
        import_text(ONE_BAD, rejects_folder=folder)

    assert stored(database, customers, "id") == stored(database, orders, "id") == []
    assert stored(database, imports, "state") == [("failed",)]


def test_a_temporary_folder_that_is_gone_is_named(
    database: Database, import_text: Importing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/nonexistent")

    with pytest.raises(ImportFileError, match="TMPDIR"):
        import_text(ONE_BAD)

    assert stored(database, orders, "id") == []


def test_a_database_that_does_not_answer_is_one_error(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(ONE_BAD)
    away = Database("postgresql://shop@127.0.0.1:1/shop")

    with pytest.raises(DatabaseAwayError, match="cannot reach postgresql"):
        import_file(away, path, now=NOON, shop=SHOP)


@pytest.mark.postgresql
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_connection_that_breaks_between_two_chunks_is_made_anew(
    database: Database, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.services.intake.merging.CHUNK_ROWS", 20)
    path = tmp_path / "orders.csv"
    rows = [f"A{n},2025-11-11,C1,{item},1,1.50\n" for n in range(100) for item in ("Tea", "Pot")]
    path.write_text(HEADER + "".join(rows))
    seen: list[int] = []

    def break_once(progress: Progress) -> None:
        if progress.step == "orders" and not seen:
            seen.append(progress.rows)
            _end_other_connections(database_url)

    import_file(database, path, now=NOON, shop=SHOP, progress=break_once)

    assert seen == [20]
    assert len(stored(database, orders, "id")) == 100
    assert len(stored(database, order_lines, "id")) == 200


def _end_other_connections(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
