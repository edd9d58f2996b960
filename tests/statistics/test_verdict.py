import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.statistics import (
    Flag,
    Judgement,
    Rate,
    Stratum,
    Verdict,
    compare_rates,
    customers_to_decide,
    judge,
    pool,
    sample_ratio,
)

patient = settings(deadline=None, max_examples=50)
CLEAR = compare_rates(Rate(50, 1_000), Rate(900, 9_000))
UNCLEAR = compare_rates(Rate(50, 1_000), Rate(480, 9_000))


@st.composite
def rates(draw: st.DrawFn) -> Rate:
    trials = draw(st.integers(1, 5_000))
    return Rate(draw(st.integers(0, trials)), trials)


def test_a_clear_rise_works() -> None:
    assert judge(CLEAR) == Judgement(Verdict.WORKS, None, frozenset())


def test_a_clear_fall_harms() -> None:
    fall = compare_rates(Rate(100, 1_000), Rate(450, 9_000))

    assert judge(fall) == Judgement(Verdict.HARMS, None, frozenset())


def test_an_unclear_lift_says_how_many_customers_the_planned_effect_takes() -> None:
    result = judge(UNCLEAR, planned_effect=0.01)

    needed = customers_to_decide(50.5 / 1_001, 0.01, 0.1)
    assert result == Judgement(Verdict.CANNOT_TELL, needed, frozenset({Flag.UNDERPOWERED}))
    assert needed == pytest.approx(42_747, abs=500)


def test_a_planned_effect_that_would_have_shown_gives_way_to_the_seen_one() -> None:
    result = judge(UNCLEAR, planned_effect=0.03)

    needed = customers_to_decide(50.5 / 1_001, 480 / 9_000 - 0.05, 0.1)
    assert result == Judgement(Verdict.CANNOT_TELL, needed, frozenset())


def test_no_number_of_customers_decides_a_lift_of_exactly_nothing() -> None:
    nothing = compare_rates(Rate(50, 1_000), Rate(450, 9_000))

    assert judge(nothing) == Judgement(Verdict.CANNOT_TELL, None, frozenset())


@pytest.mark.parametrize("arms", [(Rate(0, 0), Rate(90, 900)), (Rate(5, 100), Rate(0, 0))])
def test_an_empty_arm_is_not_measured(arms: tuple[Rate, Rate]) -> None:
    assert judge(compare_rates(*arms)) == Judgement(Verdict.NOT_MEASURED, None, frozenset())


def test_a_historical_baseline_is_not_measured() -> None:
    result = judge(CLEAR, flags=[Flag.NON_CAUSAL])

    assert result == Judgement(Verdict.NOT_MEASURED, None, frozenset({Flag.NON_CAUSAL}))


def test_a_sample_ratio_alarm_blocks_the_verdict() -> None:
    result = judge(CLEAR, ratio=sample_ratio([9_000, 1_000], [0.8, 0.2]))

    assert result == Judgement(Verdict.CANNOT_TELL, None, frozenset({Flag.SRM}))


def test_a_window_that_still_runs_blocks_the_verdict() -> None:
    result = judge(CLEAR, flags=[Flag.WINDOW_INCOMPLETE])

    assert result == Judgement(Verdict.CANNOT_TELL, None, frozenset({Flag.WINDOW_INCOMPLETE}))


def test_an_overlap_is_told_but_blocks_nothing() -> None:
    result = judge(CLEAR, ratio=sample_ratio([9_000, 1_000], [0.9, 0.1]), flags=[Flag.OVERLAP])

    assert result == Judgement(Verdict.WORKS, None, frozenset({Flag.OVERLAP}))


def test_the_flags_of_the_comparison_stay() -> None:
    result = judge(compare_rates(Rate(0, 100), Rate(9, 900)))

    assert result.flags == {Flag.RELATIVE_UNDETERMINED}


def test_two_unclear_sends_can_be_clear_together() -> None:
    send = Stratum(Rate(50, 1_000), Rate(570, 9_000))

    verdicts = [judge(compare_rates(*send)).verdict, judge(pool([send] * 3)).verdict]

    assert verdicts == [Verdict.CANNOT_TELL, Verdict.WORKS]


def test_a_stricter_level_asks_for_more() -> None:
    arms = Rate(40, 1_000), Rate(540, 9_000)

    verdicts = [judge(compare_rates(*arms, level)).verdict for level in (0.95, 0.999)]

    assert verdicts == [Verdict.WORKS, Verdict.CANNOT_TELL]


@patient
@given(rates(), rates())
def test_the_verdict_never_contradicts_its_figures(control: Rate, treated: Rate) -> None:
    comparison = compare_rates(control, treated)
    opposite = {Verdict.WORKS: Verdict.HARMS, Verdict.HARMS: Verdict.WORKS}

    verdict = judge(comparison).verdict

    assert comparison.difference is not None
    assert comparison.difference_interval is not None
    stated = verdict in opposite
    assert not (stated and comparison.difference_interval.covers(0))
    assert (verdict is Verdict.WORKS) <= (comparison.difference > 0)
    swapped = judge(compare_rates(treated, control)).verdict
    assert swapped is opposite.get(verdict, verdict)


@patient
@given(rates(), rates())
def test_the_number_is_named_only_while_undecided_and_asks_for_more(
    control: Rate, treated: Rate
) -> None:
    result = judge(compare_rates(control, treated))

    if result.customers_to_decide is not None:
        assert result.verdict is Verdict.CANNOT_TELL
        assert result.customers_to_decide > control.trials + treated.trials
