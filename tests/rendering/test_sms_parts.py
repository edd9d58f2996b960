from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.rendering import SmsEncoding, SmsParts, sms_cost, sms_parts

GSM, UCS = SmsEncoding.GSM_7, SmsEncoding.UCS_2
DEFAULT = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = "\f^{}\\[~]|€"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", SmsParts(GSM, 0, 0)),
        ("a" * 160, SmsParts(GSM, 160, 1)),
        ("a" * 161, SmsParts(GSM, 161, 2)),
        ("a" * 306, SmsParts(GSM, 306, 2)),
        ("a" * 307, SmsParts(GSM, 307, 3)),
        ("€" * 80, SmsParts(GSM, 160, 1)),
        ("€" * 81, SmsParts(GSM, 162, 2)),
        # One septet stays empty: the euro sign does not fit into the last one of the first part.
        ("a" * 152 + "€" + "a" * 152, SmsParts(GSM, 306, 3)),
        ("中" * 70, SmsParts(UCS, 70, 1)),
        ("中" * 71, SmsParts(UCS, 71, 2)),
        ("中" * 134, SmsParts(UCS, 134, 2)),
        ("中" * 135, SmsParts(UCS, 135, 3)),
        ("😀" * 35, SmsParts(UCS, 70, 1)),
        # 33 pairs fill 66 of 67 units.
        ("😀" * 67, SmsParts(UCS, 134, 3)),
        ("it’s", SmsParts(UCS, 4, 1)),
        ("`", SmsParts(UCS, 1, 1)),
    ],
)
def test_counts_what_is_paid(text: str, expected: SmsParts) -> None:
    assert sms_parts(text) == expected


def test_knows_the_whole_default_alphabet() -> None:
    assert len(DEFAULT) == 127
    assert sms_parts(DEFAULT) == SmsParts(GSM, 127, 1)
    assert sms_parts(EXTENSION) == SmsParts(GSM, 20, 1)


def symbol_by_symbol(text: str) -> SmsParts:
    """The same from the other side: lay each symbol into the first part with room for it."""
    gsm = all(symbol in DEFAULT + EXTENSION for symbol in text)
    wide = [symbol in EXTENSION if gsm else ord(symbol) > 0xFFFF for symbol in text]
    units = [2 if double else 1 for double in wide]
    encoding = GSM if gsm else UCS
    if sum(units) <= (160 if gsm else 70):
        return SmsParts(encoding, sum(units), 1 if text else 0)
    filled = [0]
    for size in units:
        if filled[-1] + size > (153 if gsm else 67):
            filled.append(0)
        filled[-1] += size
    return SmsParts(encoding, sum(units), len(filled))


@given(st.text(alphabet=DEFAULT[:20] + EXTENSION, max_size=500))
def test_never_splits_an_escaped_symbol(text: str) -> None:
    assert sms_parts(text) == symbol_by_symbol(text)


@given(st.text(alphabet="a中é€😀𠮷", max_size=300))
def test_never_splits_a_surrogate_pair(text: str) -> None:
    assert sms_parts(text) == symbol_by_symbol(text)


@given(st.text(alphabet=st.characters(max_codepoint=127), max_size=500))
def test_counts_whatever_a_keyboard_types(text: str) -> None:
    assert sms_parts(text) == symbol_by_symbol(text)


def test_costs_add_up_in_thousandths_of_a_minor_unit() -> None:
    assert sms_cost(3, price_per_part=Decimal("4.5")) == 13_500
    assert sms_cost(1, price_per_part=Decimal("0.7905")) == 791
    assert sms_cost(0, price_per_part=Decimal("4.5")) == 0
