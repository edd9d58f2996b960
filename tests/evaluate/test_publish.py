"""A report is published once for what is recorded, whoever recorded it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orchestrator.services.evaluate import evaluate, revise
from orchestrator.services.pooled import CampaignUnknownError
from orchestrator.services.publish import publish
from orchestrator.store.database import Database

NOON = datetime(2025, 11, 12, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(days=40)


def published(database: Database, asked_for: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    publish(database, LATER, locale="en", hand_over=found.__setitem__, asked_for=asked_for)
    return found


@pytest.fixture
def order(shop: Any, database: Database) -> int:
    """Of the campaign whose only send is evaluated, by advance; another one waits."""
    send = shop.send()
    customer = shop.message(send)
    order_id: int = shop.order(customer)
    shop.schedule(send)
    evaluate(database, LATER)
    shop.launch(name="waiting")
    shop.schedule(shop.send(), days=90)
    return order_id


def test_what_advance_recorded_is_published_once(order: int, database: Database) -> None:
    first, second = published(database), published(database)

    assert list(first) == ["double11"]
    assert "1 of 1 bought within the time" in first["double11"]
    assert second == {}


def test_a_revision_is_published_as_well(order: int, shop: Any, database: Database) -> None:
    published(database)
    shop.change_order(order, counts=False, updated_at=LATER + timedelta(days=1))

    revise(database, LATER + timedelta(days=1))

    assert "0 of 1 bought within the time" in published(database)["double11"]


def test_the_campaign_asked_for_is_published_in_any_case(order: int, database: Database) -> None:
    published(database)

    assert list(published(database, "waiting")) == ["waiting"]
    assert list(published(database, "double11")) == ["double11"]


def test_a_report_that_could_not_be_handed_over_is_published_next_time(
    order: int, database: Database
) -> None:
    def away(campaign: str, report: str) -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        publish(database, LATER, locale="en", hand_over=away)

    assert list(published(database)) == ["double11"]


def test_an_unknown_campaign_is_named(shop: Any, database: Database) -> None:
    with pytest.raises(CampaignUnknownError, match="double12"):
        published(database, "double12")
