"""The lot stands in for a coin toss: always the same, and fair."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.domain.arms import LOTS, draw_lot, lots_of, variant_bounds, wave_salt


def test_the_lot_is_the_first_32_bits_of_sha_256() -> None:
    digest = hashlib.sha256(b"salt:+8613800000000").hexdigest()

    assert draw_lot("+8613800000000", "salt") == int(digest[:8], 16) % 10_000


@given(st.text(), st.text())
def test_the_same_person_draws_the_same_lot_again(person: str, salt: str) -> None:
    assert draw_lot(person, salt) == draw_lot(person, salt) < LOTS


def test_a_twentieth_is_held_out_give_or_take_chance() -> None:
    held_out = sum(draw_lot(str(person), "s") < lots_of(0.05) for person in range(40_000))

    assert abs(held_out - 2_000) < 4 * (40_000 * 0.05 * 0.95) ** 0.5


def test_two_waves_toss_apart() -> None:
    both = sum(
        draw_lot(str(person), wave_salt("s", "coupon", 0)) < 5_000
        and draw_lot(str(person), wave_salt("s", "coupon", 1)) < 5_000
        for person in range(20_000)
    )

    assert abs(both - 5_000) < 250


def test_the_last_variant_takes_what_rounding_leaves() -> None:
    assert variant_bounds([1 / 3, 1 / 3, 1 / 3]) == [3333, 6667, 10_000]
