from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.contingency_tables import StratifiedTable
from statsmodels.stats.weightstats import DescrStatsW

from orchestrator.statistics import (
    Interval,
    PooledComparison,
    Rate,
    RateTest,
    Stratum,
    compare_rates,
    pool,
)

patient = settings(deadline=None, max_examples=50)
LOOPS = [
    Stratum(Rate(96, 1_685), Rate(1_215, 15_173)),
    Stratum(Rate(60, 1_403), Rate(706, 12_626)),
    Stratum(Rate(41, 1_225), Rate(459, 11_002)),
]


@st.composite
def rates(draw: st.DrawFn) -> Rate:
    trials = draw(st.integers(2, 5_000))
    return Rate(draw(st.integers(1, trials - 1)), trials)


strata_lists = st.lists(st.builds(Stratum, rates(), rates()), min_size=1, max_size=6)


def ends(interval: Interval | None) -> tuple[float, float]:
    assert interval is not None
    return interval.low, interval.high


@patient
@given(strata_lists)
def test_the_difference_agrees_with_the_oracle_at_the_same_weights(strata: list[Stratum]) -> None:
    differences = [compare_rates(*stratum).difference for stratum in strata]
    weights = [1 / (1 / one.trials + 1 / other.trials) for one, other in strata]
    oracle = DescrStatsW(differences, weights=weights).mean

    assert pool(strata).difference == pytest.approx(oracle, rel=1e-9, abs=1e-12)


@patient
@given(strata_lists)
def test_the_test_agrees_with_the_oracle(strata: list[Stratum]) -> None:
    tables = [
        np.array([[rate.successes, rate.trials - rate.successes] for rate in stratum])
        for stratum in strata
    ]
    oracle = StratifiedTable(tables).test_null_odds(correction=False)

    p_value = pool(strata).p_value

    # The oracle takes 1 - cdf, which has no digits left below 1e-16.
    assert p_value == pytest.approx(oracle.pvalue, rel=1e-9, abs=1e-14)


@patient
@given(rates(), rates())
def test_one_send_pooled_alone_keeps_its_difference_and_interval(
    control: Rate, treated: Rate
) -> None:
    alone, pooled = compare_rates(control, treated), pool([Stratum(control, treated)])

    assert pooled.difference == pytest.approx(alone.difference, abs=1e-12)
    assert ends(pooled.difference_interval) == pytest.approx(
        ends(alone.difference_interval), abs=1e-12
    )


@patient
@given(strata_lists)
def test_the_difference_lies_in_its_interval_within_minus_1_and_1(strata: list[Stratum]) -> None:
    result = pool(strata)

    assert result.difference is not None
    low, high = ends(result.difference_interval)
    assert -1 <= low <= result.difference <= high <= 1


@patient
@given(strata_lists)
def test_swapping_the_arms_mirrors_the_result(strata: list[Stratum]) -> None:
    one = pool(strata)
    other = pool([Stratum(treated, control) for control, treated in strata])

    low, high = ends(other.difference_interval)
    assert ends(one.difference_interval) == pytest.approx((-high, -low), abs=1e-12)
    assert one.p_value == pytest.approx(other.p_value, rel=1e-6)


def test_three_loops_together(rounded: Callable[[PooledComparison], PooledComparison]) -> None:
    assert rounded(pool(LOOPS)) == PooledComparison(
        control=Rate(197, 4_313),
        treated=Rate(2_380, 38_801),
        strata=3,
        level=0.95,
        control_rate=0.04568,
        treated_rate=0.06132,
        difference=0.01565,
        difference_interval=Interval(0.0086, 0.02197),
        p_value=0.00004,
        test=RateTest.MANTEL_HAENSZEL,
        flags=frozenset(),
    )


def test_loops_together_are_surer_than_each_alone() -> None:
    low, high = ends(pool(LOOPS).difference_interval)

    for stratum in LOOPS:
        alone_low, alone_high = ends(compare_rates(*stratum).difference_interval)
        assert high - low < alone_high - alone_low


def test_adding_the_counts_up_would_mislead_where_the_split_changes() -> None:
    strata = [
        Stratum(Rate(100, 1_000), Rate(900, 9_000)),
        Stratum(Rate(180, 9_000), Rate(20, 1_000)),
    ]

    result = pool(strata)

    assert result.difference == pytest.approx(0)
    assert result.p_value == pytest.approx(1)
    assert (result.control.share, result.treated.share) == (0.028, 0.092)


def test_a_send_without_holdout_says_nothing() -> None:
    assert pool([*LOOPS, Stratum(Rate(0, 0), Rate(700, 9_000))]) == pool(LOOPS)


@pytest.mark.parametrize("strata", [[], [Stratum(Rate(0, 0), Rate(7, 90))]])
def test_nothing_to_pool_gives_no_figures_and_no_error(strata: list[Stratum]) -> None:
    assert pool(strata) == PooledComparison(
        control=Rate(0, 0),
        treated=Rate(0, 0),
        strata=0,
        level=0.95,
        control_rate=None,
        treated_rate=None,
        difference=None,
        difference_interval=None,
        p_value=None,
        test=RateTest.NONE,
        flags=frozenset(),
    )


def test_nobody_bought_in_any_send() -> None:
    result = pool([Stratum(Rate(0, 100), Rate(0, 900))] * 3)

    assert (result.difference, result.p_value) == (0, 1)


@pytest.mark.parametrize(
    "sends",
    [
        [(0.057, 0.080, 900), (0.043, 0.056, 700), (0.034, 0.042, 500)],
        [(0.020, 0.030, 450)] * 5,
        [(0.020, 0.020, 900)] * 3,
    ],
)
def test_the_interval_of_several_small_sends_covers_the_truth(
    sends: list[tuple[float, float, int]],
) -> None:
    """1,500 campaigns by fixed seed, nine treated for each held out; 3 standard errors: 1.7 %."""
    random, runs = np.random.default_rng(7), 1_500
    sizes = [(size // 9, size) for _, _, size in sends]
    weights = [control * treated / (control + treated) for control, treated in sizes]
    lifts = [treated - natural for natural, treated, _ in sends]
    truth = np.average(lifts, weights=weights)
    controls = [random.binomial(size // 9, p, runs) for p, _, size in sends]
    treateds = [random.binomial(size, p, runs) for _, p, size in sends]

    covered = 0
    for run in range(runs):
        seen = zip(controls, treateds, sizes, strict=True)
        strata = [
            Stratum(Rate(int(few[run]), control), Rate(int(many[run]), treated))
            for few, many, (control, treated) in seen
        ]
        covered += Interval(*ends(pool(strata).difference_interval)).covers(truth)

    assert 0.935 <= covered / runs <= 0.975
