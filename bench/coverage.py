"""Whether intervals hold the truth, and how often a message that does nothing looks as if it did.

Plays the whole engine for each seed, once with a known effect and once without any:

    python bench/coverage.py --seeds 200 --customers 2000 --processes 2

Asks of the evaluations of sends with a control group of ``--control`` or more: the share of 95 %
intervals that hold the true effect (91–98 %), and the share of null effects called significant
(3–7 %). Ends with 1 where one of the two lies outside.
"""

import argparse
import math
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

from orchestrator.domain.evaluations import EvaluationKind
from orchestrator.playbooks.reading import read_playbook
from orchestrator.providers.simulated import SimulatedProvider
from orchestrator.services.simulate.play import simulate

# A coupon and three loops, in short texts: what is measured is the engine and the statistics.
PLAYBOOK = Path(__file__).parent / "coverage-playbook"
HOLDS_TRUTH, FALSE_POSITIVES = (0.91, 0.98), (0.03, 0.07)


@dataclass(frozen=True, slots=True)
class Finding:
    step: str
    control: int
    estimate: float
    truth: float
    covered: bool
    significant: bool


def findings(seed: int, *, effect: float, customers: int, preset: str) -> list[Finding]:
    with tempfile.TemporaryDirectory() as folder:
        report = simulate(
            read_playbook(PLAYBOOK),
            provider=SimulatedProvider(seed),
            customers=customers,
            seed=seed,
            folder=Path(folder),
            preset=preset,
            effect=effect,
            step=timedelta(days=1),
        )
    if report.unfinished:
        raise RuntimeError(f"seed {seed} came to no end: {report.unfinished}")
    return [
        Finding(
            step=f"{one.evaluation.wave} {one.evaluation.occurrence}",
            control=one.result.effect.control.sums.assigned,
            estimate=one.result.effect.difference.value or 0.0,
            truth=one.truth,
            covered=bool(one.covered),
            significant=(one.result.effect.p_value or 1.0) < 0.05,
        )
        for one in report.evaluations
        if one.evaluation.kind is EvaluationKind.SEND
        and one.truth is not None
        and one.covered is not None
    ]


def main() -> int:
    asked = parsed()
    began = time.monotonic()
    known, null = played(asked)
    for step in sorted({one.step for one in known}):
        of_step = [one for one in known if one.step == step]
        estimate, truth = mean([o.estimate for o in of_step]), mean([o.truth for o in of_step])
        covered = mean([float(o.covered) for o in of_step])
        print(
            f"{step:15} n={len(of_step):4} truth {truth:+.4f} estimate {estimate:+.4f} "
            f"covered {covered:.3f}"
        )
    good = [
        shown("95 % intervals that hold the truth", [o.covered for o in known], HOLDS_TRUTH),
        shown("false positives without effect", [o.significant for o in null], FALSE_POSITIVES),
    ]
    print(f"{2 * asked.seeds} campaigns of {asked.customers} in {time.monotonic() - began:.0f} s")
    return 0 if all(good) else 1


def played(asked: argparse.Namespace) -> tuple[list[Finding], list[Finding]]:
    """Play every seed with the effect and without, and show how far it is."""
    play = partial(both, effect=asked.effect, customers=asked.customers, preset=asked.preset)
    known: list[Finding] = []
    null: list[Finding] = []
    with ProcessPoolExecutor(asked.processes) as pool:
        for done, found in enumerate(pool.map(play, range(1, asked.seeds + 1)), start=1):
            for all_of_them, some in zip((known, null), found, strict=True):
                all_of_them += [one for one in some if one.control >= asked.control]
            hits, false = sum(o.covered for o in known), sum(o.significant for o in null)
            print(
                f"\r{done} of {asked.seeds}: {hits} of {len(known)} hold the truth, "
                f"{false} of {len(null)} false positives",
                end="",
                file=sys.stderr,
                flush=True,
            )
    print(file=sys.stderr)
    return known, null


def both(
    seed: int, *, effect: float, customers: int, preset: str
) -> tuple[list[Finding], list[Finding]]:
    play = partial(findings, seed, customers=customers, preset=preset)
    return play(effect=effect), play(effect=0.0)


def shown(what: str, hits: list[bool], wanted: tuple[float, float]) -> bool:
    share = mean([float(hit) for hit in hits])
    error = math.sqrt(share * (1 - share) / len(hits))
    low, high = wanted
    good = low <= share <= high
    print(
        f"{what}: {share:.3f} ± {1.96 * error:.3f} of {len(hits)} "
        f"(wanted {low:.2f}–{high:.2f}) {'ok' if good else 'OUTSIDE'}"
    )
    return good


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--customers", type=int, default=2000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--effect", type=float, default=0.12)
    parser.add_argument("--preset", default="gift")
    parser.add_argument("--control", type=int, default=30)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
