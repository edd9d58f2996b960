"""Groups and the whole campaign against those who were never written to."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from orchestrator.services.evaluate import evaluate
from orchestrator.store.database import Database

NOON = datetime(2025, 11, 12, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
MOMENT = timedelta(microseconds=1)


@pytest.fixture
def evaluated(shop: Any, database: Database, result_of: Callable[[int], Any]) -> Callable[..., Any]:
    def run(send_id: int, kind: str, scope: str = "") -> Any:
        evaluation_id = shop.schedule(send_id, kind, scope)
        evaluate(database, NOON + 60 * DAY)
        return result_of(evaluation_id).result

    return run


def held_out(shop: Any, *, due: datetime = NOON, bought_at: datetime | None = None) -> None:
    """Somebody of the campaign's holdout whose thanks would have gone at noon."""
    customer = shop.a_customer_of(shop.enrollment(arm="holdout", anchor_at=due - DAY))
    if bought_at:
        shop.order(customer, at=bought_at)


def sizes(result: Any) -> tuple[int, int]:
    return result.effect.treated.sums.assigned, result.effect.control.sums.assigned


def buyers(result: Any) -> tuple[int, int]:
    return result.effect.treated.sums.responders, result.effect.control.sums.responders


def test_overall_compares_thirty_days_from_each_ones_thanks(
    shop: Any, evaluated: Callable[..., Any]
) -> None:
    send = shop.send("thanks")
    shop.order(shop.message(send), at=NOON + 30 * DAY)
    shop.order(shop.message(send), at=NOON + 30 * DAY + MOMENT)
    held_out(shop, bought_at=NOON + 30 * DAY)
    held_out(shop, bought_at=NOON)
    held_out(shop)

    found = evaluated(send, "overall")

    assert (sizes(found), buyers(found)) == ((2, 3), (1, 1))


def test_the_holdout_belongs_to_the_send_of_its_day(
    shop: Any, evaluated: Callable[..., Any]
) -> None:
    yesterday = shop.send("thanks", day=date(2025, 11, 11))
    today = shop.send("thanks")
    shop.message(yesterday, accepted_at=NOON - DAY)
    shop.message(today)
    held_out(shop, due=datetime(2025, 11, 11, 23, 59, tzinfo=UTC))
    held_out(shop, due=datetime(2025, 11, 12, 0, 0, tzinfo=UTC))
    held_out(shop, due=datetime(2025, 11, 13, 0, 0, tzinfo=UTC))

    assert sizes(evaluated(today, "overall")) == (1, 1)


def test_after_an_interruption_the_holdout_waits_for_the_next_send(
    shop: Any, evaluated: Callable[..., Any]
) -> None:
    shop.send("thanks", day=date(2025, 11, 8))
    send = shop.send("thanks")
    shop.message(send)
    held_out(shop, due=NOON - 2 * DAY, bought_at=NOON - DAY)

    found = evaluated(send, "overall")

    assert (sizes(found), buyers(found)) == ((1, 1), (0, 0))


def test_a_group_is_one_track_and_category(shop: Any, evaluated: Callable[..., Any]) -> None:
    send = shop.send("thanks")
    shop.message(send, shop.enrollment(category="dresses"))
    shop.message(send, shop.enrollment(category="shoes"))
    shop.message(send, shop.enrollment(category=None))
    shop.message(send, shop.enrollment(track="returning"))
    shop.enrollment(arm="holdout", category="shoes")
    held_out(shop)

    assert sizes(evaluated(send, "group", "new/dresses")) == (1, 1)
    assert sizes(evaluated(send, "group", "new/")) == (1, 0)


def test_a_group_is_followed_until_two_days_after_its_last_action(
    shop: Any, evaluated: Callable[..., Any]
) -> None:
    send = shop.send("thanks")
    care = NOON + 2 * DAY  # two days after thanks; the coupons repeat and do not end a group
    shop.order(shop.message(send), at=care + 2 * DAY)
    shop.order(shop.message(send), at=care + 2 * DAY + MOMENT)
    held_out(shop, bought_at=care + 2 * DAY)

    assert buyers(evaluated(send, "group", "new/dresses")) == (1, 1)


def test_all_messages_and_coupons_of_the_window_cost(
    shop: Any, evaluated: Callable[..., Any]
) -> None:
    send, coupon_send = shop.send("thanks"), shop.send("coupon")
    enrollment = shop.enrollment()
    coupon = shop.coupon(enrollment, state="redeemed", redeemed_at=NOON + 5 * DAY, discount=2_000)
    shop.message(send, enrollment, cost=4_500)
    shop.message(coupon_send, enrollment, coupon_id=coupon, cost=4_500)

    sums = evaluated(send, "overall").effect.treated.sums

    assert (sums.assigned, sums.accepted, sums.message_cost) == (1, 1, 9_000)
    assert (sums.coupons_issued, sums.coupons_redeemed, sums.discount) == (1, 1, 2_000)


def test_those_withheld_from_the_thanks_still_belong_to_the_treated(
    shop: Any, evaluated: Callable[..., Any]
) -> None:
    send = shop.send("thanks")
    shop.message(send, arm="holdout")
    shop.message(send, state="skipped", reason="no_consent", assigned=False)

    assert sizes(evaluated(send, "overall")) == (2, 0)
