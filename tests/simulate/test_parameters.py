"""The generated shop fits the playbook that is played in it."""

from datetime import date
from typing import Any

import pytest

from orchestrator.playbooks import Definition
from orchestrator.services.simulate.behaviour import loop_of
from orchestrator.services.simulate.parameters import NoEventDayError, parameters_for


def a_definition(audience: dict[str, Any]) -> Definition:
    return Definition.model_validate(
        {
            "playbook": "come-back",
            "title": "Come back",
            "timezone": "Asia/Shanghai",
            "audience": audience,
            "tracks": {"new": {"orders_before": 0}, "returning": {}},
            "waves": [
                {"wave": "thanks", "kind": "thanks", "after": "1 day"},
                {"wave": "coupon", "kind": "promo", "after": "7 days", "tracks": ["new"]},
                {
                    "wave": "again",
                    "kind": "promo",
                    "after": "1 month",
                    "repeat": {"times": 3, "every": "1 month"},
                },
            ],
        }
    )


EVENT = {"from": "2026-12-12", "to": "2026-12-12"}


def test_the_event_and_what_is_sold_are_the_playbooks() -> None:
    nested = {"all": [{"event_day": EVENT}, {"category": {"in": ["food", "daily"]}}]}

    found = parameters_for(a_definition(nested), customers=10, preset="gift", currency="CNY")

    assert (found.event_first, found.event_last) == (date(2026, 12, 12), date(2026, 12, 12))
    assert [shelf.category for shelf in found.catalogue.shelves] == ["daily", "food"]


def test_a_category_that_nobody_knows_gets_plain_products() -> None:
    audience = {"event_day": EVENT, "category": {"in": ["garden"]}}

    found = parameters_for(a_definition(audience), customers=10, preset="gift", currency="CNY")

    assert found.catalogue.products[0] == ("garden", "garden 0", 99)


def test_without_an_event_day_nobody_knows_when_to_buy() -> None:
    with pytest.raises(NoEventDayError, match="come-back: the audience has no event_day"):
        parameters_for(a_definition({}), customers=10, preset="gift", currency="CNY")


@pytest.mark.parametrize(
    ("track", "wave", "occurrence", "loop"),
    [
        ("new", "thanks", 0, None),
        ("new", "coupon", 0, 0),
        ("new", "again", 0, 1),
        ("new", "again", 2, 3),
        ("returning", "again", 0, 0),
    ],
)
def test_loops_count_the_promotions_of_the_track(
    track: str, wave: str, occurrence: int, loop: int | None
) -> None:
    assert loop_of(a_definition({}), track, wave, occurrence) == loop
