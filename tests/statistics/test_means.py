import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import t as student
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from orchestrator.statistics import (
    Flag,
    Interval,
    MeanComparison,
    MeanTest,
    Moments,
    compare_means,
)

patient = settings(deadline=None, max_examples=50)
amounts = st.lists(st.integers(0, 500_000), min_size=2, max_size=40)
steady_amounts = st.lists(st.integers(60, 140), min_size=3, max_size=40)
many_amounts = st.lists(st.integers(1, 500_000), min_size=30, max_size=40)


def moments(values: list[int]) -> Moments:
    return Moments(
        count=len(values),
        total=sum(values),
        squares=sum(value * value for value in values),
        nonzero=sum(value != 0 for value in values),
    )


def ends(interval: Interval | None) -> tuple[float, float]:
    assert interval is not None
    return interval.low, interval.high


def assert_agrees(control: list[int], treated: list[int], usevar: str) -> None:
    oracle = CompareMeans(DescrStatsW(treated), DescrStatsW(control))

    result = compare_means(moments(control), moments(treated))

    scale = max(*control, *treated)
    assert result.p_value == pytest.approx(oracle.ttest_ind(usevar=usevar)[1], rel=1e-8)
    assert ends(result.difference_interval) == pytest.approx(
        oracle.tconfint_diff(usevar=usevar), rel=1e-9, abs=1e-9 * scale
    )


@patient
@given(many_amounts, amounts)
def test_welch_agrees_with_the_oracle(control: list[int], treated: list[int]) -> None:
    assume(len(set(control)) > 1)

    assert_agrees(control, treated, "unequal")


@patient
@given(st.lists(st.integers(0, 500_000), min_size=2, max_size=29), amounts)
def test_few_control_buyers_pool_the_variance(control: list[int], treated: list[int]) -> None:
    assume(len(set(control)) > 1)

    assert_agrees(control, treated, "pooled")


@patient
@given(steady_amounts, steady_amounts)
def test_the_relative_interval_is_what_the_test_cannot_tell_from_the_truth(
    control: list[int], treated: list[int]
) -> None:
    assume(len(set(control)) > 1)
    result = compare_means(moments(control), moments(treated))
    assume(result.relative_interval is not None)

    assert result.p_value is not None
    outside = not Interval(*ends(result.relative_interval)).covers(0)
    assert outside == (result.p_value < 0.05)


def test_fieller_ends_where_treated_minus_ratio_times_control_is_just_significant() -> None:
    control, treated = (
        Moments(5_000, 500_000, 1_200_000_000, 300),
        Moments(5_000, 600_000, 1_500_000_000, 350),
    )
    result = compare_means(control, treated)

    control_error = (1_200_000_000 - 5_000 * 100**2) / 4_999 / 5_000
    treated_error = (1_500_000_000 - 5_000 * 120**2) / 4_999 / 5_000
    freedom = (control_error + treated_error) ** 2 / ((control_error**2 + treated_error**2) / 4_999)
    for lift in ends(result.relative_interval):
        error = math.sqrt(treated_error + (1 + lift) ** 2 * control_error)
        distance = abs(120 - (1 + lift) * 100) / error
        assert distance == pytest.approx(student.ppf(0.975, freedom), rel=1e-9)


@patient
@given(many_amounts, many_amounts)
def test_swapping_the_arms_mirrors_welch(one: list[int], other: list[int]) -> None:
    assume(len(set(one)) > 1)
    forth = compare_means(moments(one), moments(other))
    back = compare_means(moments(other), moments(one))

    low, high = ends(back.difference_interval)
    assert ends(forth.difference_interval) == pytest.approx((-high, -low))
    assert forth.p_value == pytest.approx(back.p_value)


def test_revenue_per_customer_of_one_send(
    rounded: Callable[[MeanComparison], MeanComparison],
) -> None:
    control = Moments(1_000, 520_000, 900_000_000, 60)
    treated = Moments(9_000, 5_400_000, 9_900_000_000, 640)

    assert rounded(compare_means(control, treated)) == MeanComparison(
        control=control,
        treated=treated,
        level=0.95,
        difference=80.0,
        difference_interval=Interval(27.63495, 132.36505),
        p_value=0.00278,
        test=MeanTest.WELCH,
        relative_lift=0.15385,
        relative_interval=Interval(0.04879, 0.27979),
        flags=frozenset(),
    )


def test_large_amounts_lose_no_digits() -> None:
    prices = [10**12 + step for step in range(60)]

    assert moments(prices).variance == pytest.approx(np.var(range(60), ddof=1), rel=1e-12)


def test_a_control_that_may_be_zero_has_no_relative_interval() -> None:
    control, treated = moments([0] * 98 + [4_000, 9_000]), moments([0] * 880 + [5_000] * 20)

    result = compare_means(control, treated)

    assert (result.test, result.relative_interval) == (MeanTest.POOLED_T, None)
    assert result.flags == {Flag.FEW_CONTROL_BUYERS, Flag.RELATIVE_UNDETERMINED}


@pytest.mark.parametrize(
    ("control", "treated", "difference"),
    [
        (Moments(0, 0, 0, 0), moments([5, 7]), None),
        (moments([5, 7]), Moments(0, 0, 0, 0), None),
        (moments([5]), moments([7]), 2.0),
        (moments([0, 0, 0]), moments([0, 0]), 0.0),
        (moments([4] * 30), moments([4] * 30), 0.0),
    ],
)
def test_what_cannot_be_tested_has_no_figures_and_no_error(
    control: Moments, treated: Moments, difference: float | None
) -> None:
    result = compare_means(control, treated)

    assert (result.difference, result.test) == (difference, MeanTest.NONE)
    assert (result.difference_interval, result.p_value, result.relative_interval) == (None,) * 3
    assert Flag.RELATIVE_UNDETERMINED in result.flags


def test_more_buyers_than_people_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot be"):
        Moments(3, 10, 100, 4)
