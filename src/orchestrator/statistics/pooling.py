"""One difference from several draws: the sends of a wave, the loops of a campaign."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from orchestrator.statistics.flags import Flag
from orchestrator.statistics.intervals import Interval, normal_p_value, two_sided_z
from orchestrator.statistics.proportions import (
    Rate,
    RateTest,
    interval_of_difference,
    wilson_of_share,
)


class Stratum(NamedTuple):
    """The arms of one draw; arms are compared within it only."""

    control: Rate
    treated: Rate


@dataclass(frozen=True, slots=True)
class PooledComparison:
    """
    Treated minus control over all strata.

    `control` and `treated` are the plain sums, for show: their difference is not `difference` when
    the strata split differently. The rates that differ by it are `control_rate` and `treated_rate`.
    """

    control: Rate
    treated: Rate
    strata: int
    level: float
    control_rate: float | None
    treated_rate: float | None
    difference: float | None
    difference_interval: Interval | None
    p_value: float | None
    test: RateTest
    flags: frozenset[Flag]


def pool(strata: Iterable[Stratum], level: float = 0.95) -> PooledComparison:
    """
    Pool the differences of independent draws; those with an empty arm are left out.

    Difference: Mantel-Haenszel weights, n_treated * n_control / n (Greenland and Robins 1985).
    Interval: Newcombe's, from Wilson intervals of the two weighted rates at their
    effective sizes 1 / sum(w^2 / n) (Yan and Su 2010; Zou and Donner 2008): for one stratum it is
    the interval of `compare_rates`. Test: Cochran-Mantel-Haenszel without continuity correction.
    """
    two_sided_z(level)
    used = [stratum for stratum in strata if stratum.control.trials and stratum.treated.trials]
    if not used:
        return _nothing_to_pool(level)
    controls, treateds = [arms.control for arms in used], [arms.treated for arms in used]
    weights = _weights(used)
    control_rate, control_range = _standardised(controls, weights, level)
    treated_rate, treated_range = _standardised(treateds, weights, level)
    return PooledComparison(
        control=_sum(controls),
        treated=_sum(treateds),
        strata=len(used),
        level=level,
        control_rate=control_rate,
        treated_rate=treated_rate,
        difference=treated_rate - control_rate,
        difference_interval=interval_of_difference(
            control_rate, control_range, treated_rate, treated_range
        ),
        p_value=_mantel_haenszel(used),
        test=RateTest.MANTEL_HAENSZEL,
        flags=frozenset(),
    )


def _nothing_to_pool(level: float) -> PooledComparison:
    return PooledComparison(
        control=Rate(0, 0),
        treated=Rate(0, 0),
        strata=0,
        level=level,
        control_rate=None,
        treated_rate=None,
        difference=None,
        difference_interval=None,
        p_value=None,
        test=RateTest.NONE,
        flags=frozenset(),
    )


def _weights(strata: Sequence[Stratum]) -> list[float]:
    sizes = [
        stratum.control.trials
        * stratum.treated.trials
        / (stratum.control.trials + stratum.treated.trials)
        for stratum in strata
    ]
    total = sum(sizes)
    return [size / total for size in sizes]


def _standardised(
    rates: Sequence[Rate], weights: Sequence[float], level: float
) -> tuple[float, Interval]:
    """Return the weighted rate of one arm and its Wilson interval."""
    pairs = list(zip(rates, weights, strict=True))
    rate = sum(weight * arm.successes / arm.trials for arm, weight in pairs)
    size = 1 / sum(weight**2 / arm.trials for arm, weight in pairs)
    return rate, wilson_of_share(rate, size, level)


def _mantel_haenszel(strata: Sequence[Stratum]) -> float:
    excess, variance = 0.0, 0.0
    for control, treated in strata:
        trials = control.trials + treated.trials
        successes = control.successes + treated.successes
        excess += treated.successes - treated.trials * successes / trials
        split = treated.trials * control.trials / trials**2
        variance += split * successes * (trials - successes) / (trials - 1)
    return normal_p_value(excess / math.sqrt(variance)) if variance else 1.0


def _sum(rates: Sequence[Rate]) -> Rate:
    return Rate(sum(rate.successes for rate in rates), sum(rate.trials for rate in rates))
