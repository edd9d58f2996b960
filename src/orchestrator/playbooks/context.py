"""What a template may say: every variable with its type, declared once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import Any


class VariableType(StrEnum):
    TEXT = "text"
    MONEY = "money"  #: text such as ``20 CNY`` or ``10%``; the filter ``money`` writes it by locale
    DATE = "date"  #: a date; the filter ``date`` writes it by locale
    URL = "url"


class Given(StrEnum):
    """Which waves have a variable."""

    ALWAYS = "always"
    OFFER = "offer"  #: waves with an offer
    CATEGORY = "category"  #: waves ``by: category``


@dataclass(frozen=True, slots=True)
class Variable:
    type: VariableType
    example: str | date
    meaning: str
    #: may be empty or None; a template has to say what stands there then
    optional: bool = False
    given: Given = Given.ALWAYS
    #: may be another in each repeat of a wave
    recurs: bool = False


_T, _G = VariableType, Given
CONTEXT: Mapping[str, Variable] = MappingProxyType(
    {
        "customer.name": Variable(_T.TEXT, "Li Na", "full name", optional=True),
        "customer.first_name": Variable(_T.TEXT, "Na", "first name", optional=True),
        "customer.tier": Variable(_T.TEXT, "gold", "member tier", optional=True),
        "shop.name": Variable(_T.TEXT, "Willow Lane", "the shop's name, also the SMS signature"),
        "shop.url": Variable(_T.URL, "https://shop.example/", "where to buy"),
        "shop.postal_address": Variable(
            _T.TEXT, "12 Garden Road, Hangzhou 310000, China", "required in every e-mail"
        ),
        "shop.unsubscribe_url": Variable(
            _T.URL,
            "https://shop.example/stop",
            "where to stop hearing from the shop, the same in all e-mails",
        ),
        "order.item": Variable(
            _T.TEXT, "Linen midi dress", "the item bought; of many, the dearest of their category"
        ),
        "order.total": Variable(_T.MONEY, "399 CNY", "what was paid, net of refunds"),
        "order.date": Variable(_T.DATE, date(2026, 11, 11), "the day of the order"),
        "coupon.code": Variable(
            _T.TEXT, "7KQ2MX9R4TBD", "unique for each customer", given=_G.OFFER
        ),
        "coupon.value": Variable(
            _T.MONEY, "20 CNY", "an amount, a share such as 10%, or a gift", given=_G.OFFER
        ),
        "coupon.min_spend": Variable(
            _T.MONEY, "199 CNY", "from which order value", optional=True, given=_G.OFFER
        ),
        "coupon.valid_until": Variable(
            _T.DATE, date(2026, 12, 2), "the last day", given=_G.OFFER, recurs=True
        ),
        "concern.question": Variable(
            _T.TEXT, "How do I choose my size?", "what buyers ask", given=_G.CATEGORY, recurs=True
        ),
        "concern.answer": Variable(
            _T.TEXT,
            "Measure a dress that fits you and compare it with the table on the item's page.",
            "the curated answer",
            given=_G.CATEGORY,
            recurs=True,
        ),
        "locale": Variable(_T.TEXT, "en", "the language of this message"),
    }
)


def example_context(locale: str = "en") -> dict[str, Any]:
    """Return every variable with its example, nested as a template reads it."""
    nested: dict[str, Any] = {}
    for name, variable in CONTEXT.items():
        root, _, leaf = name.partition(".")
        if leaf:
            nested.setdefault(root, {})[leaf] = variable.example
    return {**nested, "locale": locale}
