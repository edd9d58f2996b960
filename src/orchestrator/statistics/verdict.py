"""What a comparison says in words, and what it would take to say more."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from orchestrator.statistics.flags import Flag
from orchestrator.statistics.intervals import Interval
from orchestrator.statistics.power import customers_to_decide, smallest_detectable_effect
from orchestrator.statistics.proportions import Rate
from orchestrator.statistics.samples import SampleRatio


class Verdict(StrEnum):
    WORKS = "works"  #: the treated did better, and chance alone hardly does that
    HARMS = "harms"  #: the treated did worse, and chance alone hardly does that
    CANNOT_TELL = "cannot_tell"  #: compatible with no effect, or not to be trusted: see the flags
    NOT_MEASURED = "not_measured"  #: there is no random control, or nobody was treated


class Comparison(Protocol):
    """One send (`RateComparison`) or several (`PooledComparison`)."""

    @property
    def control(self) -> Rate: ...
    @property
    def treated(self) -> Rate: ...
    @property
    def level(self) -> float: ...
    @property
    def difference(self) -> float | None: ...
    @property
    def difference_interval(self) -> Interval | None: ...
    @property
    def p_value(self) -> float | None: ...
    @property
    def flags(self) -> frozenset[Flag]: ...


@dataclass(frozen=True, slots=True)
class Judgement:
    """`customers_to_decide`: both arms, those already in included; None: no number helps."""

    verdict: Verdict
    customers_to_decide: int | None
    flags: frozenset[Flag]


# More customers do not cure these: no number is named and no verdict is given.
_BLOCKING = frozenset({Flag.SRM, Flag.WINDOW_INCOMPLETE})


def judge(
    comparison: Comparison,
    *,
    ratio: SampleRatio | None = None,
    planned_effect: float | None = None,
    flags: Iterable[Flag] = (),
    power: float = 0.8,
) -> Judgement:
    """
    Return the verdict, with every flag that was given or found.

    `planned_effect` is the rise (absolute, 0-1) that the campaign was planned for. An effect is
    stated only if the p-value and the interval agree, so that the two never contradict each other.
    """
    found = set(flags) | comparison.flags
    if ratio is not None and ratio.alarm:
        found.add(Flag.SRM)
    if planned_effect is not None and _underpowered(comparison, planned_effect, power):
        found.add(Flag.UNDERPOWERED)
    verdict = _verdict(comparison, frozenset(found))
    undecided = verdict is Verdict.CANNOT_TELL and not _BLOCKING & found
    people = _people(comparison, planned_effect, power) if undecided else None
    return Judgement(verdict, people, frozenset(found))


def _verdict(comparison: Comparison, flags: frozenset[Flag]) -> Verdict:
    interval, p_value = comparison.difference_interval, comparison.p_value
    if Flag.NON_CAUSAL in flags or interval is None or p_value is None:
        return Verdict.NOT_MEASURED
    if _BLOCKING & flags or p_value >= 1 - comparison.level or interval.covers(0):
        return Verdict.CANNOT_TELL
    return Verdict.WORKS if interval.low > 0 else Verdict.HARMS


def _underpowered(comparison: Comparison, planned_effect: float, power: float) -> bool:
    smallest = smallest_detectable_effect(
        comparison.treated.trials,
        comparison.control.trials,
        _natural_rate(comparison),
        power,
        comparison.level,
    )
    return smallest is None or smallest > planned_effect


def _people(comparison: Comparison, planned_effect: float | None, power: float) -> int | None:
    """Return the number for the planned effect; for the seen one where that would have shown."""
    present = comparison.control.trials + comparison.treated.trials
    share = comparison.control.trials / present
    natural_rate = _natural_rate(comparison)
    for effect in (planned_effect, comparison.difference):
        if effect is None:
            continue
        people = customers_to_decide(natural_rate, effect, share, power, comparison.level)
        if people is not None and people > present:
            return people
    return None


def _natural_rate(comparison: Comparison) -> float:
    # Half a success added: a control of none or all would look as if chance had no part in it.
    return (comparison.control.successes + 0.5) / (comparison.control.trials + 1)
