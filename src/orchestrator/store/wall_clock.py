"""``domain.calendar`` on integers, for millions of rows.

Where a zone's offset stands still for the days around, wall-clock arithmetic is plain addition and
comes to the same; where it changes, the domain itself is asked. Moments are microseconds since 1970.
"""

from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from itertools import takewhile
from zoneinfo import ZoneInfo

from orchestrator.domain import calendar
from orchestrator.domain.calendar import QuietHours, Span
from orchestrator.store.tables.types import MICROSECOND, micros, moment

_SECOND = 1_000_000
_MINUTE = 60 * _SECOND
_DAY = 24 * 60 * _MINUTE
# No zone has ever changed its clock twice within a quarter of an hour.
_LOOK_EVERY = 15 * _MINUTE
_SEASON = 100
_UTC = ZoneInfo("UTC")


def due_at(  # noqa: PLR0917  # SQL passes by position
    anchor: int, months: int, days: int, seconds: int, zone: str, begins: int, ends: int
) -> int:
    """
    Return ``calendar.due_at`` and from there ``calendar.awake_at``.

    The quiet hours begin and end at minutes of the day; a negative beginning means none.
    """
    due = anchor
    if months or days:
        offset = _offset_on(zone, anchor // _DAY)
        if offset is None:
            return _ask(anchor, months, days, seconds, zone, begins, ends)
        wall_day, time_of_day = divmod(anchor + offset, _DAY)
        wall_day = _move(wall_day, months, days)
        offset = _offset_around(zone, wall_day)
        if offset is None:
            return _ask(anchor, months, days, seconds, zone, begins, ends)
        due = wall_day * _DAY + time_of_day - offset
    due += seconds * _SECOND
    return due if begins < 0 else _awake_at(due, zone, begins, ends)


def steady_around(at: int, zone: str) -> tuple[int, int]:
    """
    Return between which moments days and seconds may simply be added in the zone.

    Both the moment counted from and the result must lie between them. Looks a season each way.
    """
    middle = at // _DAY
    offset = _offset_on(zone, middle)
    if offset is None:
        return at, at
    before = _steady_days(zone, offset, range(middle, middle - _SEASON, -1))
    after = _steady_days(zone, offset, range(middle, middle + _SEASON))
    # A wall time within a day of a change may be one that comes twice, or never.
    return (middle - before + 3) * _DAY, (middle + after - 2) * _DAY


def _steady_days(zone: str, offset: int, days: range) -> int:
    return sum(1 for _ in takewhile(lambda day: _offset_on(zone, day) == offset, days))


def _awake_at(due: int, zone: str, begins: int, ends: int) -> int:
    offset = _offset_on(zone, due // _DAY)
    if offset is None:
        return _ask(due, 0, 0, 0, zone, begins, ends)
    wall_day, time_of_day = divmod(due + offset, _DAY)
    evening = time_of_day >= begins * _MINUTE
    morning = time_of_day < ends * _MINUTE
    quiet = (evening and morning) if begins <= ends else (evening or morning)
    if not quiet:
        return due
    wall_day += evening and begins > ends
    offset = _offset_around(zone, wall_day)
    if offset is None:
        return _ask(due, 0, 0, 0, zone, begins, ends)
    return wall_day * _DAY + ends * _MINUTE - offset


def _ask(  # noqa: PLR0917  # as due_at
    anchor: int, months: int, days: int, seconds: int, zone: str, begins: int, ends: int
) -> int:
    place = ZoneInfo(zone)
    due = calendar.due_at(moment(anchor), Span(months, days, seconds), place)
    return micros(calendar.awake_at(due, _quiet(begins, ends), place))


@lru_cache(maxsize=64)
def _quiet(begins: int, ends: int) -> QuietHours | None:
    if begins < 0:
        return None
    return QuietHours(time(*divmod(begins, 60)), time(*divmod(ends, 60)))


@lru_cache(maxsize=1 << 16)
def _move(day: int, months: int, days: int) -> int:
    """The domain's own arithmetic: in UTC the wall clock is the instant."""
    return micros(calendar.due_at(moment(day * _DAY), Span(months, days), _UTC)) // _DAY


@lru_cache(maxsize=1 << 16)
def _offset_around(zone: str, wall_day: int) -> int | None:
    """The offset that every wall time of the day has; None where it may change."""
    # Offsets are less than a day, so that an instant lies in one of three days of UTC.
    found = {_offset_on(zone, day) for day in (wall_day - 1, wall_day, wall_day + 1)}
    return found.pop() if len(found) == 1 else None


@lru_cache(maxsize=1 << 16)
def _offset_on(zone: str, day: int) -> int | None:
    """The zone's offset throughout a day of UTC, its last instant included; None where it changes."""
    place = ZoneInfo(zone)
    begins = moment(day * _DAY)
    looks = [begins + at * MICROSECOND for at in range(0, _DAY + 1, _LOOK_EVERY)]
    found = {_offset_at(look, place) for look in looks}
    return found.pop() // MICROSECOND if len(found) == 1 else None


def _offset_at(look: datetime, place: ZoneInfo) -> timedelta:
    return look.astimezone(place).replace(tzinfo=UTC) - look
