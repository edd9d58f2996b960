"""Words, numbers and money, as readers of a locale write them."""

import tomllib
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from importlib.resources import files
from typing import Any

from orchestrator.domain.effects import Estimate
from orchestrator.domain.money import minor_digits
from orchestrator.playbooks.model import ONLY_TRACK

LOCALES = ("en", "zh-CN")
_HOUR, _DAY = 3600, 86_400
_SMALLEST_P = 0.001


class LocaleUnknownError(Exception):
    """There is no word list for the locale."""


@dataclass(frozen=True)
class Words:
    locale: str
    lists: dict[str, dict[str, Any]]

    def say(self, name: str, **values: object) -> str:
        """Return the words under ``section.key``; KeyError where the list has none."""
        section, key = name.split(".")
        text: str = self.lists[section][key]
        return text.format(**values) if values else text

    @property
    def nothing(self) -> str:
        return self.say("number.none")

    def whole(self, number: float | None, *, signed: bool = False) -> str:
        if number is None:
            return self.nothing
        rounded = round(number)
        return _minus(f"{rounded:+,}" if signed and rounded else f"{rounded:,}")

    def about(self, number: int) -> str:
        """Two digits: more would claim a precision that a forecast does not have."""
        return self.whole(round(number, 2 - len(str(number))))

    def customers(self, number: int) -> str:
        return self.say(
            "count.customer" if number == 1 else "count.customers", count=self.whole(number)
        )

    def track(self, track: str) -> str:
        """A playbook without tracks has one for everybody."""
        return self.say("subject.every_track") if track == ONLY_TRACK else track

    def share(self, share: float | None) -> str:
        return self.nothing if share is None else f"{100 * share:.1f}%"

    def points(self, share: float | None) -> str:
        """A difference of shares in percentage points."""
        if share is None:
            return self.nothing
        return self.say("number.pp", value=self.signed(share))

    def signed(self, share: float) -> str:
        return _minus(f"{100 * share:+.2f}")

    def share_range(self, estimate: Estimate) -> str:
        if estimate.interval is None:
            return ""
        low, high = estimate.interval.low, estimate.interval.high
        return self._range(f"{100 * low:.1f}", f"{100 * high:.1f}%")

    def points_range(self, estimate: Estimate) -> str:
        if estimate.interval is None:
            return ""
        low, high = estimate.interval.low, estimate.interval.high
        return self._range(f"{100 * low:+.2f}", f"{100 * high:+.2f}")

    def percent(self, ratio: float | None) -> str:
        return self.nothing if ratio is None else _minus(f"{100 * ratio:+.0f}%")

    def percent_axis(self, share: float) -> str:
        """A tick of an axis of differences, in percentage points without the word."""
        return _minus(f"{round(100 * share, 4):+g}") if round(share, 9) else "0"

    def whole_range(self, low: float, high: float, *, signed: bool = False) -> str:
        return self._range(self.whole(low, signed=signed), self.whole(high, signed=signed))

    def money(self, minor: float | None, currency: str, *, signed: bool = False) -> str:
        if minor is None:
            return self.nothing
        digits = minor_digits(currency)
        amount = Decimal(round(minor)).scaleb(-digits)
        return _minus(f"{amount:+,.{digits}f}" if signed and amount else f"{amount:,.{digits}f}")

    def money_range(self, estimate: Estimate, currency: str) -> str:
        if estimate.interval is None:
            return ""
        return self._range(
            self.money(estimate.interval.low, currency),
            self.money(estimate.interval.high, currency),
        )

    def p_value(self, p_value: float | None) -> str:
        if p_value is None:
            return self.nothing
        return f"< {_SMALLEST_P}" if p_value < _SMALLEST_P else f"{p_value:.3f}"

    def day(self, day: date) -> str:
        month = self.lists["number"]["months"][day.month - 1]
        return self.say("number.day", day=day.day, month=month, year=day.year)

    def length(self, seconds: int) -> str:
        """A length of time in whole days, or hours where it is none."""
        unit, size = ("days", _DAY) if seconds % _DAY == 0 else ("hours", _HOUR)
        count = seconds / size
        key = f"length.{unit}" if count != 1 else f"length.{unit[:-1]}"
        return self.say(key, count=f"{count:g}")

    def _range(self, low: str, high: str) -> str:
        return self.say("number.range", low=_minus(low), high=_minus(high))


@lru_cache(maxsize=len(LOCALES))
def words_of(locale: str) -> Words:
    if locale not in LOCALES:
        raise LocaleUnknownError(f"a report is written in {' or '.join(LOCALES)}, not in {locale}")
    text = (files(__package__) / "words" / f"{locale}.toml").read_text(encoding="utf-8")
    return Words(locale, tomllib.loads(text))


def _minus(text: str) -> str:
    return text.replace("-", "−")
