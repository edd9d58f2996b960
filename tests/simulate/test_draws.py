"""Draws hang on their key alone."""

import numpy as np
import pytest
from scipy import stats

from orchestrator.services.simulate.draws import betas, exponentials, gammas, picks, uniforms

EVERYONE = np.arange(50_000)


def test_a_draw_does_not_depend_on_who_else_is_asked() -> None:
    all_of_them = uniforms(7, "buys", EVERYONE, 3)

    some = uniforms(7, "buys", EVERYONE[100:200], 3)

    assert np.array_equal(some, all_of_them[100:200])


@pytest.mark.parametrize("other", [(8, "buys", 3), (7, "delay", 3), (7, "buys", 4)])
def test_another_seed_purpose_or_step_tosses_apart(other: tuple[int, str, int]) -> None:
    seed, purpose, step = other
    one, two = uniforms(7, "buys", EVERYONE, 3), uniforms(seed, purpose, EVERYONE, step)

    assert abs(np.corrcoef(one, two)[0, 1]) < 0.02


def test_draws_are_uniform() -> None:
    assert stats.kstest(uniforms(7, "buys", EVERYONE, 3), "uniform").pvalue > 0.001


def test_draws_have_the_distributions_they_are_named_after() -> None:
    uniform = uniforms(7, "rate", EVERYONE)

    found = [
        exponentials(uniform, 3.0).mean(),
        gammas(uniform, 0.649, 11.955).mean(),
        betas(uniform, 0.3578, 3.177).mean(),
    ]

    assert found == pytest.approx([3.0, 0.649 / 11.955, 0.3578 / 3.5348], rel=0.03)


def test_picks_follow_the_shares() -> None:
    picked = picks(uniforms(7, "region", EVERYONE), np.array([3.0, 1.0]))

    assert np.bincount(picked) / len(EVERYONE) == pytest.approx([0.75, 0.25], abs=0.01)
