"""When something is due: month ends, leap years, clock changes, nights, anywhere on earth."""

from calendar import monthrange
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.domain.calendar import QuietHours, Span, awake_at, due_at

SHANGHAI, BERLIN, NEW_YORK = map(ZoneInfo, ("Asia/Shanghai", "Europe/Berlin", "America/New_York"))
NIGHT = QuietHours(time(21), time(9))

zones = st.sampled_from(sorted(available_timezones())).map(ZoneInfo)
moments = st.datetimes(datetime(2024, 1, 1), datetime(2037, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001  # hypothesis wants naive bounds
walls = st.times().map(lambda wall: wall.replace(second=0, microsecond=0))
nights = (
    st.tuples(walls, walls).filter(lambda pair: pair[0] != pair[1]).map(lambda p: QuietHours(*p))
)


def at(text: str, zone: ZoneInfo = SHANGHAI) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


@pytest.mark.parametrize(
    ("anchor", "months", "due"),
    [
        ("2025-01-31T10:00", 1, "2025-02-28T10:00"),
        ("2024-01-31T10:00", 1, "2024-02-29T10:00"),
        ("2025-01-31T10:00", 2, "2025-03-31T10:00"),
        ("2025-11-11T23:59", 5, "2026-04-11T23:59"),
        ("2024-02-29T00:00", 12, "2025-02-28T00:00"),
        ("2025-12-31T08:30", 2, "2026-02-28T08:30"),
    ],
)
def test_a_month_later_is_the_same_day_or_the_months_last(
    anchor: str, months: int, due: str
) -> None:
    assert due_at(at(anchor), Span(months=months), SHANGHAI) == at(due)


def test_a_wall_time_that_the_clock_skips_moves_forward_by_the_gap() -> None:
    assert due_at(at("2026-03-28T02:30", BERLIN), Span(days=1), BERLIN) == datetime(
        2026, 3, 29, 1, 30, tzinfo=UTC
    )


def test_a_wall_time_that_comes_twice_means_the_first() -> None:
    assert due_at(at("2025-10-25T02:30", BERLIN), Span(days=1), BERLIN) == datetime(
        2025, 10, 26, 0, 30, tzinfo=UTC
    )


def test_hours_count_on_the_clock_of_physics() -> None:
    before = at("2026-03-28T23:00", BERLIN)

    assert due_at(before, Span(seconds=7200), BERLIN) - before == timedelta(hours=2)


def test_a_night_ends_in_the_morning() -> None:
    assert awake_at(at("2025-11-12T22:15"), NIGHT, SHANGHAI) == at("2025-11-13T09:00")
    assert awake_at(at("2025-11-13T03:00"), NIGHT, SHANGHAI) == at("2025-11-13T09:00")
    assert awake_at(at("2025-11-13T09:00"), NIGHT, SHANGHAI) == at("2025-11-13T09:00")
    assert awake_at(at("2025-11-13T20:59"), NIGHT, SHANGHAI) == at("2025-11-13T20:59")


def test_a_night_that_ends_in_the_repeated_hour_is_over_at_its_second_coming() -> None:
    second_pass = datetime(2025, 11, 2, 6, 15, tzinfo=UTC)  # 01:15 in New York, for the second time
    quiet = QuietHours(time(22), time(1, 30))

    assert awake_at(second_pass, quiet, NEW_YORK) == datetime(2025, 11, 2, 6, 30, tzinfo=UTC)


@given(moments, st.integers(0, 60), zones)
def test_repeats_fall_once_into_each_calendar_month_on_the_anchors_day_where_it_exists(
    anchor: datetime, months: int, zone: ZoneInfo
) -> None:
    first = anchor.astimezone(zone)

    due = due_at(anchor, Span(months=months), zone).astimezone(zone)

    months_on = (due.year - first.year) * 12 + due.month - first.month
    wanted = min(first.day, monthrange(due.year, due.month)[1])
    # A clock that skips midnight, or a whole day, may push the moment into the next day.
    skipped = (due.replace(tzinfo=None) - first.replace(tzinfo=None)).total_seconds() % 86400 != 0
    assert skipped or (months_on, due.day, due.time()) == (months, wanted, first.time())


@given(moments, st.integers(0, 400), zones)
def test_days_keep_the_wall_time_unless_the_clock_skips_it(
    anchor: datetime, days: int, zone: ZoneInfo
) -> None:
    wall = anchor.astimezone(zone).replace(tzinfo=None, fold=0)

    due = due_at(anchor, Span(days=days), zone).astimezone(zone).replace(tzinfo=None, fold=0)

    ahead = due - (wall + timedelta(days=days))
    assert timedelta(0) <= ahead <= timedelta(days=1)


@given(moments, nights, zones)
def test_nobody_is_woken_and_nobody_waits_more_than_a_day(
    moment: datetime, quiet: QuietHours, zone: ZoneInfo
) -> None:
    awake = awake_at(moment, quiet, zone)

    assert moment <= awake <= moment + timedelta(hours=25)
    assert awake_at(awake, quiet, zone) == awake or _ends_in_a_gap(awake, quiet, zone)


@given(moments, st.integers(0, 600), nights, zones)
def test_who_is_due_earlier_is_never_written_to_later(
    moment: datetime, minutes: int, quiet: QuietHours, zone: ZoneInfo
) -> None:
    later = moment + timedelta(minutes=minutes)

    assert awake_at(moment, quiet, zone) <= awake_at(later, quiet, zone)


@given(st.sampled_from(["1 month", "10 days", "2 weeks", "5 minutes", "1 year", "3 hours"]))
def test_a_span_reads_what_people_write(text: str) -> None:
    assert Span.parse(text) == Span.parse(f"  {text}s " if not text.endswith("s") else text)


@pytest.mark.parametrize("text", ["", "10", "ten days", "-1 day", "1.5 days", "3 fortnights"])
def test_a_span_refuses_what_it_does_not_know(text: str) -> None:
    with pytest.raises(ValueError, match="length of time"):
        Span.parse(text)


def _ends_in_a_gap(awake: datetime, quiet: QuietHours, zone: ZoneInfo) -> bool:
    """The end of the night does not exist on that day, so the first wall time after it counts."""
    wall = awake.astimezone(zone).time().replace(fold=0)
    return wall != quiet.ends
