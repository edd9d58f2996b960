"""Coupon codes: no letter to mix up, and no typo that goes through."""

import random

from orchestrator.domain.coupons import (
    ALPHABET,
    CODE_LENGTH,
    is_wellformed,
    new_codes,
    normalise_code,
)

CODES = list(new_codes(60, random.Random(7).randbytes))


def test_a_code_has_twelve_symbols_that_nobody_mixes_up() -> None:
    assert all(len(code) == CODE_LENGTH and is_wellformed(code) for code in CODES)
    assert not set("01OILUS") & set("".join(CODES))


def test_codes_are_all_different() -> None:
    many = list(new_codes(50_000, random.Random(1).randbytes))

    assert len(set(many)) == len(many)


def test_every_single_typo_is_found() -> None:
    slips = [
        code[:place] + symbol + code[place + 1 :]
        for code in CODES
        for place in range(CODE_LENGTH)
        for symbol in ALPHABET
        if symbol != code[place]
    ]

    assert len(slips) == len(CODES) * CODE_LENGTH * 28
    assert not any(is_wellformed(slip) for slip in slips)


def test_every_swap_is_found() -> None:
    for code in CODES:
        for one in range(CODE_LENGTH):
            for two in range(one + 1, CODE_LENGTH):
                symbols = list(code)
                symbols[one], symbols[two] = symbols[two], symbols[one]
                assert code[one] == code[two] or not is_wellformed("".join(symbols))


def test_a_code_is_read_however_it_was_typed() -> None:
    assert normalise_code(" 2345-6789 abcd ") == "23456789ABCD"
