"""An import that is killed leaves whole orders only, and the next run of it completes them."""

import subprocess
import sys
from pathlib import Path

from intake_shop import NOON, SHOP, stored
from orchestrator.services.intake import import_file
from orchestrator.store.database import Database
from orchestrator.store.intake import runs
from orchestrator.store.tables import imports, order_lines, orders

HEADER = "order_id,placed_at,customer_id,title,quantity,unit_price\n"
ORDERS = 400


def _kill_after_first_orders(url: str, path: Path) -> None:
    program = Path(__file__).parents[1] / "slow_import.py"
    with subprocess.Popen(  # our own program
        [sys.executable, str(program), url, str(path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip() == "orders":
                process.kill()
                break
        process.stdout.read()


def test_a_killed_import_is_completed_by_the_next_run(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    path = tmp_path / "orders.csv"
    rows = [
        f"A{order},2025-11-11,C{order % 50},{item},1,1.50\n"
        for order in range(ORDERS)
        for item in ("Tea", "Pot")
    ]
    path.write_text(HEADER + "".join(rows))
    _kill_after_first_orders(database_url, path)

    half = stored(database, orders, "id")
    assert 0 < len(half) < ORDERS
    assert len(stored(database, order_lines, "id")) == 2 * len(half)
    with database.read() as connection:
        assert runs.half_in(connection, NOON) == ["orders.csv"]

    import_file(database, path, now=NOON, shop=SHOP)

    assert len(stored(database, orders, "id")) == ORDERS
    assert len(stored(database, order_lines, "id")) == 2 * ORDERS
    assert stored(database, imports, "id", "state") == [(1, "running"), (2, "done")]
    with database.read() as connection:
        assert runs.half_in(connection, NOON) == []
