"""Whether the arms have the sizes that were drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from orchestrator.statistics.intervals import binomial_p_value, chi_square_p_value

ALARM_BELOW = 0.001  # p-value: rare enough to look at every time
SMALL_CELL = 5  # expected people
_WHOLE = 1e-9  # tolerance for shares that ought to add up to 1


class RatioTest(StrEnum):
    CHI_SQUARE = "chi_square"
    EXACT_BINOMIAL = "exact_binomial"  #: arm by arm, when one is expected to have under 5 people
    NONE = "none"  #: nobody was assigned, or there is but one arm


@dataclass(frozen=True, slots=True)
class SampleRatio:
    observed: tuple[int, ...]
    expected: tuple[float, ...]
    p_value: float | None
    test: RatioTest
    alarm: bool


def sample_ratio(observed: Sequence[int], planned_shares: Sequence[float]) -> SampleRatio:
    """
    Test the sizes of the arms against the planned shares (which add up to 1).

    Chi-square; where an arm expects under 5 people, exact binomial tails of each arm with
    Bonferroni's factor: with half a person expected, chi-square raises 11 times the false alarms.
    """
    if len(observed) != len(planned_shares) or min(planned_shares, default=0) < 0:
        raise ValueError("every arm takes one planned share, not below 0")
    if abs(sum(planned_shares) - 1) > _WHOLE:
        raise ValueError(f"planned shares add up to 1, not to {sum(planned_shares)}")
    expected = tuple(share * sum(observed) for share in planned_shares)
    p_value, test = _test(observed, planned_shares, expected)
    return SampleRatio(
        observed=tuple(observed),
        expected=expected,
        p_value=p_value,
        test=test,
        alarm=p_value is not None and p_value < ALARM_BELOW,
    )


def _test(
    observed: Sequence[int], shares: Sequence[float], expected: Sequence[float]
) -> tuple[float | None, RatioTest]:
    total, arms = sum(observed), len(observed)
    if total == 0 or arms == 1:
        return None, RatioTest.NONE
    if min(expected) >= SMALL_CELL:
        cells = zip(observed, expected, strict=True)
        statistic = sum((seen - due) ** 2 / due for seen, due in cells)
        return chi_square_p_value(statistic, arms - 1), RatioTest.CHI_SQUARE
    tails = [binomial_p_value(n, total, p) for n, p in zip(observed, shares, strict=True)]
    # Two arms are one question: their tails are the same.
    factor = 1 if arms == 2 else arms  # noqa: PLR2004  -- reads better than a name
    return min(1.0, factor * min(tails)), RatioTest.EXACT_BINOMIAL
