"""Coupon codes that people can read aloud and type without a mistake going through."""

from collections.abc import Callable, Iterator
from datetime import date, datetime
from enum import StrEnum
from itertools import count as counting
from operator import mul
from struct import Struct
from zoneinfo import ZoneInfo

from orchestrator.domain.calendar import Span, day_ends, due_at

# No 0 O 1 I L U S: 29 symbols, a prime, so that the check symbol finds every single typo and swap.
ALPHABET = "23456789ABCDEFGHJKMNPQRTVWXYZ"
CODE_LENGTH = 12  #: 11 random symbols (53 bits) and a check symbol
_VALUE = {symbol: value for value, symbol in enumerate(ALPHABET)}
_eight_bytes = Struct(">Q").iter_unpack
_PAIRS = [first + second for second in ALPHABET for first in ALPHABET]


class CouponState(StrEnum):
    POOL = "pool"  #: imported, nobody has it yet
    ISSUED = "issued"  #: belongs to one enrollment
    REDEEMED = "redeemed"  #: used by one order
    EXPIRED = "expired"  #: its last day is over


class CodeFate(StrEnum):
    """What became of the code on an order; the first that holds."""

    UNKNOWN = "unknown"  #: of another promotion, or a slip that cannot be told from it
    MISTYPED = "mistyped"  #: looks like one of ours, but its check symbol is wrong
    REDEEMED = "redeemed"  #: by this order
    ORDER_CANCELLED = "order_cancelled"
    USED_BEFORE = "used_before"  #: by another order
    NOT_ISSUED_YET = "not_issued_yet"  #: when the order was placed, or it is in a pool still
    OVER = "over"  #: before the order was placed
    ORDER_HAS_ANOTHER = "order_has_another"  #: it redeemed a coupon before its code was changed


def ends_at(begins: datetime, valid: Span | None, until: date | None, zone: ZoneInfo) -> datetime:
    """Return when a coupon ends: so long after its message goes, or with the offer's last day."""
    ends = [] if valid is None else [due_at(begins, valid, zone)]
    ends += [] if until is None else [day_ends(until, zone)]
    return min(ends)


def new_codes(count: int, random_bytes: Callable[[int], bytes]) -> Iterator[str]:
    """Yield codes; ``random_bytes`` is ``secrets.token_bytes``, or a seeded generator's in a simulation."""
    pairs = range((CODE_LENGTH - 1) // 2)
    for (drawn,) in _eight_bytes(random_bytes(8 * count)):
        left, text = drawn, ""
        for _ in pairs:
            left, pair = divmod(left, len(_PAIRS))
            text += _PAIRS[pair]
        text += ALPHABET[left % len(ALPHABET)]
        yield text + check_symbol(text)


def check_symbol(body: str) -> str:
    """Weighted sum modulo the prime 29 with distinct non-zero weights: finds every typo and every swap."""
    total = sum(map(mul, counting(2), map(_VALUE.__getitem__, body)))
    # The check symbol itself has weight 1.
    return ALPHABET[-total % len(ALPHABET)]


def normalise_code(text: str) -> str:
    return "".join(text.split()).replace("-", "").upper()


def looks_like_ours(code: str) -> bool:
    return len(code) == CODE_LENGTH and all(symbol in _VALUE for symbol in code)


def is_wellformed(code: str) -> bool:
    return looks_like_ours(code) and check_symbol(code[:-1]) == code[-1]


def fate_of_unknown(code: str) -> CodeFate:
    slip = looks_like_ours(code) and not is_wellformed(code)
    return CodeFate.MISTYPED if slip else CodeFate.UNKNOWN
