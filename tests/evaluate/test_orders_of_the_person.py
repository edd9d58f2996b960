"""What somebody buys under another profile is their answer all the same, once, in either arm."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orchestrator.services.evaluate import evaluate, revise
from orchestrator.store.database import Database

NOON = datetime(2025, 11, 12, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
COMPLETE = NOON + 32 * DAY
Found = tuple[str, int, int, int]


@pytest.fixture
def evaluated(shop: Any, database: Database, result_of: Callable[[int], Any]) -> Callable[..., Any]:
    """What each arm did: arm, assigned, responders, orders, revenue."""

    def run(send_id: int, kind: str = "send") -> set[tuple[str, int, int, int, int]]:
        evaluation_id = shop.schedule(send_id, kind)
        evaluate(database, COMPLETE)
        return {
            (cell.arm.value, cell.assigned, cell.responders, cell.orders, cell.revenue)
            for cell in result_of(evaluation_id).result.cells
        }

    return run


def test_an_order_under_another_profile_is_a_response_in_either_arm(
    shop: Any, evaluated: Callable[..., Any]
) -> None:
    send = shop.send()
    for arm in ("treated", "holdout"):
        shop.order(shop.another_profile(shop.message(send, arm=arm)))

    assert evaluated(send) == {("treated", 1, 1, 1, 10_000), ("holdout", 1, 1, 1, 10_000)}


def test_it_counts_for_the_whole_campaign_as_well(shop: Any, evaluated: Callable[..., Any]) -> None:
    send = shop.send("thanks")
    for arm in ("treated", "holdout"):
        enrollment = shop.enrollment(arm=arm)
        shop.order(shop.another_profile(shop.message(send, enrollment, arm=arm)))

    assert evaluated(send, "overall") == {
        ("treated", 1, 1, 1, 10_000),
        ("holdout", 1, 1, 1, 10_000),
    }


def test_orders_of_several_profiles_are_those_of_one_responder(
    shop: Any, evaluated: Callable[..., Any]
) -> None:
    send = shop.send()
    customer = shop.message(send)
    for profile in (customer, shop.another_profile(customer), shop.another_profile(customer)):
        shop.order(profile)

    assert evaluated(send) == {("treated", 1, 1, 3, 30_000)}


def test_the_window_is_that_of_the_row(shop: Any, evaluated: Callable[..., Any]) -> None:
    send = shop.send()
    other = shop.another_profile(shop.message(send, would_go_at=NOON + DAY))
    shop.order(other, days=1)
    shop.order(other, days=11)
    shop.order(other, at=NOON + 11 * DAY + timedelta(microseconds=1))

    assert evaluated(send) == {("treated", 1, 1, 1, 10_000)}


def test_two_rows_of_one_person_keep_their_own_orders_and_the_first_has_the_rest(
    shop: Any, evaluated: Callable[..., Any]
) -> None:
    send = shop.send()
    first, second = shop.message(send, arm="holdout"), shop.message(send)
    shop.become_one(first, second)
    shop.order(second, total=1_000)
    shop.order(shop.another_profile(first), total=2_000)

    assert evaluated(send) == {("holdout", 1, 1, 1, 2_000), ("treated", 1, 1, 1, 1_000)}


def test_a_refund_under_another_profile_makes_a_revision(
    shop: Any, database: Database, result_of: Callable[[int], Any]
) -> None:
    send = shop.send()
    order = shop.order(shop.another_profile(shop.message(send)))
    shop.schedule(send)
    evaluate(database, COMPLETE)

    shop.change_order(order, refunded=4_000, updated_at=COMPLETE + DAY)
    [revised] = revise(database, COMPLETE + 2 * DAY).revised

    assert result_of(revised).result.effect.treated.sums.revenue == 6_000
