"""What SQL computes is what the domain computes, on both databases."""

import random
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import BigInteger, String, select

from orchestrator.domain.arms import draw_lot
from orchestrator.domain.calendar import QuietHours, Span, awake_at, due_at
from orchestrator.store import functions
from orchestrator.store.bulk import rows_as_table
from orchestrator.store.database import Database
from orchestrator.store.tables import micros, moment

# Zones whose rules have not changed lately: server and Python may carry different editions.
ZONES = (
    "Asia/Shanghai", "Europe/Berlin", "Europe/London", "America/New_York", "America/Sao_Paulo",
    "Australia/Lord_Howe", "Australia/Sydney", "Asia/Kolkata", "Pacific/Auckland", "UTC",
)  # fmt: skip
NIGHTS = (None, QuietHours(time(21), time(9)), QuietHours(time(0, 30), time(2, 30)))
SPANS = (Span(), Span(days=1), Span(months=1), Span(months=5), Span(days=3, seconds=5400))


def some_moments(seed: int) -> list[tuple[int, str]]:
    """Moments all over three years, thick around the clock changes."""
    dice = random.Random(seed)
    changes = [
        datetime(2026, month, day, tzinfo=UTC)
        for month, day in ((3, 8), (3, 29), (4, 5), (10, 4), (10, 25), (11, 1), (9, 27))
    ]
    near = [change + timedelta(minutes=15 * dice.randrange(-200, 200)) for change in changes * 8]
    far = [
        datetime(2025, 1, 31, tzinfo=UTC) + timedelta(hours=dice.randrange(26_000))
        for _ in range(60)
    ]
    return [(micros(at), dice.choice(ZONES)) for at in near + far]


@pytest.mark.parametrize("quiet", NIGHTS, ids=["no night", "night", "around the change"])
@pytest.mark.parametrize("span", SPANS, ids=str)
def test_the_due_moment(database: Database, span: Span, quiet: QuietHours | None) -> None:
    rows = some_moments(seed=span.days + 10 * span.months)
    expected = []
    for anchor, name in rows:
        zone = ZoneInfo(name)
        due = awake_at(due_at(moment(anchor), span, zone), quiet, zone)
        expected.append((anchor, name, micros(due)))

    with database.read() as connection:
        given = rows_as_table(connection, "g", {"anchor": BigInteger, "zone": String}, rows)
        due_sql = functions.due_at(given.c.anchor, span, given.c.zone, quiet)
        found = connection.execute(select(given.c.anchor, given.c.zone, due_sql)).all()

    assert sorted(map(tuple, found)) == sorted(expected)


@pytest.mark.parametrize("usual", ZONES)
@pytest.mark.parametrize("span", [*SPANS, Span(days=-2), Span(seconds=-90)], ids=str)
def test_the_due_moment_by_plain_addition(database: Database, span: Span, usual: str) -> None:
    rows = [(anchor, usual) for anchor, _ in some_moments(seed=len(usual))]
    expected = {(at, micros(due_at(moment(at), span, ZoneInfo(usual)))) for at, _ in rows}

    with database.read() as connection:
        given = rows_as_table(connection, "g", {"anchor": BigInteger, "zone": String}, rows)
        now = datetime(2026, 9, 28, tzinfo=UTC)
        due_sql = functions.due_near(given.c.anchor, span, given.c.zone, now=now, usual=usual)
        found = connection.execute(select(given.c.anchor, due_sql)).all()

    assert set(map(tuple, found)) == expected


def test_the_lot(database: Database) -> None:
    people = [("+8613800000000",), ("ä@example.com",), ("id:42",), ("王",)]

    with database.read() as connection:
        given = rows_as_table(connection, "g", {"person": String}, people)
        found = connection.execute(
            select(given.c.person, functions.lot(given.c.person, "盐"))
        ).all()

    assert dict(map(tuple, found)) == {person: draw_lot(person, "盐") for (person,) in people}


def test_the_address_hash(database: Database) -> None:
    with database.read() as connection:
        given = rows_as_table(connection, "g", {"address": String}, [("a@example.com",), (None,)])
        found = connection.execute(select(functions.address_hash(given.c.address, "key"))).scalars()

        assert set(found) == {functions.hash_address("a@example.com", "key"), None}
