"""The virtual clock jumps to what is due."""

from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.services.simulate.play import next_moment
from orchestrator.store.simulation import Due

MIDNIGHT = datetime(2026, 11, 12, 16, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("due", "expected"),
    [
        (Due(None, None), None),
        (Due(None, MIDNIGHT - DAY), MIDNIGHT + DAY),
        (Due(None, MIDNIGHT + 30 * DAY), MIDNIGHT + 30 * DAY),
        (Due(MIDNIGHT + 9 * HOUR, MIDNIGHT + 30 * DAY), MIDNIGHT + 9 * HOUR),
        (Due(MIDNIGHT - HOUR, None), MIDNIGHT + HOUR),
    ],
    ids=[
        "nothing to come: the end",
        "a step that is due waits for the next batch",
        "jumps over what is empty",
        "a message goes in its own morning",
        "a message that is due already is met within the hour",
    ],
)
def test_the_clock_jumps_to_what_is_due(due: Due, expected: datetime | None) -> None:
    assert next_moment(MIDNIGHT, DAY, due, news=False) == expected


def test_news_are_fetched_at_the_next_look() -> None:
    assert next_moment(MIDNIGHT, HOUR, Due(None, None), news=True) == MIDNIGHT + HOUR
