"""Audience rules: what a playbook may ask of a customer and of the order that brings them in.

A rule's keys must all hold. ``all``, ``any`` and ``not`` nest. The store compiles each kind to SQL;
a new kind is a field here and a function in ``store/audience``.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from orchestrator.domain.messages import Channel
from orchestrator.playbooks.values import DayText, SpanText, Strict


class EventDay(Strict):
    """The order was placed on one of these days, both included, in the playbook's time zone."""

    first: DayText = Field(alias="from")
    last: DayText = Field(alias="to")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.last < self.first:
            raise ValueError(
                f"the event ends ({self.last}) before it begins ({self.first}); swap from and to"
            )
        return self


BOUNDS = ("at_least", "at_most", "below")


class Bounded(Strict):
    @model_validator(mode="after")
    def _bounded(self) -> Self:
        bounds = [getattr(self, name, None) for name in BOUNDS]
        if all(bound is None for bound in bounds):
            raise ValueError("has no bound; write at_least, at_most or below")
        return self


class Amount(Bounded):
    """Amounts in the shop's currency, net of refunds; ``at_least`` includes its value."""

    at_least: Decimal | None = Field(default=None, ge=0)
    below: Decimal | None = Field(default=None, gt=0)


class Spend(Amount):
    """What the customer spent in all, or within a time before the anchor order."""

    within: SpanText | None = None


class Count(Bounded):
    at_least: int | None = Field(default=None, ge=0)
    at_most: int | None = Field(default=None, ge=0)


class Recency(Bounded):
    """Time since the customer's last order, seen from now."""

    at_least: SpanText | None = None
    below: SpanText | None = None


class Membership(Strict):
    """One of ``in``, none of ``not_in``."""

    within: tuple[str, ...] | None = Field(default=None, alias="in", min_length=1)
    without: tuple[str, ...] | None = Field(default=None, alias="not_in", min_length=1)

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.within is None and self.without is None:
            raise ValueError("names nothing; write in: [...] or not_in: [...]")
        return self


class ConsentTo(Strict):
    channel: Channel
    purpose: Literal["marketing", "service"] = "marketing"


class Attribute(Strict):
    """A customer attribute that the import brought along."""

    name: str = Field(min_length=1, pattern=r"^[A-Za-z0-9_][A-Za-z0-9_ -]*$")
    equals: str | int | bool | None = None
    within: tuple[str, ...] | None = Field(default=None, alias="in", min_length=1)
    at_least: Decimal | None = None

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if sum(value is not None for value in (self.equals, self.within, self.at_least)) != 1:
            raise ValueError(
                "compares with nothing, or several things; write exactly one of equals, in, at_least"
            )
        return self


def read_count(value: Any) -> Any:
    """``orders_before: 0`` means exactly none."""
    if isinstance(value, int) and not isinstance(value, bool):
        return {"at_least": value, "at_most": value}
    return value


CountText = Annotated[Count, BeforeValidator(read_count, json_schema_input_type=int | Count)]


class Rule(Strict):
    event_day: EventDay | None = None
    order_total: Amount | None = None
    category: Membership | None = None
    orders_before: CountText | None = None
    recency: Recency | None = None
    spend: Spend | None = None
    region: Membership | None = None
    tier: Membership | None = None
    consent: ConsentTo | None = None
    attribute: Attribute | None = None
    every: tuple["Rule", ...] | None = Field(default=None, alias="all", min_length=1)
    some: tuple["Rule", ...] | None = Field(default=None, alias="any", min_length=1)
    no: "Rule | None" = Field(default=None, alias="not")


def categories_named(rule: Rule) -> Iterator[str]:
    """Yield the categories that the rule asks for; what stands under ``not`` is not asked for."""
    if rule.category and rule.category.within:
        yield from rule.category.within
    for inner in (*(rule.every or ()), *(rule.some or ())):
        yield from categories_named(inner)
