"""What one message costs in shops of 10,000, 100,000 and 1,000,000 customers.

    python bench/growth.py
    python bench/growth.py --dispatch --sizes 10000 100000
    python bench/growth.py --database postgresql://postgres@127.0.0.1/postgres

Planning is enroll and plan of one promo wave with coupons, by message planned; dispatching hands
all of them to the outbox, a file.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from big_shop import DUE, fill, launch, playbook
from limits import Cost, Meter, a_database, header, judged
from planning import real
from sqlalchemy import func, select

from orchestrator.domain.messages import Channel
from orchestrator.providers.outbox import OutboxProvider
from orchestrator.services.dispatch import OpenedTexts, Settings, dispatch
from orchestrator.services.lives import begin_life
from orchestrator.store.campaigns import StoredCampaign
from orchestrator.store.database import Database
from orchestrator.store.tables import messages
from orchestrator.wiring import this_machine

FLOOR, GOAL = 1.3, 1.15
SETTINGS = Settings(canary_from=10**9)  # all of them at once

Costs = dict[str, float]  #: microseconds of CPU a message


def planned(database: Database, campaign: StoredCampaign, meter: Meter) -> tuple[Cost, int]:
    spent = meter(real(database, campaign, playbook().definition))
    with database.read() as connection:
        count = connection.execute(select(func.count()).select_from(messages)).scalar_one()
    return spent, int(count)


def dispatched(database: Database, folder: Path, meter: Meter) -> tuple[Cost, int]:
    providers = dict.fromkeys(Channel, OutboxProvider(folder / "outbox"))
    sent: list[int] = []
    with begin_life(folder / "lives", this_machine()) as life:

        def work() -> None:
            report = dispatch(
                database,
                providers,
                now=lambda: DUE,
                life=life,
                texts=OpenedTexts(),
                settings=SETTINGS,
            )
            sent.append(report.accepted)

        return meter(work), sent[0]


def measured(server: str | None, customers: int, *, sending: bool) -> Costs:
    with a_database(server) as database, tempfile.TemporaryDirectory() as folder:
        fill(database, customers)
        campaign = launch(database, "bench", playbook())
        meter = Meter(database)
        header(database, "a shop", customers=f"{customers:,}")
        found: Costs = {}
        steps: dict[str, Callable[[], tuple[Cost, int]]] = {
            "planning": lambda: planned(database, campaign, meter)
        }
        if sending:
            steps["dispatching"] = lambda: dispatched(database, Path(folder), meter)
        for name, step in steps.items():
            spent, count = step()
            found[name] = spent.cpu / count * 1e6
            print(
                f"  {name}: {count:,} messages, {found[name]:.1f} µs CPU each,"
                f" {spent.wall:.1f} s wall",
                flush=True,
            )
        meter.close()
        return found


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--database", help="a PostgreSQL server's URL; SQLite where left out")
    parser.add_argument("--dispatch", action="store_true", help="send them, too")
    given = parser.parse_args()
    found = [measured(given.database, size, sending=given.dispatch) for size in given.sizes]
    good = True
    for name, last in found[-1].items():
        before = found[-2][name] if len(found) > 1 else last
        growth = last / before
        good &= growth <= FLOOR
        print(f"{name}: {growth:.2f} × the size before; {judged(growth, FLOOR, GOAL)}")
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
