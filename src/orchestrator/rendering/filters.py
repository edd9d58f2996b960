"""Values as people of a language write them."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from functools import lru_cache
from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context

_MONEY = re.compile(r"^(-?[\d,]+(?:\.\d+)?) ([A-Z]{3})$")
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


# A campaign writes few amounts and days, many times over.
@lru_cache(maxsize=4096)
def write_money(text: str, locale: str) -> str:
    """``20 CNY`` → ``CNY 20`` or ``20元``; what is no amount (``10%``, a gift) stays as it is."""
    match = _MONEY.match(text)
    if match is None:
        return text
    number, currency = match[1], match[2]
    number = number.removesuffix(".00")
    if locale.startswith("zh"):
        return f"{number}元" if currency == "CNY" else f"{number} {currency}"
    return f"{currency} {number}"


@lru_cache(maxsize=4096)
def write_date(day: date, locale: str) -> str:
    """``2026-12-02`` → ``2 Dec 2026`` or ``2026年12月2日``; ISO where the language is another."""
    if locale.startswith("zh"):
        return f"{day.year}年{day.month}月{day.day}日"
    if locale.startswith("en"):
        return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"
    return f"{day:%Y-%m-%d}"


@pass_context
def _money(context: Context, text: str) -> str:
    return write_money(text, context["locale"])


@pass_context
def _date(context: Context, day: date) -> str:
    return write_date(day, context["locale"])


LOCAL_FILTERS: Mapping[str, Callable[..., Any]] = {"money": _money, "date": _date}
