"""Intervals and the few distributions behind them."""

import math
from dataclasses import dataclass
from statistics import NormalDist

import scipy

# `import scipy` alone is light; `scipy.special`, which is not, loads at the first t or chi-square.

_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Interval:
    low: float
    high: float

    def covers(self, value: float) -> bool:
        return self.low <= value <= self.high


def two_sided_z(level: float) -> float:
    """Return the normal quantile that leaves (1 - level) outside, half on each side."""
    if not 0 < level < 1:
        raise ValueError(f"a confidence level lies between 0 and 1, not at {level}")
    return _NORMAL.inv_cdf((1 + level) / 2)


def power_z(power: float) -> float:
    if not 0 < power < 1:
        raise ValueError(f"power lies between 0 and 1, not at {power}")
    return _NORMAL.inv_cdf(power)


def two_sided_t(level: float, degrees_of_freedom: float) -> float:
    two_sided_z(level)
    return float(scipy.special.stdtrit(degrees_of_freedom, (1 + level) / 2))


def normal_p_value(z: float) -> float:
    # erfc keeps its digits far out in the tail, where 1 - cdf has lost them all.
    return math.erfc(abs(z) / math.sqrt(2))


def t_p_value(t: float, degrees_of_freedom: float) -> float:
    return 2 * float(scipy.special.stdtr(degrees_of_freedom, -abs(t)))


def chi_square_p_value(statistic: float, degrees_of_freedom: int) -> float:
    return float(scipy.special.chdtrc(degrees_of_freedom, statistic))


def binomial_p_value(successes: int, trials: int, share: float) -> float:
    """Return twice the smaller exact tail, at most 1."""
    lower = float(scipy.special.bdtr(successes, trials, share))
    upper = 1.0 if successes == 0 else float(scipy.special.bdtrc(successes - 1, trials, share))
    return min(1.0, 2 * min(lower, upper))
