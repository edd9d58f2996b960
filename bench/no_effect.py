"""
Whether real orders, of customers to whom nobody wrote, show an effect: they must not.

    python bench/no_effect.py online_retail_II.parquet --draws 40

Runs the campaign of ``make demo ORDERS=FILE`` once a draw of the lots, over the same real orders:
the whole engine, its evaluations computed from what those customers then bought. Of every draw the
pooled comparisons count (each wave, each group, the whole). Prints the share of their 95 % intervals
that hold zero, how often a verdict spoke of an effect, and the mean difference with its error over
the draws: an engine that favours one arm shows there, however small the shop. Ends with 1 where the
share is below 91 %, or a mean lies further than 3.5 standard errors from zero. Where a draw holds out
less than one buyer on average the mean is not judged: most draws then show a little more than zero
and a rare one far less, and no error that is estimated from 40 draws can know.
"""

import argparse
import math
import shutil
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np
from flows.demo_shops import RealShop

from orchestrator import wiring
from orchestrator.domain.messages import Channel
from orchestrator.playbooks.reading import read_playbook
from orchestrator.providers.simulated import SimulatedProvider
from orchestrator.services.advance import advance
from orchestrator.services.dispatch import OpenedTexts
from orchestrator.services.intake import import_file
from orchestrator.services.launch import launch
from orchestrator.services.lives import Machine, begin_life
from orchestrator.services.pooled import pooled
from orchestrator.services.simulate.play import next_moment
from orchestrator.statistics import Verdict
from orchestrator.store import simulation
from orchestrator.store.database import Database

STEP = timedelta(hours=12)
HOLDS_ZERO = 0.91
FURTHEST = 3.5  # standard errors; of some eight means one in 250 runs is further by chance
_SPEAKS = frozenset({Verdict.WORKS, Verdict.HARMS})


@dataclass(frozen=True, slots=True)
class Comparison:
    of: str
    difference: float
    holds_zero: bool
    speaks: bool
    held_out_buyers: int


@dataclass(frozen=True, slots=True)
class Shop:
    """Imported once; each draw plays in a copy of the file."""

    file: Path
    playbook: Path
    starts_at: datetime


def prepare(orders: Path, folder: Path) -> Shop:
    real = RealShop(folder, orders, "auto", None)
    settings = real.prepare("womenswear-double11")
    database = wiring.initialise(settings)
    for files, preset in real.files():
        for name in files:
            import_file(database, Path(name), preset=preset, now=wiring.now(), shop=settings.shop())
    file = folder / "shop.db"
    with database.engine.connect() as connection:
        connection.rollback()
        connection.connection.cursor().execute("VACUUM INTO ?", (str(file),))
    database.close()
    return Shop(file, settings.playbook_folder(real.playbook), real.starts_at)


def draw(number: int, shop: Shop) -> list[Comparison]:
    """Play the campaign with lots of its own, on a virtual clock."""
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "shop.db"
        shutil.copy(shop.file, file)
        database = Database(f"sqlite:///{file}")
        campaign = _play(database, shop, number, Path(name))
        found = [
            Comparison(
                of=" ".join(part for part in (one.kind, one.wave, one.scope) if part),
                difference=one.difference.value,
                holds_zero=one.difference.interval.low <= 0 <= one.difference.interval.high,
                speaks=one.verdict in _SPEAKS,
                held_out_buyers=one.sums.control.sums.responders,
            )
            for one in pooled(database, campaign)
            if one.track is None and one.occurrence is None
            if one.difference.value is not None and one.difference.interval is not None
        ]
        database.close()
    return found


def _play(database: Database, shop: Shop, number: int, folder: Path) -> str:
    lots, codes = np.random.default_rng([number, 1]), np.random.default_rng([number, 2])
    campaign = launch(
        database,
        read_playbook(shop.playbook),
        name=f"draw-{number}",
        shop=wiring.Settings().shop(),
        now=shop.starts_at,
        actor="bench",
        random_bytes=lots.bytes,
    )
    providers = dict.fromkeys(Channel, SimulatedProvider(number))
    texts, moment = OpenedTexts(), shop.starts_at
    machine = Machine("bench", "virtual", lambda: 0.0, lambda: shop.starts_at)
    with begin_life(folder / "lives", machine) as life:
        while True:
            advance(
                database,
                providers,
                now=partial(_same, moment),
                life=life,
                texts=texts,
                random_bytes=codes.bytes,
            )
            with database.read() as connection:
                due = simulation.next_due(connection, campaign.id)
            following = next_moment(moment, STEP, due, news=False)
            if following is None:
                return campaign.name
            moment = following


def _same(moment: datetime) -> datetime:
    return moment


def main() -> int:
    asked = parsed()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        shop = prepare(asked.orders, Path(name))
        found = list(play_all(shop, asked.draws, asked.processes))
    by_subject: dict[str, list[Comparison]] = defaultdict(list)
    for one in found:
        by_subject[one.of].append(one)
    near = [shown(of, rows) for of, rows in sorted(by_subject.items())]
    share = statistics.mean(one.holds_zero for one in found)
    speaks = statistics.mean(one.speaks for one in found)
    print(
        f"{len(found)} comparisons of {asked.draws} draws in {time.monotonic() - began:.0f} s: "
        f"{share:.1%} of the 95 % intervals hold zero (at least {HOLDS_ZERO:.0%}), "
        f"{speaks:.1%} of the verdicts speak of an effect"
    )
    return 0 if all(near) and share >= HOLDS_ZERO else 1


def play_all(shop: Shop, draws: int, processes: int) -> Iterator[Comparison]:
    with ProcessPoolExecutor(processes) as pool:
        rounds = pool.map(partial(draw, shop=shop), range(1, draws + 1))
        for done, found in enumerate(rounds, start=1):
            print(f"\r{done} of {draws} draws", end="", file=sys.stderr, flush=True)
            yield from found
    print(file=sys.stderr)


def shown(of: str, rows: list[Comparison]) -> bool:
    differences = [row.difference for row in rows]
    mean = statistics.mean(differences)
    error = statistics.stdev(differences) / math.sqrt(len(rows)) if len(rows) > 1 else math.inf
    few = statistics.mean(row.held_out_buyers for row in rows) < 1
    good = abs(mean) <= FURTHEST * error
    print(
        f"{of:28} n={len(rows):4} mean difference {mean:+.4f} ± {error:.4f} "
        f"hold zero {statistics.mean(row.holds_zero for row in rows):.3f} "
        f"{'too few buyers' if few else 'ok' if good else 'OUTSIDE'}"
    )
    return few or good


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.strip().splitlines()[0] if __doc__ else None
    )
    parser.add_argument("orders", type=Path, help="Online Retail II, or an export of your own")
    parser.add_argument("--draws", type=int, default=40, help="of the lots; each plays it all")
    parser.add_argument("--processes", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
