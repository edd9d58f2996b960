import math
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from statsmodels.stats.power import normal_power_het
from statsmodels.stats.proportion import power_proportions_2indep

from orchestrator.statistics import customers_to_decide, smallest_detectable_effect

patient = settings(deadline=None, max_examples=50)
HOLDOUTS = (0.05, 0.1, 0.2, 0.3, 0.5)
naturals = st.floats(0.001, 0.5)
holdouts = st.floats(0.02, 0.9)


@pytest.mark.parametrize(
    ("people", "natural_rate", "points", "percent"),
    [
        (1_000, 0.05, [9.20, 6.81, 5.26, 4.72, 4.59], [184, 136, 105, 94, 92]),
        (3_000, 0.05, [5.23, 3.84, 2.93, 2.60, 2.47], [105, 77, 59, 52, 49]),
        (10_000, 0.02, [1.84, 1.35, 1.03, 0.91, 0.86], [92, 67, 51, 46, 43]),
        (10_000, 0.05, [2.84, 2.07, 1.57, 1.38, 1.29], [57, 41, 31, 28, 26]),
        (30_000, 0.05, [1.63, 1.19, 0.90, 0.79, 0.73], [33, 24, 18, 16, 15]),
        (100_000, 0.05, [0.89, 0.65, 0.49, 0.43, 0.39], [18, 13, 10, 9, 8]),
    ],
)
def test_the_table_of_smallest_effects(
    people: int, natural_rate: float, points: list[float], percent: list[int]
) -> None:
    effects = [
        smallest_detectable_effect(
            people - round(people * share), round(people * share), natural_rate
        )
        or 0.0
        for share in HOLDOUTS
    ]

    assert [round(100 * effect, 2) for effect in effects] == points
    assert [round(100 * effect / natural_rate) for effect in effects] == percent


@pytest.mark.parametrize(
    ("natural_rate", "difference", "an_arm"),
    [(0.05, 0.01, 8_155), (0.02, 0.01, 3_823), (0.005726, 0.002863, 13_606)],
)
def test_people_for_arms_of_the_same_size(
    natural_rate: float, difference: float, an_arm: int
) -> None:
    people = customers_to_decide(natural_rate, difference, 0.5)

    assert people is not None
    assert -(-people // 2) == an_arm


@patient
@given(naturals, st.floats(0.002, 0.4), holdouts)
def test_that_many_people_have_the_power_by_the_oracle(
    natural_rate: float, difference: float, share: float
) -> None:
    people = customers_to_decide(natural_rate, difference, share)
    assume(people is not None and people > 100)

    rate = natural_rate + difference
    spread = rate * (1 - rate) / (1 - share) + natural_rate * (1 - natural_rate) / share
    found = normal_power_het(difference, people, 0.05, math.sqrt(spread), math.sqrt(spread))
    assert found == pytest.approx(0.8, abs=0.01)
    assert found >= 0.8


def test_a_pooled_test_has_the_promised_power_too() -> None:
    power = power_proportions_2indep(0.01, 0.05, 8_155, return_results=False)

    assert power == pytest.approx(0.79987, abs=5e-6)


@patient
@given(naturals, st.integers(50, 10**6), holdouts)
def test_the_two_formulas_undo_each_other(natural_rate: float, people: int, share: float) -> None:
    control = round(people * share)
    effect = smallest_detectable_effect(people - control, control, natural_rate)
    assume(effect is not None)
    assert effect is not None

    needed = customers_to_decide(natural_rate, effect, control / people)

    assert needed == pytest.approx(people, abs=1.01)


def test_a_smaller_effect_takes_more_people_and_more_people_show_smaller_effects() -> None:
    people = [customers_to_decide(0.05, effect, 0.1) or 0 for effect in (0.04, 0.02, 0.01, 0.005)]
    effects = [smallest_detectable_effect(9 * n, n, 0.05) or 0 for n in (50, 500, 5_000, 50_000)]

    assert all(few < many for few, many in pairwise(people))
    assert all(large > small for large, small in pairwise(effects))


@pytest.mark.parametrize("arms", [(0, 100), (100, 0), (3, 2)])
def test_arms_that_can_show_nothing_have_no_smallest_effect(arms: tuple[int, int]) -> None:
    assert smallest_detectable_effect(*arms, 0.5) is None


@pytest.mark.parametrize(
    ("difference", "share"), [(0.0, 0.1), (0.01, 0.0), (0.01, 1.0), (-0.06, 0.1), (0.96, 0.1)]
)
def test_no_number_of_people_decides_what_cannot_be(difference: float, share: float) -> None:
    assert customers_to_decide(0.05, difference, share) is None


@pytest.mark.parametrize(("natural_rate", "power"), [(5.0, 0.8), (0.05, 80.0)])
def test_percentages_are_refused(natural_rate: float, power: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        customers_to_decide(natural_rate, 0.01, 0.1, power)
