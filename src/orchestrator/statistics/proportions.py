"""Rates: one by itself, and two against each other."""

import math
from dataclasses import dataclass
from enum import StrEnum

from orchestrator.statistics.fisher import fisher_p_value
from orchestrator.statistics.flags import Flag
from orchestrator.statistics.intervals import Interval, normal_p_value, two_sided_z

SMALL_CELL = 5  # expected people; below, the normal approximation of the test is not trusted


@dataclass(frozen=True, slots=True)
class Rate:
    successes: int
    trials: int

    def __post_init__(self) -> None:
        if not 0 <= self.successes <= self.trials:
            raise ValueError(f"{self.successes} successes out of {self.trials} trials cannot be")

    @property
    def share(self) -> float | None:
        return self.successes / self.trials if self.trials else None


class RateTest(StrEnum):
    POOLED_Z = "pooled_z"
    FISHER_EXACT = "fisher_exact"
    MANTEL_HAENSZEL = "mantel_haenszel"
    NONE = "none"  #: an arm is empty: nothing to test


@dataclass(frozen=True, slots=True)
class RateComparison:
    """Treated minus control. `relative_lift` is treated / control - 1: 0.5 is +50 %."""

    control: Rate
    treated: Rate
    level: float
    control_interval: Interval | None
    treated_interval: Interval | None
    difference: float | None
    difference_interval: Interval | None
    p_value: float | None
    test: RateTest
    relative_lift: float | None
    relative_interval: Interval | None
    flags: frozenset[Flag]


def wilson(successes: int, trials: int, level: float = 0.95) -> Interval | None:
    """Return the score interval of Wilson (1927); None without trials."""
    two_sided_z(level)
    rate = Rate(successes, trials)
    return None if rate.share is None else wilson_of_share(rate.share, trials, level)


def wilson_of_share(share: float, trials: float, level: float) -> Interval:
    """Return Wilson's interval of a share whose (effective) number of trials may be a fraction."""
    z2 = two_sided_z(level) ** 2 / trials
    middle = (share + z2 / 2) / (1 + z2)
    half = math.sqrt(z2 * (max(share * (1 - share), 0.0) + z2 / 4)) / (1 + z2)
    # At 0 and at 1 an end is the share itself; rounding must not put the share outside.
    return Interval(max(0.0, min(middle - half, share)), min(1.0, max(middle + half, share)))


def compare_rates(control: Rate, treated: Rate, level: float = 0.95) -> RateComparison:
    difference = _difference(control, treated)
    p_value, test = _test(control, treated)
    return RateComparison(
        control=control,
        treated=treated,
        level=level,
        control_interval=wilson(control.successes, control.trials, level),
        treated_interval=wilson(treated.successes, treated.trials, level),
        difference=difference,
        difference_interval=newcombe(control, treated, level),
        p_value=p_value,
        test=test,
        relative_lift=_relative_lift(control, treated),
        relative_interval=_add_half_log(control, treated, level),
        flags=_flags(control, treated),
    )


def newcombe(control: Rate, treated: Rate, level: float = 0.95) -> Interval | None:
    """Return Newcombe's interval (1998, method 10) of treated minus control; None if an arm is empty."""
    control_range = wilson(control.successes, control.trials, level)
    treated_range = wilson(treated.successes, treated.trials, level)
    if control_range is None or treated_range is None:
        return None
    shares = control.successes / control.trials, treated.successes / treated.trials
    return interval_of_difference(shares[0], control_range, shares[1], treated_range)


def interval_of_difference(
    control: float, control_range: Interval, treated: float, treated_range: Interval
) -> Interval:
    """
    Return the interval of treated minus control from the interval of each.

    Newcombe (1998) for Wilson's intervals; Zou and Donner (2008) for any others ("MOVER").
    """
    difference = treated - control
    down = math.hypot(treated - treated_range.low, control_range.high - control)
    up = math.hypot(control - control_range.low, treated_range.high - treated)
    return Interval(max(-1.0, difference - down), min(1.0, difference + up))


def _difference(control: Rate, treated: Rate) -> float | None:
    if control.share is None or treated.share is None:
        return None
    return treated.share - control.share


def _test(control: Rate, treated: Rate) -> tuple[float | None, RateTest]:
    if not control.trials or not treated.trials:
        return None, RateTest.NONE
    trials = control.trials + treated.trials
    successes = control.successes + treated.successes
    rarer = min(successes, trials - successes)
    if min(control.trials, treated.trials) * rarer < SMALL_CELL * trials:
        exact = fisher_p_value(treated.successes, treated.trials, control.successes, control.trials)
        return exact, RateTest.FISHER_EXACT
    variance = successes * (trials - successes) / trials / control.trials / treated.trials
    difference = treated.successes / treated.trials - control.successes / control.trials
    return normal_p_value(difference / math.sqrt(variance)), RateTest.POOLED_Z


def _relative_lift(control: Rate, treated: Rate) -> float | None:
    if not control.share or treated.share is None:
        return None
    return treated.share / control.share - 1


def _add_half_log(control: Rate, treated: Rate, level: float) -> Interval | None:
    """
    Return the interval of the relative lift: log ratio, a half added to every count (Walter 1975).

    Defined for zero successes too, where the plain ratio is 0 or has no value.
    """
    if not control.trials or not treated.trials:
        return None
    ratio, variance = 0.0, 0.0
    for rate, sign in ((treated, 1), (control, -1)):
        successes, trials = rate.successes + 0.5, rate.trials + 0.5
        ratio += sign * math.log(successes / trials)
        variance += 1 / successes - 1 / trials
    reach = two_sided_z(level) * math.sqrt(variance)
    return Interval(math.expm1(ratio - reach), math.expm1(ratio + reach))


def _flags(control: Rate, treated: Rate) -> frozenset[Flag]:
    undetermined = control.trials and treated.trials and not control.successes
    return frozenset({Flag.RELATIVE_UNDETERMINED}) if undetermined else frozenset()
