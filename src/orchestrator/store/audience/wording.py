"""What a rule asks and what a customer has, in words."""

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from orchestrator.domain.calendar import Span
from orchestrator.domain.money import Money, to_minor
from orchestrator.playbooks.rules import Attribute, Membership


def bounds(**named: object) -> str:
    """``at least 3, at most 5``; ``exactly 0`` where both ends are the same."""
    if named.get("at_least") is not None and named.get("at_least") == named.get("at_most"):
        return f"exactly {named['at_least']}"
    return ", ".join(
        f"{name.replace('_', ' ')} {value}" for name, value in named.items() if value is not None
    )


def amount(value: Decimal | None, currency: str) -> Money | None:
    return None if value is None else Money(to_minor(str(value), currency), currency)


def minor_in_words(found: str) -> str:
    """``24900 CNY``, as the database holds it, as people write it: 249.00 CNY."""
    minor, currency = found.split(" ")
    return str(Money(int(minor), currency))


def membership(asked: Membership) -> str:
    said = [f"one of {', '.join(asked.within)}"] if asked.within else []
    said += [f"none of {', '.join(asked.without)}"] if asked.without else []
    return "; ".join(said)


def attribute(asked: Attribute) -> str:
    if asked.at_least is not None:
        return f"{asked.name} at least {asked.at_least}"
    if asked.within is not None:
        return f"{asked.name} one of {', '.join(asked.within)}"
    return f"{asked.name} is {attribute_text(asked.equals)}"


def attribute_text(value: str | int | bool | None) -> str:  # noqa: FBT001  # an attribute may be one
    return str(value).lower() if isinstance(value, bool) else str(value)


def length(value: Span | None) -> str | None:
    if value is None:
        return None
    parts = [(value.months, "month"), (value.days, "day"), (value.seconds, "second")]
    said = [f"{count} {unit}{'' if count == 1 else 's'}" for count, unit in parts if count]
    return " ".join(said) or "no time"


def local(value: datetime, zone: ZoneInfo) -> str:
    return f"{value.astimezone(zone):%Y-%m-%d %H:%M}"


def or_none(value: str | None) -> str:
    return value or "none"
