"""An empty tick with 10,000 and with 1,000,000 messages of history: nothing is due.

    python bench/idle_tick.py
    python bench/idle_tick.py --database postgresql://postgres@127.0.0.1/postgres

``claim`` is the one statement that asks for what is due; ``advance`` is every step of a tick with
the women's-wear playbook running: coupons, enroll, plan, dispatch, track, reconcile, evaluate. Both
histories stand side by side and are measured in turn.
"""

import argparse
import random
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from big_shop import EVENT, LAUNCH, SHOP, fill, remember
from limits import Meter, a_database, header, judged, spread

from orchestrator.domain.messages import Channel
from orchestrator.playbooks import read_playbook
from orchestrator.providers.outbox import OutboxProvider
from orchestrator.services.advance import advance
from orchestrator.services.dispatch import OpenedTexts
from orchestrator.services.launch import launch
from orchestrator.services.lives import begin_life
from orchestrator.store.database import Database
from orchestrator.store.messages import claims
from orchestrator.wiring import this_machine

PLAYBOOK = Path(__file__).parents[1] / "templates" / "womenswear-double11"
NOW = EVENT + timedelta(days=400)
SHARE = 6  #: messages a customer of the shop: six in ten with ten messages each
CLAIM_LIMIT = 5.0  #: milliseconds
WARM_UP = 3
FLOOR, GOAL = 2.0, 1.5

Work = Callable[[], object]


def claim(database: Database) -> Work:
    def work() -> None:
        with database.write() as connection:
            claims.claim(
                connection,
                owner="bench",
                now=NOW,
                lease_until=NOW + timedelta(minutes=10),
                limit=500,
                floor=None,
                channels=frozenset(Channel),
            )

    return work


@contextmanager
def tick(database: Database, folder: Path) -> Iterator[Work]:
    outbox = OutboxProvider(folder / "outbox")
    texts, dice = OpenedTexts(), random.Random(7)  # noqa: S311  # seeded

    def now() -> datetime:
        return NOW

    with begin_life(folder / "lives", this_machine()) as life:

        def work() -> None:
            advance(
                database,
                dict.fromkeys(Channel, outbox),
                now=now,
                life=life,
                texts=texts,
                random_bytes=dice.randbytes,
            )

        yield work


def prepared(database: Database, history: int) -> int:
    """Launch a campaign whose audience is over, and give it a history."""
    fill(database, history // SHARE)
    campaign = launch(
        database,
        read_playbook(PLAYBOOK),
        name="bench",
        shop=SHOP,
        now=LAUNCH,
        actor="bench",
        random_bytes=random.Random(7).randbytes,  # noqa: S311  # seeded
    )
    return remember(database, campaign)


def measure(server: str | None, histories: list[int], rounds: int) -> bool:
    with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        databases = {size: stack.enter_context(a_database(server)) for size in histories}
        sent = {size: prepared(database, size) for size, database in databases.items()}
        ticks = {
            size: stack.enter_context(tick(database, Path(folder) / str(size)))
            for size, database in databases.items()
        }
        works = {
            "claim": {size: claim(database) for size, database in databases.items()},
            "advance": ticks,
        }
        header(databases[histories[0]], "an empty tick", rounds=rounds)
        for size, count in sent.items():
            print(f"  history of {size:,}: {count:,} messages")
        meters = {size: Meter(database) for size, database in databases.items()}
        meters = {size: Meter(database) for size, database in databases.items()}
        good = [report(name, run(meters, by_size, rounds)) for name, by_size in works.items()]
        for meter in meters.values():
            meter.close()
    return all(good)


def run(meters: dict[int, Meter], works: dict[int, Work], rounds: int) -> dict[int, list[float]]:
    """Return milliseconds of wall time; the histories take turns, and begin warm."""
    found: dict[int, list[float]] = {size: [] for size in works}
    for number in range(rounds + WARM_UP):
        for size, work in works.items():
            spent = meters[size](work)
            if number >= WARM_UP:
                found[size].append(spent.wall * 1e3)
    return found


def report(name: str, found: dict[int, list[float]]) -> bool:
    for size, walls in found.items():
        print(f"  {name}, {size:,}: {spread(walls)} ms wall")
    small, large = (statistics.median(walls) for _, walls in sorted(found.items()))
    print(f"  {name}: {large / small:.2f} × wall; {judged(large / small, FLOOR, GOAL)}")
    if name == "claim":
        print(f"  claim: {large:.2f} ms; {judged(large, CLAIM_LIMIT, CLAIM_LIMIT)}")
    return large / small <= FLOOR and (name != "claim" or large <= CLAIM_LIMIT)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--small", type=int, default=10_000)
    parser.add_argument("--large", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=51)
    parser.add_argument("--database", help="a PostgreSQL server's URL; SQLite where left out")
    given = parser.parse_args()
    return int(not measure(given.database, [given.small, given.large], given.rounds))


if __name__ == "__main__":
    sys.exit(main())
