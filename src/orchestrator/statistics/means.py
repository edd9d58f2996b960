"""Amounts per head of two arms, from their sums."""

import math
from dataclasses import dataclass
from enum import StrEnum

from orchestrator.statistics.flags import Flag
from orchestrator.statistics.intervals import Interval, t_p_value, two_sided_t, two_sided_z

ENOUGH_BUYERS = 30  # non-zero amounts in the control; with fewer, Welch under-covers (skew)
_SMALLEST_SAMPLE = 2  # a variance takes two


@dataclass(frozen=True, slots=True)
class Moments:
    """Sums over everybody assigned, buyers or not. Integers (minor units) lose no digit."""

    count: int
    total: float
    squares: float
    nonzero: int

    def __post_init__(self) -> None:
        if not 0 <= self.nonzero <= self.count:
            raise ValueError(f"{self.nonzero} non-zero amounts of {self.count} cannot be")

    @property
    def mean(self) -> float | None:
        return self.total / self.count if self.count else None

    @property
    def variance(self) -> float | None:
        """The sample variance, None below two amounts."""
        if self.count < _SMALLEST_SAMPLE:
            return None
        # One division at the end: exact on integers, where the textbook's mean square loses digits.
        spread = self.count * self.squares - self.total * self.total
        return max(spread, 0) / (self.count * (self.count - 1))


class MeanTest(StrEnum):
    WELCH = "welch"
    POOLED_T = "pooled_t"  #: one variance for both arms, because the control has few buyers
    NONE = "none"  #: an arm is too small, or no amount varies: nothing to test


@dataclass(frozen=True, slots=True)
class MeanComparison:
    """Treated minus control, in the unit of the amounts. `relative_lift` as for rates."""

    control: Moments
    treated: Moments
    level: float
    difference: float | None
    difference_interval: Interval | None
    p_value: float | None
    test: MeanTest
    relative_lift: float | None
    relative_interval: Interval | None
    flags: frozenset[Flag]


@dataclass(frozen=True, slots=True)
class _Errors:
    """Squared standard errors of both means, and how sure they are themselves."""

    control: float
    treated: float
    degrees_of_freedom: float
    test: MeanTest


def compare_means(control: Moments, treated: Moments, level: float = 0.95) -> MeanComparison:
    """
    Compare by Welch's t, or by pooled-variance t (flagged) when the control has under 30 buyers.

    The relative interval is Fieller's (1954) with the same errors and the same t: it excludes 0
    exactly when the difference does. Where it is unbounded it is None, and flagged.
    """
    two_sided_z(level)
    few = control.nonzero < ENOUGH_BUYERS
    errors = _pooled_errors(control, treated) if few else _welch_errors(control, treated)
    relative = _fieller(control, treated, errors, level)
    flags = set()
    if few:
        flags.add(Flag.FEW_CONTROL_BUYERS)
    if relative is None:
        flags.add(Flag.RELATIVE_UNDETERMINED)
    return MeanComparison(
        control=control,
        treated=treated,
        level=level,
        difference=_difference(control, treated),
        difference_interval=_difference_interval(control, treated, errors, level),
        p_value=_p_value(control, treated, errors),
        test=errors.test if errors else MeanTest.NONE,
        relative_lift=_relative_lift(control, treated),
        relative_interval=relative,
        flags=frozenset(flags),
    )


def _welch_errors(control: Moments, treated: Moments) -> _Errors | None:
    if control.variance is None or treated.variance is None:
        return None
    of_control, of_treated = control.variance / control.count, treated.variance / treated.count
    total = of_control + of_treated
    if total <= 0:
        return None
    # As shares of the total, so that tiny variances do not underflow when squared.
    weight = of_control / total
    inverse = weight**2 / (control.count - 1) + (1 - weight) ** 2 / (treated.count - 1)
    return _Errors(of_control, of_treated, 1 / inverse, MeanTest.WELCH)


def _pooled_errors(control: Moments, treated: Moments) -> _Errors | None:
    if control.variance is None or treated.variance is None:
        return None
    freedom = control.count + treated.count - 2
    spread = control.variance * (control.count - 1) + treated.variance * (treated.count - 1)
    if spread <= 0:
        return None
    variance = spread / freedom
    return _Errors(variance / control.count, variance / treated.count, freedom, MeanTest.POOLED_T)


def _difference(control: Moments, treated: Moments) -> float | None:
    if control.mean is None or treated.mean is None:
        return None
    return treated.mean - control.mean


def _difference_interval(
    control: Moments, treated: Moments, errors: _Errors | None, level: float
) -> Interval | None:
    difference = _difference(control, treated)
    if difference is None or errors is None:
        return None
    reach = two_sided_t(level, errors.degrees_of_freedom)
    reach *= math.sqrt(errors.control + errors.treated)
    return Interval(difference - reach, difference + reach)


def _p_value(control: Moments, treated: Moments, errors: _Errors | None) -> float | None:
    difference = _difference(control, treated)
    if difference is None or errors is None:
        return None
    t = difference / math.sqrt(errors.control + errors.treated)
    return t_p_value(t, errors.degrees_of_freedom)


def _relative_lift(control: Moments, treated: Moments) -> float | None:
    if control.mean is None or treated.mean is None or control.mean <= 0:
        return None
    return treated.mean / control.mean - 1


def _fieller(
    control: Moments, treated: Moments, errors: _Errors | None, level: float
) -> Interval | None:
    if errors is None or control.mean is None or treated.mean is None or control.mean <= 0:
        return None
    t2 = two_sided_t(level, errors.degrees_of_freedom) ** 2
    # The control's mean must be clear of zero, or the ratio has no upper end.
    clearance = control.mean**2 - t2 * errors.control
    if clearance <= 0:
        return None
    root = math.sqrt(t2 * (errors.treated * clearance + errors.control * treated.mean**2))
    middle = treated.mean * control.mean
    return Interval((middle - root) / clearance - 1, (middle + root) / clearance - 1)
