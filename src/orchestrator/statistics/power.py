"""What arms of a given size can show, and how large they would have to be."""

import math

from orchestrator.statistics.intervals import power_z, two_sided_z


def smallest_detectable_effect(
    n_treated: int,
    n_control: int,
    natural_rate: float,
    power: float = 0.8,
    level: float = 0.95,
) -> float | None:
    """
    Return the smallest rise over the natural rate (absolute, 0-1) that is found with this power.

    None when not even a rise to 100 % would be. Normal approximation with unpooled variances
    (Fleiss, Levin and Paik 2003, chapter 4, without continuity correction), solved for the rise d:
    d^2 = (z_level + z_power)^2 * ((p + d)(1 - p - d) / n_treated + p (1 - p) / n_control).
    """
    _check_rate(natural_rate)
    k2 = (two_sided_z(level) + power_z(power)) ** 2
    if n_treated <= 0 or n_control <= 0:
        return None
    noise = k2 * natural_rate * (1 - natural_rate) * (1 / n_treated + 1 / n_control)
    a = 1 + k2 / n_treated
    b = k2 / n_treated * (1 - 2 * natural_rate)
    rise = (b + math.sqrt(b * b + 4 * a * noise)) / (2 * a)
    return rise if 0 < rise <= 1 - natural_rate else None


def customers_to_decide(
    natural_rate: float,
    difference: float,
    holdout_share: float,
    power: float = 0.8,
    level: float = 0.95,
) -> int | None:
    """
    Return how many people, both arms together, find this difference (either sign) with this power.

    None when no number does: no difference, no holdout or nobody treated, or a treated rate outside
    0-1. The formula of `smallest_detectable_effect`, solved for the number of people.
    """
    _check_rate(natural_rate)
    k2 = (two_sided_z(level) + power_z(power)) ** 2
    treated_rate = natural_rate + difference
    if difference == 0 or not 0 < holdout_share < 1 or not 0 <= treated_rate <= 1:
        return None
    noise = treated_rate * (1 - treated_rate) / (1 - holdout_share)
    noise += natural_rate * (1 - natural_rate) / holdout_share
    people = k2 * noise / difference**2
    return math.ceil(people) if math.isfinite(people) else None


def _check_rate(natural_rate: float) -> None:
    if not 0 <= natural_rate <= 1:
        raise ValueError(f"a natural rate lies between 0 and 1, not at {natural_rate}")
