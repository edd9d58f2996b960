"""When the order that brings a customer in may have been placed."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from orchestrator.playbooks.rules import EventDay, Rule


@dataclass(frozen=True, slots=True)
class Window:
    """From ``begins`` up to, not including, ``ends``."""

    begins: datetime
    ends: datetime


def event_window(days: EventDay, zone: ZoneInfo) -> Window:
    return Window(_midnight(days.first, zone), _midnight(days.last + timedelta(days=1), zone))


def window_of(rule: Rule, zone: ZoneInfo) -> Window | None:
    """
    Return the narrowest window that every order the rule admits lies in; None where it names none.

    ``any`` of two event days gives the time from the first to the last of them. What is said under
    ``not`` narrows nothing.
    """
    windows = [event_window(rule.event_day, zone)] if rule.event_day else []
    windows += [found for part in rule.every or () if (found := window_of(part, zone))]
    choices = [window_of(part, zone) for part in rule.some or ()]
    known = [choice for choice in choices if choice]
    if known and len(known) == len(choices):
        windows.append(Window(min(w.begins for w in known), max(w.ends for w in known)))
    if not windows:
        return None
    return Window(max(w.begins for w in windows), min(w.ends for w in windows))


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)
