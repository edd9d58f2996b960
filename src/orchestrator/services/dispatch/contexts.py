"""The values that a text may name, for one customer (``playbooks.CONTEXT`` declares them)."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from orchestrator.domain.money import Money
from orchestrator.domain.shop import Shop
from orchestrator.playbooks import ConcernEntry
from orchestrator.store.messages.sheets import Sheet

_FREE_POSTAGE = {"zh": "包邮"}


def context_of(
    sheet: Sheet, shop: Shop, answer: ConcernEntry | None, locale: str
) -> dict[str, Any]:
    zone = ZoneInfo(sheet.timezone)
    context: dict[str, Any] = {
        "customer": {
            "name": sheet.name,
            "first_name": _first_name(sheet.name),
            "tier": sheet.tier,
        },
        "shop": {
            "name": shop.name,
            "url": shop.url,
            "postal_address": shop.postal_address,
            "unsubscribe_url": shop.unsubscribe_url,
        },
        "order": {
            "item": sheet.item,
            "total": _money(sheet.total, sheet.currency),
            "date": sheet.placed_at.astimezone(zone).date(),
        },
        "locale": locale,
    }
    if sheet.code is not None:
        context["coupon"] = _coupon(sheet, zone, locale)
    if answer is not None:
        context["concern"] = {"question": answer.question, "answer": answer.answer}
    return context


def _coupon(sheet: Sheet, zone: ZoneInfo, locale: str) -> dict[str, Any]:
    ends = sheet.coupon_expires_at
    # It ends at a moment; the last day is the one that holds the instant before.
    last = ends and (ends - timedelta(microseconds=1)).astimezone(zone).date()
    return {
        "code": sheet.code,
        "value": _value(sheet, locale),
        "min_spend": _money(sheet.min_spend, sheet.coupon_currency),
        "valid_until": last,
    }


def _value(sheet: Sheet, locale: str) -> str | None:
    if sheet.amount is not None:
        return _money(sheet.amount, sheet.coupon_currency)
    if sheet.percent is not None:
        return f"{sheet.percent}%"
    if sheet.free_postage:
        return _FREE_POSTAGE.get(locale.partition("-")[0], "free postage")
    return sheet.gift


def _money(minor: int | None, currency: str | None) -> str | None:
    if minor is None or currency is None:
        return None
    return f"{Money(minor, currency).plain} {currency}"


def _first_name(name: str | None) -> str | None:
    """The first word; a name in one piece (王小明) stays whole."""
    return name.split()[0] if name and name.strip() else None
