"""What a text costs as SMS: the alphabet it needs, its length in it, and how many parts are paid."""

import re
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import NamedTuple

# 3GPP TS 23.038: the default alphabet, and the extension table whose symbols take two septets.
_DEFAULT = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = "\f^{}\\[~]|€"
_GSM_TEXT = re.compile(f"[{re.escape(_DEFAULT + _EXTENSION)}]*")
# What most texts hold alone, one septet each.
_PLAIN = "".join(filter(str.isascii, _DEFAULT)).encode()
_ESCAPED = re.compile(f"[{re.escape(_EXTENSION)}]")
_OUTSIDE_BASIC_PLANE = re.compile("[\U00010000-\U0010ffff]")


class SmsEncoding(StrEnum):
    GSM_7 = "GSM-7"
    UCS_2 = "UCS-2"


class SmsParts(NamedTuple):
    """``units`` are septets in GSM-7 and 16-bit units in UCS-2."""

    encoding: SmsEncoding
    units: int
    parts: int


_ROOM = {SmsEncoding.GSM_7: (160, 153), SmsEncoding.UCS_2: (70, 67)}


def sms_parts(text: str) -> SmsParts:
    """Return what is paid: a symbol of two units (extension, surrogate pair) is never split over parts."""
    plain = text.isascii() and not text.encode().translate(None, _PLAIN)
    if plain or _GSM_TEXT.fullmatch(text):
        encoding, double = SmsEncoding.GSM_7, _ESCAPED
    else:
        encoding, double = SmsEncoding.UCS_2, _OUTSIDE_BASIC_PLANE
    doubles = 0 if plain else len(double.findall(text))
    units = len(text) + doubles
    alone, each = _ROOM[encoding]
    if units <= alone:
        return SmsParts(encoding, units, 1 if text else 0)
    parts = _filled(text, double, each) if doubles else -(-units // each)
    return SmsParts(encoding, units, parts)


def _filled(text: str, double: re.Pattern[str], each: int) -> int:
    parts, room = 1, each
    for symbol in text:
        units = 2 if double.match(symbol) else 1
        if units > room:
            parts, room = parts + 1, each
        room -= units
    return parts


def sms_cost(parts: int, *, price_per_part: Decimal) -> int:
    """
    Return the cost in thousandths of a minor unit.

    ``price_per_part`` is in minor units: a part at 0.045 CNY is ``Decimal("4.5")`` (fen), and two
    of them cost 9,000. Whole numbers add up over a campaign without an error; divide by 1,000 last.
    """
    thousandths = price_per_part * parts * 1000
    return int(thousandths.to_integral_value(ROUND_HALF_UP))
