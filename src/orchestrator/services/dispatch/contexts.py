"""The values that a text may name, for one customer (``playbooks.CONTEXT`` declares them)."""

from collections.abc import Set as AbstractSet
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from orchestrator.domain.money import Money
from orchestrator.domain.shop import Shop
from orchestrator.playbooks import ConcernEntry
from orchestrator.store.messages.sheets import Sheet

_FREE_POSTAGE = {"zh": "包邮"}
_INSTANT = timedelta(microseconds=1)


def shop_values(shop: Shop) -> dict[str, str]:
    """The same for all messages of a campaign; a template cannot change them."""
    return {
        "name": shop.name,
        "url": shop.url,
        "postal_address": shop.postal_address,
        "unsubscribe_url": shop.unsubscribe_url,
    }


def context_of(
    sheet: Sheet,
    shop: dict[str, str],
    answer: ConcernEntry | None,
    locale: str,
    wanted: AbstractSet[str],
) -> dict[str, Any]:
    """What takes a calculation is there where it is wanted alone."""
    order: dict[str, Any] = {"item": sheet.item}
    if "order.total" in wanted:
        order["total"] = _money(sheet.total, sheet.currency)
    if "order.date" in wanted:
        order["date"] = _day(sheet.placed_at, sheet.timezone)
    context: dict[str, Any] = {
        "customer": {
            "name": sheet.name,
            "first_name": _first_name(sheet.name),
            "tier": sheet.tier,
        },
        "shop": shop,
        "order": order,
        "locale": locale,
    }
    if sheet.code is not None:
        context["coupon"] = _coupon(sheet, locale)
    if answer is not None:
        context["concern"] = {"question": answer.question, "answer": answer.answer}
    return context


def _coupon(sheet: Sheet, locale: str) -> dict[str, Any]:
    ends = sheet.coupon_expires_at
    return {
        "code": sheet.code,
        "value": _value(sheet, locale),
        "min_spend": _money(sheet.min_spend, sheet.coupon_currency),
        # It ends at a moment; the last day is the one that holds the instant before.
        "valid_until": ends and _day(ends - _INSTANT, sheet.timezone),
    }


def _value(sheet: Sheet, locale: str) -> str | None:
    if sheet.amount is not None:
        return _money(sheet.amount, sheet.coupon_currency)
    if sheet.percent is not None:
        return f"{sheet.percent}%"
    if sheet.free_postage:
        return _FREE_POSTAGE.get(locale.partition("-")[0], "free postage")
    return sheet.gift


@lru_cache(maxsize=4096)
def _money(minor: int | None, currency: str | None) -> str | None:
    if minor is None or currency is None:
        return None
    return f"{Money(minor, currency).plain} {currency}"


def _day(moment: datetime, timezone: str) -> date:
    return moment.astimezone(ZoneInfo(timezone)).date()


def _first_name(name: str | None) -> str | None:
    """The first word; a name in one piece (王小明) stays whole."""
    words = name.split(maxsplit=1) if name else None
    return words[0] if words else None
