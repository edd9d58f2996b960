"""The format of ``playbook.yaml``: what differs between campaigns, as data."""

import difflib
import math
import re
from datetime import datetime
from functools import cache
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from orchestrator.domain.calendar import Span, day_ends
from orchestrator.domain.messages import Channel, WaveKind
from orchestrator.domain.money import Money
from orchestrator.playbooks.rules import Rule
from orchestrator.playbooks.values import (
    CapText,
    DayText,
    Delay,
    DelayText,
    LengthText,
    MoneyText,
    QuietHoursText,
    Share,
    SpanText,
    Strict,
)

ONLY_TRACK = "all"  #: everybody, in a playbook that names no tracks


@cache
def _zones() -> frozenset[str]:
    # Looked up on disk each time otherwise, some six hundred files.
    return frozenset(available_timezones())


def _known_zone(name: str) -> str:
    if name not in _zones():
        close = difflib.get_close_matches(name, _zones(), n=1)
        example = close[0] if close else "Asia/Shanghai"
        raise ValueError(f"{name!r} is not an IANA time zone, such as {example}")
    return name


def _known_locale(name: str) -> str:
    if not _LOCALE.fullmatch(name):
        raise ValueError(f"{name!r} is not a language tag, such as en or zh-CN")
    return name


_LOCALE = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?")

_USUAL_VALIDITY = Span(days=14)

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
Zone = Annotated[str, AfterValidator(_known_zone)]
Locale = Annotated[str, AfterValidator(_known_locale)]


class Repeat(Strict):
    """``times`` in all, each ``every`` after the one before, all counted from the first anchor."""

    times: int = Field(ge=1, le=60)
    every: LengthText


class Variant(Strict):
    """One of several texts, channels or offers tried in parallel; who gets which is drawn by lot."""

    variant: Name
    share: Share
    channels: tuple[Channel, ...] | None = Field(default=None, min_length=1)
    offer: Name | None = None


class Wave(Strict):
    wave: Name
    kind: WaveKind
    after: DelayText
    channels: tuple[Channel, ...] = Field(
        default=(Channel.SMS, Channel.EMAIL),
        min_length=1,
        description="In order of preference; the first that the customer can be reached on is taken",
    )
    tracks: tuple[Name, ...] | None = Field(default=None, description="All tracks where left out")
    by: Literal["category"] | None = Field(
        default=None, description="Texts and answers follow the category bought"
    )
    offer: Name | None = None
    reminds: Name | None = Field(
        default=None,
        description="The earlier wave whose coupon it brings again, unless it was used",
    )
    holdout: Share = Field(default=0.0, lt=1, description="Withheld from this send, drawn afresh")
    variants: tuple[Variant, ...] = ()
    unless: Literal["purchased"] | None = None
    repeat: Repeat | None = None
    late: Literal["send", "shift", "skip"] = Field(
        default="send",
        description="Found late by more than the grace: send now, shift all that follows, or skip",
    )
    grace: SpanText = Span(days=1)
    if_missed: Literal["shift", "skip"] = Field(
        default="shift",
        description="The wave it follows never arrived: count from when it would have, or skip",
    )

    @property
    def occurrences(self) -> int:
        return self.repeat.times if self.repeat else 1

    @model_validator(mode="after")
    def _variants_add_up(self) -> Self:
        if self.variants and not math.isclose(sum(v.share for v in self.variants), 1):
            total = sum(v.share for v in self.variants)
            raise ValueError(f"the shares of the variants add up to {total:.0%}; make it 100%")
        if len({v.variant for v in self.variants}) != len(self.variants):
            raise ValueError("two variants have the same name; rename one")
        return self


class LadderStep(Strict):
    """What orders from this value on earn, until the next step."""

    at_least: MoneyText = Field(alias="from")
    amount: MoneyText | None = None
    percent: int | None = Field(default=None, ge=1, le=99)
    min_spend: MoneyText | None = Field(default=None, description="The offer's where left out")

    def is_reached_by(self, total: Money) -> bool:
        return total.currency == self.at_least.currency and total.minor >= self.at_least.minor

    @model_validator(mode="after")
    def _gives_one_thing(self) -> Self:
        if (self.amount is None) == (self.percent is None):
            raise ValueError(
                "a step gives nothing, or several things at once; "
                "write exactly one of amount, percent"
            )
        return self


class Offer(Strict):
    """What a coupon gives. Exactly one of amount, percent, free_postage, gift, ladder."""

    amount: MoneyText | None = None
    percent: int | None = Field(default=None, ge=1, le=99)
    free_postage: bool = False
    gift: str | None = Field(default=None, min_length=1, description="The product's number")
    ladder: tuple[LadderStep, ...] | None = Field(
        default=None, min_length=1, description="By the value of the order that brought them in"
    )
    min_spend: MoneyText | None = None
    valid: LengthText | None = Field(
        default=None, description="14 days, where until is left out as well"
    )
    until: DayText | None = Field(
        default=None, description="The last day, on the customer's calendar; none is issued after"
    )
    stock: int | None = Field(
        default=None, ge=1, description="How many of the campaign's customers can have one"
    )
    pool: Name | None = Field(default=None, description="Draw codes from an imported pool")
    otherwise: Name | None = Field(
        default=None, description="The offer for those whom stock or pool leave empty-handed"
    )

    @property
    def lasts(self) -> Span | None:
        """How long a coupon is good; none: until the offer's last day."""
        return self.valid or (None if self.until else _USUAL_VALIDITY)

    def is_over(self, moment: datetime, zone: ZoneInfo) -> bool:
        return self.until is not None and day_ends(self.until, zone) <= moment

    def earned_by(self, total: Money) -> "Offer | None":
        """Return what an order of that value earns, without a ladder; None below the first step."""
        if self.ladder is None:
            return self
        reached = [step for step in self.ladder if step.is_reached_by(total)]
        if not reached:
            return None
        step = reached[-1]
        given = {"amount": step.amount, "percent": step.percent, "ladder": None}
        return self.model_copy(update=given | {"min_spend": step.min_spend or self.min_spend})

    @model_validator(mode="after")
    def _gives_one_thing(self) -> Self:
        given = (self.amount, self.percent, self.free_postage or None, self.gift, self.ladder)
        if sum(thing is not None for thing in given) != 1:
            raise ValueError(
                "gives nothing, or several things at once; "
                "write exactly one of amount, percent, free_postage, gift, ladder"
            )
        return self


class Evaluate(Strict):
    """How long after a send, after a group's actions and after each customer's first message."""

    sends: LengthText = Span(days=10)
    groups: LengthText | None = None
    overall: DelayText | None = None
    lag: SpanText = Field(default=Span(days=1), description="Waited for orders that come in late")

    @model_validator(mode="after")
    def _exact(self) -> Self:
        for span in (
            self.sends,
            self.groups,
            self.overall.span if self.overall else None,
            self.lag,
        ):
            if span is not None:
                _ = span.timedelta
        return self


class Definition(Strict):
    playbook: Name
    title: str = Field(min_length=1)
    timezone: Zone
    locales: tuple[Locale, ...] = Field(
        default=("zh-CN", "en"),
        min_length=1,
        description="Each has every text; customers of any other language get the shop's, else the first",
    )
    anchor: Literal["order", "enrollment"] = Field(
        default="order", description="What waves without an earlier wave count from"
    )
    audience: Rule
    holdout: Share = Field(default=0.0, lt=1)
    tracks: dict[Name, Rule] = Field(default_factory=lambda: {ONLY_TRACK: Rule()}, min_length=1)
    waves: tuple[Wave, ...] = Field(min_length=1)
    offers: dict[Name, Offer] = Field(default_factory=dict)
    evaluate: Evaluate = Evaluate()
    quiet_hours: QuietHoursText | None = None
    cap: dict[WaveKind, CapText] = Field(default_factory=dict)
    budget: MoneyText | None = None
    waive: tuple[Literal["care-first"], ...] = Field(
        default=(), description="Rules of good manners that this playbook leaves aside on purpose"
    )

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    def wave_named(self, name: str) -> Wave:
        return next(wave for wave in self.waves if wave.wave == name)


__all__ = ["Definition", "Delay", "Evaluate", "LadderStep", "Offer", "Repeat", "Variant", "Wave"]
