"""How far the memory of a fresh process grows while it enrolls and plans one wave.

    python bench/memory.py
    python bench/memory.py --database postgresql://postgres@127.0.0.1/postgres

The growth is the highest resident memory during the work over what the process held before it, all
imports done. The shop is filled by another process.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from big_shop import definition, fill, launch
from limits import a_database, header
from planning import real

from orchestrator.store import campaigns
from orchestrator.store.database import Database

LIMIT, GOAL, GROWTH = 200.0, 100.0, 1.3


def resident(name: str) -> float:
    """Return ``VmRSS`` or its highest value, ``VmHWM``, in megabytes."""
    status = Path("/proc/self/status").read_text().splitlines()
    line = next(line for line in status if line.startswith(f"{name}:"))
    return int(line.split()[1]) / 1024


def plan_once(url: str, *, coupon: bool) -> None:
    """Enroll and plan in this process; print by how many megabytes it grew."""
    database = Database(url)
    with database.read() as connection:
        (campaign,) = campaigns.every(connection)
    before = resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the highest value starts anew
    real(database, campaign, definition(coupon=coupon))()
    print(resident("VmHWM") - before)
    database.close()


def grown(server: str | None, rows: int, *, coupon: bool) -> float:
    with a_database(server) as database:
        fill(database, rows)
        launch(database, "bench")
        url = database.url.render_as_string(hide_password=False)
        asked = [sys.executable, __file__, "--inside", url, *(["--coupon"] if coupon else [])]
        done = subprocess.run(asked, check=True, capture_output=True, text=True)  # noqa: S603  # this very program
        found = float(done.stdout)
        header(database, "memory of enroll + plan", customers=f"{rows:,}")
        print(f"  {found:.0f} MB above the start", flush=True)
        return found


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--small", type=int, default=100_000, help="customers in the shop")
    parser.add_argument("--large", type=int, default=1_000_000)
    parser.add_argument("--database", help="a PostgreSQL server's URL; SQLite where left out")
    parser.add_argument("--coupon", action="store_true", help="each message brings a coupon")
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.inside:
        plan_once(given.inside, coupon=given.coupon)
        return 0
    small, large = (
        grown(given.database, rows, coupon=given.coupon) for rows in (given.small, given.large)
    )
    flat = large <= GROWTH * small or large <= GOAL
    print(f"  {large / small:.2f} × ({GROWTH} × allowed, or below {GOAL:.0f} MB); ≤ {LIMIT:.0f} MB:"
          f" {large <= LIMIT}")  # fmt: skip
    return int(not (flat and large <= LIMIT))


if __name__ == "__main__":
    sys.exit(main())
