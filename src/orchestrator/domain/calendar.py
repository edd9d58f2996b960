"""When something is due: calendar arithmetic on the customer's wall clock."""

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Self
from zoneinfo import ZoneInfo

_UNITS = {"minute": 60, "hour": 3600}
_SPAN = re.compile(r"^\s*(\d+)\s+(minute|hour|day|week|month|year)s?\s*$")


@dataclass(frozen=True, slots=True)
class Span:
    """A length on the calendar: months and days move the wall clock, seconds the instant."""

    months: int = 0
    days: int = 0
    seconds: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``10 days``, ``1 month``, ``2 hours``; ValueError on anything else."""
        match = _SPAN.match(text)
        if match is None:
            raise ValueError(f"{text!r} is not a length of time, such as 10 days or 1 month")
        count, unit = int(match[1]), match[2]
        if unit in ("month", "year"):
            return cls(months=count * (12 if unit == "year" else 1))
        if unit in ("day", "week"):
            return cls(days=count * (7 if unit == "week" else 1))
        return cls(seconds=count * _UNITS[unit])

    def plus(self, other: "Span", times: int = 1) -> "Span":
        return Span(
            self.months + other.months * times,
            self.days + other.days * times,
            self.seconds + other.seconds * times,
        )

    @property
    def timedelta(self) -> timedelta:
        """Exact length; ValueError for months, which have none."""
        if self.months:
            raise ValueError("months have no exact length; use days")
        return timedelta(days=self.days, seconds=self.seconds)


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Nobody is written to from ``begins`` to ``ends`` on their own wall clock; may cross midnight."""

    begins: time
    ends: time

    def __contains__(self, wall: time) -> bool:
        if self.begins <= self.ends:
            return self.begins <= wall < self.ends
        return wall >= self.begins or wall < self.ends


def due_at(anchor: datetime, span: Span, zone: ZoneInfo) -> datetime:
    """
    Return the instant one span after the anchor, as the customer's wall clock counts.

    31 January + 1 month is the last day of February. A wall time that a clock change skips moves
    forward by the gap; one that comes twice means the first. Count repeats from the first anchor
    (span × occurrence), so that the day of the month never drifts.
    """
    if not (span.months or span.days):
        return anchor + timedelta(seconds=span.seconds)
    wall = anchor.astimezone(zone).replace(tzinfo=None, fold=0)
    moved = _add_months(wall, span.months) + timedelta(days=span.days)
    # Fold 0 in a gap takes the offset before the change, which is the wall time plus the gap.
    return moved.replace(tzinfo=zone).astimezone(UTC) + timedelta(seconds=span.seconds)


def awake_at(moment: datetime, quiet: QuietHours | None, zone: ZoneInfo) -> datetime:
    """Return the moment itself, or the end of the quiet hours that it falls into."""
    if quiet is None:
        return moment
    local = moment.astimezone(zone)
    wall = local.time().replace(fold=0)
    if wall not in quiet:
        return moment
    crosses = quiet.begins > quiet.ends and wall >= quiet.begins
    ending = datetime.combine(local.date() + timedelta(days=crosses), quiet.ends, zone)
    first = ending.astimezone(UTC)
    # Where the clock is set back over the end, the first ending may already be over.
    return first if first >= moment else ending.replace(fold=1).astimezone(UTC)


def day_ends(day: date, zone: ZoneInfo) -> datetime:
    """Return the instant at which the day is over on the wall clock."""
    return datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)


def _add_months(wall: datetime, months: int) -> datetime:
    if not months:
        return wall
    years, month = divmod(wall.month - 1 + months, 12)
    year = wall.year + years
    day = min(wall.day, calendar.monthrange(year, month + 1)[1])
    return wall.replace(year=year, month=month + 1, day=day)
