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
from limits import Meter, a_database, cpu, header, judged, spread, wall

from orchestrator.domain.messages import Channel
from orchestrator.playbooks import read_playbook
from orchestrator.providers.outbox import OutboxProvider
from orchestrator.services.advance import advance
from orchestrator.services.dispatch import OpenedTexts
from orchestrator.services.launch import launch
from orchestrator.services.lives import begin_life
from orchestrator.wiring import this_machine
from orchestrator.store.database import Database
from orchestrator.store.messages import claims

PLAYBOOK = Path(__file__).parents[1] / "templates" / "womenswear-double11"
NOW = EVENT + timedelta(days=400)
SHARE = 6  #: messages a customer of the shop: six in ten with ten messages each
CLAIM_LIMIT = 5.0  #: milliseconds
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
    texts, dice = OpenedTexts(), random.Random(7)

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
        random_bytes=random.Random(7).randbytes,
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
        good = [
            report(name, {size: run(meters[size], work, rounds) for size, work in by_size.items()})
            for name, by_size in ((name, _warmed(by_size)) for name, by_size in works.items())
        ]
        for meter in meters.values():
            meter.close()
    return all(good)


def _warmed(by_size: dict[int, Work]) -> dict[int, Work]:
    for work in by_size.values():
        for _ in range(3):
            work()
    return by_size


def run(meter: Meter, work: Work, rounds: int) -> list[tuple[float, float]]:
    costs = [meter(work) for _ in range(rounds)]
    return list(zip(cpu(costs), wall(costs), strict=True))


def report(name: str, found: dict[int, list[tuple[float, float]]]) -> bool:
    for size, rounds in found.items():
        walls = [taken * 1e3 for _, taken in rounds]
        print(f"  {name}, {size:,}: {spread(walls)} ms wall")
    small, large = (
        statistics.median(taken for _, taken in rounds) for _, rounds in sorted(found.items())
    )
    print(f"  {name}: {large / small:.2f} × wall; {judged(large / small, FLOOR, GOAL)}")
    if name == "claim":
        print(f"  claim: {large * 1e3:.2f} ms; {judged(large * 1e3, CLAIM_LIMIT, CLAIM_LIMIT)}")
    return large / small <= FLOOR and (name != "claim" or large * 1e3 <= CLAIM_LIMIT)


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
