"""What speaks against dispatching from a database, one witness at a time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orchestrator.domain.quarantine import Clocks, Memory, Standing, Suspicion, suspect

THEN = Clocks(boot_id="b1", uptime=100.0, wall=datetime(2026, 11, 12, 4, 0, tzinfo=UTC))
MEMORY = Memory(instance="shop", place="here:/a", confirmed=1, attempt=9, event=5, clocks=THEN)
STANDING = Standing(
    instance="shop", site="disk", confirmed=1, attempt=9, event=5, boot_id="b1", restored=False
)


def found(
    memory: Memory | None = MEMORY, place: str = "here:/a", clocks: Clocks = THEN, **more: Any
) -> Suspicion | None:
    return suspect(memory, replace(STANDING, **more), place=place, site="disk", clocks=clocks)


@pytest.mark.parametrize(
    ("more", "suspicion"),
    [
        ({}, None),
        ({"attempt": 10, "event": 6}, None),
        ({"attempt": 8}, Suspicion.RESTORED),
        ({"event": 4}, Suspicion.RESTORED),
        ({"confirmed": 0}, Suspicion.RESTORED),
        ({"boot_id": None}, Suspicion.RESTORED),
        ({"restored": True}, Suspicion.RESTORED),
        ({"instance": "another"}, Suspicion.FOREIGN),
        ({"site": "elsewhere"}, Suspicion.MOVED),
        ({"boot_id": "b2"}, Suspicion.DOUBLE),
    ],
)
def test_the_database_is_compared_with_what_was_remembered(
    more: dict[str, Any], suspicion: Suspicion | None
) -> None:
    assert found(**more) is suspicion


def test_what_a_person_has_confirmed_since_may_know_less() -> None:
    assert found(confirmed=2, attempt=3, boot_id=None) is None


@pytest.mark.parametrize(
    ("site", "suspicion"), [(None, None), ("disk", None), ("elsewhere", Suspicion.MOVED)]
)
def test_who_comes_new_is_let_in_where_the_database_lay(
    site: str | None, suspicion: Suspicion | None
) -> None:
    assert found(memory=None, site=site, boot_id=None) is suspicion


def test_a_memory_that_moved_with_its_folder_still_knows_the_attempts() -> None:
    assert found(place="here:/b", boot_id=None) is None
    assert found(place="here:/b", boot_id=None, attempt=8) is Suspicion.RESTORED


@pytest.mark.parametrize(
    ("wall", "boot_id", "suspicion"),
    [
        (timedelta(hours=1), "b1", None),
        (timedelta(minutes=58), "b1", None),
        (timedelta(minutes=57, seconds=59), "b1", Suspicion.CLOCK),
        (timedelta(minutes=62, seconds=1), "b1", Suspicion.CLOCK),
        (timedelta(days=9), "b2", None),
    ],
)
def test_clocks_are_compared_within_one_boot(
    wall: timedelta, boot_id: str, suspicion: Suspicion | None
) -> None:
    an_hour_later = Clocks(boot_id=boot_id, uptime=3_700.0, wall=THEN.wall + wall)

    assert found(clocks=an_hour_later) is suspicion
