"""What a demonstration must not end with."""

from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.domain.breaker import upper_tail
from orchestrator.services.report import ReportData
from orchestrator.services.simulate.truth import Judged

_MISSES = 0.05  #: of honest 95 % intervals
_HARDLY_EVER = 0.001


@dataclass(frozen=True, slots=True)
class Held:
    """How many intervals hold what they should; a rough check, since sends overlap."""

    what: str
    held: int
    among: int

    @property
    def missed(self) -> int:
        return self.among - self.held

    @property
    def most_missed(self) -> int:
        """So many may miss it by chance, in 999 of 1,000 demonstrations (binomial, 5 % each)."""
        tails = (upper_tail(count, self.among, _MISSES) for count in range(1, self.among + 1))
        return sum(tail >= _HARDLY_EVER for tail in tails)

    def __str__(self) -> str:
        return (
            f"{self.held} of {self.among} intervals hold {self.what}; "
            f"up to {self.most_missed} may miss it by chance (99.9 %, roughly: sends overlap)"
        )


def hold_zero(data: ReportData) -> Held:
    """Where nobody was sent anything, zero is the truth."""
    sent = (line.evaluation.result for line in data.sends if line.evaluation)
    results = [one for one in (*sent, *(item.result for item in data.evaluations)) if one]
    intervals = [r.effect.difference.interval for r in results if r.effect.difference.interval]
    holding = sum(interval.low <= 0 <= interval.high for interval in intervals)
    return Held("zero", holding, len(intervals))


def hold_truth(judged: Sequence[Judged]) -> Held:
    covered = [one.covered for one in judged if one.covered is not None]
    return Held("the truth", sum(covered), len(covered))


def complaints(data: ReportData, held: Held) -> list[str]:
    """Return what is wrong with it, a line each; nothing where all is well."""
    found = []
    if data.ledger_sum != data.planned_rows:
        found.append(f"the ledger does not add up: {data.ledger_sum:,} of {data.planned_rows:,}")
    if data.state == "paused":
        found.append("the campaign paused itself before its end")
    if held.missed > held.most_missed:
        found.append(f"{held.missed} of {held.among} intervals miss {held.what}: not by chance")
    return found
