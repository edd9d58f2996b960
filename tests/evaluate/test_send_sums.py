"""What counts, for whom, and in whose window."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orchestrator.domain.arms import Arm
from orchestrator.domain.evaluations import Cell
from orchestrator.services.evaluate import evaluate
from orchestrator.store.database import Database

NOON = datetime(2025, 11, 12, 12, 0, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
WINDOW = timedelta(days=10)
LATER = NOON + timedelta(days=12)


@pytest.fixture
def evaluated(shop: Any, database: Database, result_of: Callable[[int], Any]) -> Callable[..., Any]:
    def run(send_id: int, kind: str = "send", scope: str = "") -> Any:
        evaluation_id = shop.schedule(send_id, kind, scope)
        evaluate(database, LATER)
        return result_of(evaluation_id).result

    return run


def a_cell(**fields: Any) -> Cell:
    nothing = dict.fromkeys(
        set(Cell.__dataclass_fields__) - {"track", "arm", "variant", "revenue_squares"}, 0
    )
    named = {"track": "new", "arm": Arm.TREATED, "variant": None, "revenue_squares": 0.0}
    return Cell(**{**nothing, **named, **fields})


def test_sums_by_track_arm_and_variant(shop: Any, evaluated: Callable[..., Any]) -> None:
    send = shop.send()
    often = shop.message(send, variant="short", cost=4500, delivered_at=NOON)
    shop.order(often, days=1, total=10_000)
    shop.order(often, days=2, total=5_000, refunded=1_000)
    shop.message(send, variant="short", cost=4500)
    shop.message(send, variant="long", track="returning", cost=9000)
    shop.message(send, arm="holdout")

    assert evaluated(send).cells == (
        a_cell(arm=Arm.HOLDOUT, assigned=1),
        a_cell(
            variant="short",
            assigned=2,
            accepted=2,
            delivered=1,
            responders=1,
            orders=2,
            order_squares=4,
            revenue=14_000,
            revenue_squares=196_000_000.0,
            buyers=1,
            message_cost=9000,
        ),
        a_cell(track="returning", variant="long", assigned=1, accepted=1, message_cost=9000),
    )


def test_a_send_that_is_put_off_shows_no_lift_out_of_nothing(
    shop: Any, evaluated: Callable[..., Any]
) -> None:
    send = shop.send()
    late = NOON + timedelta(days=10)
    for days in (1, 4, 7, 11, 15):
        at = NOON + timedelta(days=days)
        fate = {"state": "skipped", "reason": "purchased"} if at < late else {"accepted_at": late}
        shop.order(shop.message(send, due_at=late, **fate), at=at)
        shop.order(shop.message(send, arm="holdout"), at=at)

    effect = evaluated(send).effect

    assert (effect.treated.sums.responders, effect.control.sums.responders) == (3, 3)


@pytest.mark.parametrize(
    ("after", "counted"),
    [(-MOMENT, 0), (MOMENT * 0, 0), (MOMENT, 1), (WINDOW, 1), (WINDOW + MOMENT, 0)],
)
def test_a_window_is_open_at_its_start_and_closed_at_its_end(
    shop: Any, evaluated: Callable[..., Any], after: timedelta, counted: int
) -> None:
    send = shop.send()
    customer = shop.message(send, accepted_at=NOON + timedelta(hours=3))
    shop.order(customer, at=NOON + after)

    assert evaluated(send).effect.treated.sums.responders == counted


def test_the_withheld_count_from_when_they_would_have_been_written_to(
    shop: Any, evaluated: Callable[..., Any]
) -> None:
    send = shop.send()
    customer = shop.message(send, arm="holdout", would_go_at=NOON + timedelta(hours=2))
    shop.order(customer, at=NOON + timedelta(hours=2))
    shop.order(customer, at=NOON + timedelta(hours=2) + WINDOW)

    assert evaluated(send).effect.control.sums.orders == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"state": "skipped", "reason": "purchased"},
        {"state": "skipped", "reason": "suppressed"},
        {"state": "skipped", "reason": "pool_empty"},
        {"state": "rejected", "reason": "provider_rejected"},
        {"state": "unresolved", "reason": "never_answered"},
        {"state": "expired", "reason": "late"},
        {"state": "cancelled", "reason": "campaign_stopped"},
    ],
)
def test_whoever_drew_a_lot_counts_whatever_became_of_the_message(
    shop: Any, evaluated: Callable[..., Any], fields: dict[str, Any]
) -> None:
    send = shop.send()
    customer = shop.message(send, **fields)
    shop.order(customer)

    treated = evaluated(send).effect.treated.sums
    assert (treated.assigned, treated.accepted, treated.responders) == (1, 0, 1)


def test_whoever_was_skipped_before_the_lot_is_not_compared(
    shop: Any, evaluated: Callable[..., Any]
) -> None:
    send = shop.send()
    shop.message(send, state="skipped", reason="no_consent", assigned=False)

    assert evaluated(send).cells == ()


def test_orders_that_do_not_count_are_not_counted(shop: Any, evaluated: Callable[..., Any]) -> None:
    send = shop.send()
    shop.order(shop.message(send), counts=False, refunded=10_000)

    assert evaluated(send).effect.treated.sums.orders == 0


def test_orders_in_another_currency_are_left_out_and_said(
    shop: Any, evaluated: Callable[..., Any]
) -> None:
    send = shop.send()
    customer = shop.message(send)
    shop.order(customer, currency="EUR")
    shop.message(send, arm="holdout")

    effect = evaluated(send).effect
    assert effect.treated.sums.responders == 0
    assert effect.treated.sums.other_orders == 1
    assert "other_currency" in effect.flags


def test_coupons_cost_what_was_redeemed_within_the_window(
    shop: Any, evaluated: Callable[..., Any]
) -> None:
    send = shop.send()
    for days in (3, 11):
        enrollment = shop.enrollment()
        coupon = shop.coupon(
            enrollment, state="redeemed", redeemed_at=NOON + timedelta(days=days), discount=2_000
        )
        shop.message(send, enrollment, coupon_id=coupon, cost=4_500)

    effect = evaluated(send).effect
    sums = effect.treated.sums
    assert (sums.coupons_issued, sums.coupons_redeemed, sums.discount) == (2, 1, 2_000)
    assert effect.cost == 2_009.0


def test_a_reminder_costs_what_was_redeemed_beyond_what_the_unreminded_redeemed(
    shop: Any, evaluated: Callable[..., Any]
) -> None:
    """Both arms hold the same coupons: two of three use them reminded, one of two unreminded."""
    send = shop.send()
    for arm, used in (("treated", "110"), ("holdout", "10")):
        for uses in used:
            redeemed = {"state": "redeemed", "redeemed_at": NOON + timedelta(days=1)}
            enrollment = shop.enrollment()
            given = redeemed | {"discount": 2_000} if uses == "1" else {}
            coupon = shop.coupon(enrollment, wave="earlier", **given)
            shop.message(send, enrollment, arm=arm, coupon_id=coupon, cost=0)

    effect = evaluated(send).effect

    assert (effect.treated.sums.discount, effect.control.sums.discount) == (4_000, 2_000)
    assert effect.cost == 4_000 - 2_000 * 3 / 2


def test_one_customer_bought_as_much_as_a_ship_costs(
    shop: Any, evaluated: Callable[..., Any]
) -> None:
    send = shop.send()
    shop.order(shop.message(send), total=9_000_000_000_000)

    assert evaluated(send).effect.treated.sums.revenue == 9_000_000_000_000
