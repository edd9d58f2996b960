from collections.abc import Callable

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import binom, chisquare

from orchestrator.statistics import RatioTest, SampleRatio, sample_ratio

patient = settings(deadline=None, max_examples=50)


@patient
@given(st.lists(st.tuples(st.integers(0, 5_000), st.integers(1, 20)), min_size=2, max_size=5))
def test_the_test_agrees_with_the_oracle(arms: list[tuple[int, int]]) -> None:
    observed = [seen for seen, _ in arms]
    shares = [part / sum(parts for _, parts in arms) for _, part in arms]
    assume(min(shares) * sum(observed) >= 5)

    expected = [share * sum(observed) for share in shares]
    assert sample_ratio(observed, shares).p_value == pytest.approx(
        chisquare(observed, expected).pvalue, rel=1e-9, abs=1e-300
    )


def test_arms_as_drawn_raise_no_alarm(
    rounded: Callable[[SampleRatio], SampleRatio],
) -> None:
    assert rounded(sample_ratio([9_030, 970], [0.9, 0.1])) == SampleRatio(
        observed=(9_030, 970),
        expected=(9_000, 1_000),
        p_value=0.31731,
        test=RatioTest.CHI_SQUARE,
        alarm=False,
    )


def test_a_leaking_holdout_raises_the_alarm() -> None:
    result = sample_ratio([9_120, 880], [0.9, 0.1])

    assert result.p_value == pytest.approx(6.334e-5, rel=1e-3)
    assert result.alarm


def test_three_people_of_ten_withheld_instead_of_half_a_person_raise_no_alarm() -> None:
    result = sample_ratio([7, 3], [0.95, 0.05])

    both_tails = 2 * binom.sf(2, 10, 0.05)
    assert (result.test, result.alarm) == (RatioTest.EXACT_BINOMIAL, False)
    assert result.p_value == pytest.approx(both_tails, rel=1e-9)


@pytest.mark.parametrize("people", [10, 20, 45, 80, 99])
def test_small_sends_raise_no_more_false_alarms_than_promised(people: int) -> None:
    withheld = range(people + 1)
    chances = binom.pmf(withheld, people, 0.05)
    alarms = [sample_ratio([people - held, held], [0.95, 0.05]).alarm for held in withheld]

    assert sum(p for p, alarm in zip(chances, alarms, strict=True) if alarm) <= 0.001


@pytest.mark.parametrize(("observed", "shares"), [([0, 0], [0.9, 0.1]), ([80], [1.0])])
def test_nothing_to_compare_is_no_alarm(observed: list[int], shares: list[float]) -> None:
    result = sample_ratio(observed, shares)

    assert (result.p_value, result.test, result.alarm) == (None, RatioTest.NONE, False)


def test_people_in_an_arm_that_was_not_planned_raise_the_alarm() -> None:
    assert sample_ratio([900, 95, 5], [0.9, 0.1, 0.0]).alarm


def test_an_arm_planned_and_found_empty_changes_nothing() -> None:
    assert not sample_ratio([905, 95, 0], [0.9, 0.1, 0.0]).alarm


@pytest.mark.parametrize("shares", [[0.9], [0.9, 0.2], [1.1, -0.1]])
def test_shares_that_are_no_plan_are_refused(shares: list[float]) -> None:
    with pytest.raises(ValueError, match="planned share"):
        sample_ratio([90, 10], shares)
