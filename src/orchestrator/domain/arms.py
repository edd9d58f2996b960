"""The lot: who is treated and who is held out, from a salted hash that stands in for a coin toss."""

from collections.abc import Sequence
from enum import StrEnum
from hashlib import sha256
from struct import Struct

LOTS = 10_000  #: lots are numbered 0 … 9,999: a share of 1 is 10,000 lots
_first_32_bits = Struct(">I").unpack_from


class Arm(StrEnum):
    TREATED = "treated"  #: hears from the shop
    HOLDOUT = "holdout"  #: never contacted by this campaign, or withheld from this one send


def draw_lot(person: str, salt: str) -> int:
    """
    Return the person's lot, 0 … 9,999, always the same for the same salt.

    The first 32 bits of SHA-256, modulo 10,000: the same number in Python, SQLite and PostgreSQL.
    The salt names the campaign (and the wave and occurrence), so that two draws toss apart.
    """
    # SQLite calls this for everybody, twice: each look-up less is felt in planning.
    number: int = _first_32_bits(sha256(f"{salt}:{person}".encode()).digest())[0]
    return number % LOTS


def lots_of(share: float) -> int:
    return round(share * LOTS)


def campaign_salt(salt: str) -> str:
    return f"{salt}:campaign"


def wave_salt(salt: str, wave: str, occurrence: int) -> str:
    return f"{salt}:{wave}:{occurrence}"


def variant_salt(salt: str, wave: str) -> str:
    """Repeats of a wave keep a person's variant, so no occurrence is in it."""
    return f"{salt}:{wave}:variant"


def variant_bounds(shares: Sequence[float]) -> list[int]:
    """Return the upper lot (exclusive) of each variant; the last takes what rounding leaves."""
    bounds, total = [], 0.0
    for share in shares:
        total += share
        bounds.append(lots_of(total))
    return [*bounds[:-1], LOTS]
