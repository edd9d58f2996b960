"""Money: integer minor units and a currency; never a float."""

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

# ISO 4217: currencies whose minor unit is not a hundredth.
_EXPONENTS = {
    **dict.fromkeys(
        [
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "UYI",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ],
        0,
    ),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
}
_AMOUNT = re.compile(r"^\s*(-?\d+(?:\.\d+)?)\s*([A-Z]{3})\s*$")


def minor_digits(currency: str) -> int:
    return _EXPONENTS.get(currency, 2)


@dataclass(frozen=True, slots=True)
class Money:
    minor: int
    currency: str

    @classmethod
    def parse(cls, text: str) -> "Money":
        """Read ``199 CNY`` or ``19.90 EUR``; ValueError on anything else or on too many decimals."""
        match = _AMOUNT.match(text)
        if match is None:
            raise ValueError(f"{text!r} is not an amount with a currency, such as 199 CNY")
        return cls(to_minor(match[1], match[2]), match[2])

    def __str__(self) -> str:
        digits = minor_digits(self.currency)
        return f"{Decimal(self.minor).scaleb(-digits):,.{digits}f} {self.currency}"

    @property
    def plain(self) -> str:
        """The number as people write it in a message: 20, 19.90."""
        digits = minor_digits(self.currency)
        whole, rest = divmod(abs(self.minor), 10**digits)
        sign = "-" if self.minor < 0 else ""
        return f"{sign}{whole}" if rest == 0 else f"{sign}{whole}.{rest:0{digits}d}"


def to_minor(amount: str, currency: str) -> int:
    """Return the integer number of minor units; ValueError where the amount has more decimals than the currency."""
    try:
        scaled = Decimal(amount).scaleb(minor_digits(currency))
    except InvalidOperation as error:
        raise ValueError(f"{amount!r} is not a number") from error
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{amount} has more decimals than {currency} knows")
    return int(scaled)
