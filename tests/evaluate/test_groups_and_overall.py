"""Groups and the whole campaign against those who were never written to."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from evaluate.conftest import FILES, PLAYBOOK
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


def held_out(shop: Any, send: int, *, bought_at: datetime | None = None, **fields: Any) -> None:
    """Somebody of the campaign's holdout, with their place in the send at noon."""
    enrollment = shop.enrollment(arm="holdout", **fields)
    customer = shop.message(send, enrollment, arm="holdout", assigned=False, channel=None)
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
    held_out(shop, send, bought_at=NOON + 30 * DAY)
    held_out(shop, send, bought_at=NOON)
    held_out(shop, send)

    found = evaluated(send, "overall")

    assert (sizes(found), buyers(found)) == ((2, 3), (1, 1))


def test_the_holdout_belongs_to_the_send_of_its_row(
    shop: Any, evaluated: Callable[..., Any]
) -> None:
    yesterday = shop.send("thanks", day=date(2025, 11, 11))
    today = shop.send("thanks")
    for send, many in ((yesterday, 2), (today, 1)):
        shop.message(send)
        for _ in range(many):
            held_out(shop, send)

    assert sizes(evaluated(today, "overall")) == (1, 1)


def test_who_came_from_an_earlier_wave_is_compared_there(
    shop: Any, evaluated: Callable[..., Any]
) -> None:
    playbook = PLAYBOOK.replace("{wave: thanks,", _HELLO).replace("30 days after thanks", "30 days")
    files = {**FILES, "playbook.yaml": playbook, "en/hello.sms.j2": FILES["en/thanks.sms.j2"]}
    shop.launch(files, name="hello first")
    send = shop.send("thanks")
    shop.message(send, shop.enrollment(track="new"))
    shop.message(send, shop.enrollment(track="returning"))
    held_out(shop, send, track="returning")

    assert sizes(evaluated(send, "overall")) == (1, 1)


_HELLO = """{wave: hello, kind: thanks, after: 1 hour, channels: [sms], tracks: [new]}
  - {wave: thanks,"""


def test_a_send_that_is_put_off_shows_no_lift_out_of_nothing(
    shop: Any, evaluated: Callable[..., Any]
) -> None:
    send = shop.send("thanks")
    late = NOON + 10 * DAY
    for days in (1, 5, 15, 25, 35):
        at = NOON + days * DAY
        fate = {"state": "skipped", "reason": "purchased"} if at < late else {"accepted_at": late}
        shop.order(shop.message(send, due_at=late, **fate), at=at)
        held_out(shop, send, bought_at=at)

    assert buyers(evaluated(send, "overall")) == (4, 4)


def test_a_group_is_one_track_and_category(shop: Any, evaluated: Callable[..., Any]) -> None:
    send = shop.send("thanks")
    shop.message(send, shop.enrollment(category="dresses"))
    shop.message(send, shop.enrollment(category="shoes"))
    shop.message(send, shop.enrollment(category=None))
    shop.message(send, shop.enrollment(track="returning"))
    held_out(shop, send, category="shoes")
    held_out(shop, send)

    assert sizes(evaluated(send, "group", "new/dresses")) == (1, 1)
    assert sizes(evaluated(send, "group", "new/")) == (1, 0)


def test_a_group_is_followed_until_two_days_after_its_last_action(
    shop: Any, evaluated: Callable[..., Any]
) -> None:
    send = shop.send("thanks")
    care = NOON + 2 * DAY  # two days after thanks; the coupons repeat and do not end a group
    shop.order(shop.message(send), at=care + 2 * DAY)
    shop.order(shop.message(send), at=care + 2 * DAY + MOMENT)
    held_out(shop, send, bought_at=care + 2 * DAY)

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
