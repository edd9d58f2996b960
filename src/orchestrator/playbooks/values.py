"""How a playbook writes the domain's values: 5%, 10 days, 20 CNY, 1 per 14 days."""

import re
from dataclasses import dataclass
from datetime import date, time
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel as _BaseModel
from pydantic import BeforeValidator, ConfigDict, WithJsonSchema

from orchestrator.domain.calendar import QuietHours, Span
from orchestrator.domain.money import Money

_LONGEST_MONTHS, _LONGEST_DAYS, _LONGEST_SECONDS = 120, 3_653, 3_653 * 86_400
_CAP = re.compile(r"^\s*(\d+)\s+per\s+(.+)$")
_PERCENT = re.compile(r"^\s*(\d{1,3}(?:\.\d+)?)\s*%\s*$")
_WALL_TIME = re.compile(r"^([01]\d|2[0-3]):[0-5]\d$")
_AFTER = re.compile(r"^\s*(.+?)\s+after\s+([a-z0-9][a-z0-9-]*)\s*$")


class Strict(_BaseModel):
    """An unknown key is an error, a value never changes after reading."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, arbitrary_types_allowed=True, populate_by_name=True
    )


class Delay(NamedTuple):
    """``3 days`` counts from the anchor (the order), ``3 days after thanks`` from that wave's acceptance."""

    span: Span
    wave: str | None = None


@dataclass(frozen=True, slots=True)
class Cap:
    """At most ``times`` messages of a kind to one person within ``per``, over all campaigns."""

    times: int
    per: Span


def read_share(value: Any) -> float:
    if isinstance(value, str) and (match := _PERCENT.match(value)):
        value = float(match[1]) / 100
    if isinstance(value, bool) or not isinstance(value, int | float):
        # pydantic collects ValueError, not TypeError
        raise ValueError(f"{value!r} is not a share, such as 5% or 0.05")  # noqa: TRY004
    if not 0 <= value <= 1:
        raise ValueError(f"{value:g} is not between 0 and 1; write 5% or 0.05")
    return float(value)


def read_span(value: Any) -> Span:
    span = value if isinstance(value, Span) else Span.parse(str(value))
    if (
        span.months > _LONGEST_MONTHS
        or span.days > _LONGEST_DAYS
        or span.seconds > _LONGEST_SECONDS
    ):
        raise ValueError(f"{value!r} is longer than ten years, such as 10 days or 1 month")
    return span


def read_length(value: Any) -> Span:
    span = read_span(value)
    if span == Span():
        raise ValueError(f"{value!r} has no length, such as 10 days or 1 month")
    return span


def read_delay(value: Any) -> Delay:
    if isinstance(value, Delay):
        return value
    match = _AFTER.match(str(value))
    return Delay(read_span(match[1]), match[2]) if match else Delay(read_span(value))


def read_money(value: Any) -> Money:
    money = value if isinstance(value, Money) else Money.parse(str(value))
    if money.minor <= 0:
        raise ValueError(f"{value!r} is no amount above nothing, such as 20 CNY")
    return money


def read_day(value: Any) -> Any:
    # pydantic would take a number for seconds since 1970.
    if isinstance(value, int | float):
        raise ValueError(f"{value!r} is not a date, such as 2026-11-11")  # noqa: TRY004 - pydantic collects ValueError
    return value


def read_cap(value: Any) -> Cap:
    if isinstance(value, Cap):
        return value
    match = _CAP.match(str(value))
    if match is None or int(match[1]) < 1:
        raise ValueError(f"{value!r} is not a cap, such as 1 per 14 days")
    return Cap(int(match[1]), read_length(match[2]))


def read_quiet_hours(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if set(value) != {"from", "to"}:
        raise ValueError('quiet hours need from and to, such as {from: "21:00", to: "09:00"}')
    begins, ends = (_read_wall_time(value[key]) for key in ("from", "to"))
    if begins == ends:
        raise ValueError("quiet hours end when they begin; write two different times")
    return QuietHours(begins, ends)


def _read_wall_time(value: Any) -> time:
    if not _WALL_TIME.match(str(value)):
        raise ValueError(f'{value!r} is not a time of day, such as "21:00"')
    return time.fromisoformat(str(value))


def _text(pattern: str, example: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": pattern, "examples": [example]})


_LENGTH = r"\d+ (minute|hour|day|week|month|year)s?"

SpanText = Annotated[Span, BeforeValidator(read_span), _text(f"^{_LENGTH}$", "10 days")]
#: a span that is longer than nothing
LengthText = Annotated[Span, BeforeValidator(read_length), _text(f"^{_LENGTH}$", "10 days")]
DelayText = Annotated[
    Delay,
    BeforeValidator(read_delay),
    _text(f"^{_LENGTH}( after [a-z0-9-]+)?$", "3 days after thanks"),
]
MoneyText = Annotated[
    Money, BeforeValidator(read_money), _text(r"^\d+(\.\d+)? [A-Z]{3}$", "199 CNY")
]
DayText = Annotated[date, BeforeValidator(read_day)]
CapText = Annotated[Cap, BeforeValidator(read_cap), _text(rf"^\d+ per {_LENGTH}$", "1 per 14 days")]
Share = Annotated[
    float,
    BeforeValidator(read_share),
    WithJsonSchema(
        {"anyOf": [{"type": "string", "pattern": r"^\d+(\.\d+)?%$"}, {"type": "number"}]}
    ),
]
QuietHoursText = Annotated[
    QuietHours,
    BeforeValidator(read_quiet_hours),
    WithJsonSchema(
        {
            "type": "object",
            "properties": {"from": {"type": "string"}, "to": {"type": "string"}},
            "required": ["from", "to"],
            "additionalProperties": False,
        }
    ),
]
