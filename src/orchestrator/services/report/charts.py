"""Drawings as plain numbers: where each mark stands. The template makes SVG of them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.services.pooled import Pooled

_STEPS = (1, 2, 2.5, 5, 10)
_TICKS = 5  # about as many as fit beside their labels


@dataclass(frozen=True, slots=True)
class Tick:
    at: float
    share: float


@dataclass(frozen=True, slots=True)
class Mark:
    """One difference with its interval; `row` counts from 0."""

    row: int
    of: Pooled
    low: float
    middle: float
    high: float


@dataclass(frozen=True, slots=True)
class Chart:
    marks: tuple[Mark, ...]
    ticks: tuple[Tick, ...]
    zero: float


def draw(figures: Sequence[Pooled], begin: float, end: float) -> Chart | None:
    """
    Place the differences on a line from `begin` to `end`, with zero always on it.

    Figures without an interval are left out; none where nothing is left.
    """
    measured = [
        (one, one.difference.value, one.difference.interval)
        for one in figures
        if one.difference.value is not None and one.difference.interval is not None
    ]
    if not measured:
        return None
    low = min(0.0, *(interval.low for _, _, interval in measured), 0.0)
    high = max(0.0, *(interval.high for _, _, interval in measured), 0.0)
    step = _step(high - low)
    first, last = math.floor(low / step), math.ceil(high / step)
    scale = (end - begin) / ((last - first) * step)

    def place(share: float) -> float:
        return round(begin + (share - first * step) * scale, 1)

    return Chart(
        marks=tuple(
            Mark(row, one, place(interval.low), place(value), place(interval.high))
            for row, (one, value, interval) in enumerate(measured)
        ),
        ticks=tuple(Tick(place(i * step), i * step) for i in range(first, last + 1)),
        zero=place(0.0),
    )


def _step(reach: float) -> float:
    """Return a round distance between ticks."""
    rough = max(reach, 0.001) / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * step for step in _STEPS if power * step >= rough * 0.999)
