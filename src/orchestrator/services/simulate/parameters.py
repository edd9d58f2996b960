"""What the generated shop and its customers are like."""

from dataclasses import dataclass, field
from datetime import date, timedelta

from orchestrator.domain.money import minor_digits
from orchestrator.playbooks.model import Definition
from orchestrator.playbooks.rules import EventDay, Rule
from orchestrator.services.simulate.catalogue import Catalogue, catalogue_for


class NoEventDayError(Exception):
    """The playbook's audience names no event day, so nothing says when its customers buy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseModel:
    """
    When customers buy by themselves (BG/NBD) and for how much (Gamma-Gamma).

    Purchases a week ~ Gamma(r, alpha); after each one the customer is gone for good with a
    probability ~ Beta(a, b). Values ~ Gamma(p, nu) with nu ~ Gamma(q, v).
    """

    r: float
    alpha: float  #: weeks
    a: float
    b: float
    p: float
    q: float
    v: float  #: currency units
    price_level: float = 1.0  #: factor on values, to bring them near a Chinese shop's


PRESETS = {
    # Fitted to CDNOW until 1997-09-30 (23,570 customers, dollars).
    "cdnow": PurchaseModel(
        r=0.2516, alpha=4.789, a=0.7234, b=2.161, p=6.275, q=3.624, v=14.98, price_level=10
    ),
    # Fitted to Online Retail II, customers new since 2010-03 (3,225, pounds).
    "gift": PurchaseModel(r=0.6490, alpha=11.955, a=0.3578, b=3.177, p=2.753, q=3.815, v=372.7),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopParameters:
    """Shares are 0–1. The event days are both included, in the shop's time zone."""

    customers: int
    event_first: date
    event_last: date
    timezone: str
    currency: str
    catalogue: Catalogue
    purchases: PurchaseModel = field(default_factory=lambda: PRESETS["gift"])
    days_after: int = 300  #: for how long natural purchases are drawn
    on_event: float = 0.95  #: who bought on the event day
    bought_before: float = 0.35  #: who knew the shop
    event_value: float = 1.6  #: event baskets are larger than usual
    same_category: float = 0.6  #: later orders in the category of the event
    english: float = 0.06
    no_phone: float = 0.02
    no_email: float = 0.15
    agreed_sms: float = 0.85
    agreed_email: float = 0.70
    agreed_service: float = 0.96
    cancelled: float = 0.015
    refunded: float = 0.03
    responsiveness: float = 0.6  #: correlation of responsiveness with the rate of purchase

    @property
    def minor(self) -> int:
        """Minor units in one unit of the currency."""
        return int(10 ** minor_digits(self.currency))


def parameters_for(
    definition: Definition, *, customers: int, preset: str, currency: str
) -> ShopParameters:
    """Return the shop that the playbook is made for; NoEventDayError where it names no event day."""
    days = find_event_day(definition.audience)
    if days is None:
        raise NoEventDayError(
            f"{definition.playbook}: the audience has no event_day. Add one, or import orders"
        )
    return ShopParameters(
        customers=customers,
        event_first=days.first,
        event_last=days.last,
        timezone=definition.timezone,
        currency=currency,
        catalogue=catalogue_for(sorted(_categories(definition.audience))),
        purchases=PRESETS[preset],
        days_after=_length(definition).days,
    )


def find_event_day(rule: Rule) -> EventDay | None:
    return next((part.event_day for part in _parts(rule) if part.event_day is not None), None)


def _categories(rule: Rule) -> set[str]:
    return {
        name
        for part in _parts(rule)
        if part.category is not None
        for name in part.category.within or ()
    }


def _parts(rule: Rule) -> list[Rule]:
    nested = [part for inner in (*(rule.every or ()), *(rule.some or ())) for part in _parts(inner)]
    return [rule, *nested]


def _length(definition: Definition) -> timedelta:
    """Long enough for the last window of the slowest walk, with a month to spare."""
    days = 60.0
    for wave in definition.waves:
        for span, times in (
            (wave.after.span, 1),
            *([(wave.repeat.every, wave.repeat.times)] if wave.repeat else []),
        ):
            days += (span.months * 31 + span.days + span.seconds / 86400) * times
    return timedelta(days=days)
