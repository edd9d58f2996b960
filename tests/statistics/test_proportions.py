import math
from collections.abc import Callable, Sequence
from itertools import product

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from scipy.stats import binom, fisher_exact
from statsmodels.stats.proportion import (
    confint_proportions_2indep,
    proportion_confint,
    proportions_ztest,
)

from orchestrator.statistics import (
    Flag,
    Interval,
    Rate,
    RateComparison,
    RateTest,
    compare_rates,
    newcombe,
    wilson,
)

patient = settings(deadline=None, max_examples=50)


@st.composite
def rates(draw: st.DrawFn, most: int = 50_000) -> Rate:
    trials = draw(st.integers(1, most))
    return Rate(draw(st.integers(0, trials)), trials)


def exactly(numbers: Sequence[float]) -> object:
    return pytest.approx(numbers, rel=1e-9, abs=1e-12)


def ends(interval: Interval | None) -> tuple[float, float]:
    assert interval is not None
    return interval.low, interval.high


@patient
@given(rates(), st.floats(0.5, 0.999))
def test_wilson_agrees_with_the_oracle(rate: Rate, level: float) -> None:
    oracle = proportion_confint(rate.successes, rate.trials, 1 - level, "wilson")

    assert ends(wilson(rate.successes, rate.trials, level)) == exactly(oracle)


@patient
@given(rates(), st.floats(0.5, 0.999))
def test_wilson_contains_the_share_and_stays_within_0_and_1(rate: Rate, level: float) -> None:
    low, high = ends(wilson(rate.successes, rate.trials, level))

    assert 0 <= low <= rate.successes / rate.trials <= high <= 1


@patient
@given(rates())
def test_wilson_grows_with_the_level_and_rises_with_the_successes(rate: Rate) -> None:
    assume(rate.successes < rate.trials)
    low, high = ends(wilson(rate.successes, rate.trials, 0.90))
    wide_low, wide_high = ends(wilson(rate.successes, rate.trials, 0.95))
    next_low, next_high = ends(wilson(rate.successes + 1, rate.trials, 0.90))

    assert (wide_low <= low, high <= wide_high) == (True, True)
    assert (low < next_low, high < next_high) == (True, True)


@patient
@given(rates(), rates())
@example(Rate(69, 416), Rate(94, 428))  # the score method of the oracle fails on this cell
def test_the_intervals_agree_with_the_oracle(control: Rate, treated: Rate) -> None:
    counts = (treated.successes, treated.trials, control.successes, control.trials)
    lift = confint_proportions_2indep(*counts, method="newcomb", compare="diff")
    ratio = confint_proportions_2indep(*counts, method="log-adjusted", compare="ratio")

    result = compare_rates(control, treated)

    clipped = [max(-1.0, lift[0]), min(1.0, lift[1])]
    assert ends(result.difference_interval) == exactly(clipped)
    assert ends(result.relative_interval) == exactly([end - 1 for end in ratio])


@patient
@given(rates(), rates())
def test_the_p_value_agrees_with_the_oracle(control: Rate, treated: Rate) -> None:
    result = compare_rates(control, treated)
    assume(result.test is RateTest.POOLED_Z)

    counts = [treated.successes, control.successes], [treated.trials, control.trials]
    assert result.p_value == pytest.approx(proportions_ztest(*counts)[1], rel=1e-9, abs=1e-300)


@patient
@given(rates(400), rates(60))
@example(Rate(0, 7), Rate(0, 9))
@example(Rate(3, 3), Rate(5, 5))
@example(Rate(4, 10_000), Rate(5, 90_000))
def test_small_cells_take_fishers_exact_test(control: Rate, treated: Rate) -> None:
    result = compare_rates(control, treated)
    assume(result.test is RateTest.FISHER_EXACT)

    table = [[rate.successes, rate.trials - rate.successes] for rate in (treated, control)]
    assert result.p_value == pytest.approx(fisher_exact(table)[1], rel=1e-9)


@patient
@given(rates(), rates())
def test_the_lift_lies_in_its_interval_within_minus_1_and_1(control: Rate, treated: Rate) -> None:
    result = compare_rates(control, treated)

    assert result.difference is not None
    low, high = ends(result.difference_interval)
    assert -1 <= low <= result.difference <= high <= 1


@patient
@given(rates(), rates())
def test_swapping_the_arms_mirrors_the_result(control: Rate, treated: Rate) -> None:
    one, other = compare_rates(control, treated), compare_rates(treated, control)

    low, high = ends(other.difference_interval)
    assert one.p_value == pytest.approx(other.p_value, rel=1e-9)
    assert ends(one.difference_interval) == exactly((-high, -low))


def test_the_lift_of_one_send(
    rounded: Callable[[RateComparison], RateComparison],
) -> None:
    result = compare_rates(Rate(40, 1_000), Rate(540, 9_000))

    assert rounded(result) == RateComparison(
        control=Rate(40, 1_000),
        treated=Rate(540, 9_000),
        level=0.95,
        control_interval=Interval(0.02951, 0.05401),
        treated_interval=Interval(0.05528, 0.0651),
        difference=0.02,
        difference_interval=Interval(0.00522, 0.03166),
        p_value=0.01026,
        test=RateTest.POOLED_Z,
        relative_lift=0.5,
        relative_interval=Interval(0.0853, 1.02784),
        flags=frozenset(),
    )


@pytest.mark.parametrize(
    ("treated", "control", "published"),
    [
        (Rate(56, 70), Rate(48, 80), (0.0524, 0.3339)),
        (Rate(9, 10), Rate(3, 10), (0.1705, 0.8090)),
        (Rate(6, 7), Rate(2, 7), (0.0582, 0.8062)),
        (Rate(5, 56), Rate(0, 29), (-0.0381, 0.1926)),
        (Rate(0, 10), Rate(0, 20), (-0.1611, 0.2775)),
        (Rate(10, 10), Rate(0, 20), (0.6791, 1.0)),
    ],
)
def test_newcombe_gives_the_intervals_of_the_paper(
    treated: Rate, control: Rate, published: tuple[float, float]
) -> None:
    assert ends(newcombe(control, treated)) == pytest.approx(published, abs=5e-5)


def test_an_empty_arm_gives_no_figures_and_no_error() -> None:
    result = compare_rates(Rate(0, 0), Rate(3, 90))

    assert result == RateComparison(
        control=Rate(0, 0),
        treated=Rate(3, 90),
        level=0.95,
        control_interval=None,
        treated_interval=wilson(3, 90),
        difference=None,
        difference_interval=None,
        p_value=None,
        test=RateTest.NONE,
        relative_lift=None,
        relative_interval=None,
        flags=frozenset(),
    )


def test_a_control_without_buyers_has_an_interval_but_no_ratio() -> None:
    result = compare_rates(Rate(0, 100), Rate(27, 900))

    assert result.relative_lift is None
    assert result.relative_interval is not None
    assert result.flags == {Flag.RELATIVE_UNDETERMINED}


def test_a_million_people_are_tested_exactly() -> None:
    result = compare_rates(Rate(1, 1_000), Rate(3_996, 999_000))

    oracle = fisher_exact([[3_996, 995_004], [1, 999]])[1]
    assert result.test is RateTest.FISHER_EXACT
    assert result.p_value == pytest.approx(oracle, rel=1e-9)


@pytest.mark.parametrize(("successes", "trials"), [(-1, 10), (11, 10), (0, -1)])
def test_impossible_counts_are_refused(successes: int, trials: int) -> None:
    with pytest.raises(ValueError, match="cannot be"):
        Rate(successes, trials)


@pytest.mark.parametrize("level", [0, 1, 95])
def test_a_level_in_percent_is_refused(level: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        compare_rates(Rate(1, 10), Rate(2, 10), level)


@pytest.mark.parametrize(
    ("arms", "rates_of_arms", "of_lift", "of_ratio"),
    [
        ((900, 100), (0.03, 0.02), 0.9622, 0.9445),
        ((900, 100), (0.08, 0.05), 0.9533, 0.9535),
        ((4500, 500), (0.01, 0.005), 0.9605, 0.9451),
    ],
)
def test_the_intervals_cover_the_truth_as_often_as_they_should(
    arms: tuple[int, int], rates_of_arms: tuple[float, float], of_lift: float, of_ratio: float
) -> None:
    """Exact: every outcome of over 1e-7 probability in each arm, weighted by its probability."""
    difference, lift = rates_of_arms[0] - rates_of_arms[1], rates_of_arms[0] / rates_of_arms[1] - 1
    covered, covered_ratio = [], []
    for (treated, p), (control, q) in product(*map(outcomes, arms, rates_of_arms)):
        result = compare_rates(control, treated)
        assert result.difference_interval is not None
        assert result.relative_interval is not None
        covered.append(p * q * result.difference_interval.covers(difference))
        covered_ratio.append(p * q * result.relative_interval.covers(lift))

    assert math.fsum(covered) == pytest.approx(of_lift, abs=5e-5)
    assert math.fsum(covered_ratio) == pytest.approx(of_ratio, abs=5e-5)


def outcomes(trials: int, rate: float) -> list[tuple[Rate, float]]:
    likely = zip(range(trials + 1), binom.pmf(range(trials + 1), trials, rate), strict=True)
    return [(Rate(successes, trials), float(p)) for successes, p in likely if p > 1e-7]
