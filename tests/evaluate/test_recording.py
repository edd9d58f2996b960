"""When an evaluation is recorded, that it stays as it was, and what a revision is."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.exc import DBAPIError

from orchestrator.domain.evaluations import RECHECK, Sums, Wait, WaitReason, hindrance
from orchestrator.services.evaluate import (
    EvaluateReport,
    Postponed,
    evaluate,
    revise,
    revise_daily,
)
from orchestrator.store.database import Database
from orchestrator.store.evaluations import add_revision, latest
from orchestrator.store.tables import evaluations

NOON = datetime(2025, 11, 12, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
COMPLETE = NOON + 11 * DAY  # ten days and the wait for late orders


def test_nothing_stands_against_recording_once_window_and_lag_are_over() -> None:
    assert hindrance(Sums((), 0, NOON), DAY, NOON + DAY) is None


def test_the_last_window_and_the_wait_for_late_orders_come_first() -> None:
    wait = hindrance(Sums((), 0, NOON), DAY, NOON + DAY - timedelta(microseconds=1))

    assert wait == Wait(NOON + DAY, WaitReason.WINDOW_OPEN)


def test_an_open_message_is_waited_for() -> None:
    wait = hindrance(Sums((), 1, NOON), DAY, NOON + 2 * DAY)

    assert wait == Wait(NOON + 2 * DAY + RECHECK, WaitReason.MESSAGES_OPEN)


def test_a_send_that_compares_nobody_need_not_wait() -> None:
    assert hindrance(Sums((), 0, None), DAY, NOON) is None


def test_an_evaluation_is_recorded_when_it_is_due_and_once(shop: Any, database: Database) -> None:
    send = shop.send()
    shop.message(send)
    evaluation = shop.schedule(send)

    assert evaluate(database, COMPLETE - timedelta(seconds=1)) == EvaluateReport((), ())
    assert evaluate(database, COMPLETE) == EvaluateReport((evaluation,), ())
    assert evaluate(database, COMPLETE + DAY) == EvaluateReport((), ())


def test_the_last_window_moves_the_evaluation(shop: Any, database: Database) -> None:
    send = shop.send()
    shop.message(send)
    shop.message(send, would_go_at=NOON + DAY)
    evaluation = shop.schedule(send)

    found = evaluate(database, COMPLETE)

    moved = Postponed(evaluation, COMPLETE + DAY, WaitReason.WINDOW_OPEN)
    assert found == EvaluateReport((), (moved,))
    assert evaluate(database, COMPLETE + DAY).recorded == (evaluation,)


@pytest.mark.parametrize("state", ["planned", "claimed", "sending", "unknown"])
def test_an_open_message_keeps_its_evaluation_open(
    shop: Any, database: Database, state: str
) -> None:
    send = shop.send()
    shop.message(send, state=state)
    evaluation = shop.schedule(send)

    found = evaluate(database, COMPLETE)

    assert found.postponed == (Postponed(evaluation, COMPLETE + RECHECK, WaitReason.MESSAGES_OPEN),)


def test_scheduling_again_moves_it_later_and_never_earlier(
    shop: Any, result_of: Callable[[int], Any]
) -> None:
    send = shop.send()
    evaluation = shop.schedule(send, hours=2)
    shop.schedule(send, hours=1)
    assert result_of(evaluation).due_at == COMPLETE + timedelta(hours=2)

    shop.schedule(send, hours=3)
    assert result_of(evaluation).due_at == COMPLETE + timedelta(hours=3)


def test_a_recorded_evaluation_cannot_be_changed(shop: Any, database: Database) -> None:
    evaluation = shop.schedule(shop.send())
    evaluate(database, COMPLETE)

    change = update(evaluations).where(evaluations.c.id == evaluation).values(result={})
    with pytest.raises(DBAPIError, match="immutable"), database.write() as connection:
        connection.execute(change)


def test_scheduling_leaves_a_recorded_evaluation_alone(
    shop: Any, database: Database, result_of: Callable[[int], Any]
) -> None:
    send = shop.send()
    evaluation = shop.schedule(send)
    evaluate(database, COMPLETE)
    before = result_of(evaluation)

    shop.schedule(send, days=5)

    assert result_of(evaluation) == before


def test_a_later_refund_makes_a_revision(
    shop: Any, database: Database, result_of: Callable[[int], Any]
) -> None:
    send = shop.send()
    order = shop.order(shop.message(send))
    shop.schedule(send)
    evaluate(database, COMPLETE)

    shop.change_order(order, refunded=4_000, updated_at=COMPLETE + DAY)
    revised = revise(database, COMPLETE + 2 * DAY).revised

    last = result_of(revised[0])
    assert last.revision == 1
    assert last.recorded_at == COMPLETE + 2 * DAY
    assert last.result.effect.treated.sums.revenue == 6_000
    assert revise(database, COMPLETE + 3 * DAY).revised == ()


def test_an_order_outside_the_window_revises_nothing(shop: Any, database: Database) -> None:
    send = shop.send()
    customer = shop.message(send)
    shop.schedule(send)
    evaluate(database, COMPLETE)

    shop.order(customer, days=11, updated_at=COMPLETE + DAY)

    found = revise(database, COMPLETE + 2 * DAY)
    assert (found.looked_at, found.revised) == (1, ())


def test_an_untouched_shop_is_not_even_looked_at(shop: Any, database: Database) -> None:
    send = shop.send()
    shop.order(shop.message(send))
    shop.schedule(send)
    evaluate(database, COMPLETE)

    assert revise(database, COMPLETE + DAY).looked_at == 0


def test_after_ninety_days_the_books_are_closed(shop: Any, database: Database) -> None:
    send = shop.send()
    order = shop.order(shop.message(send))
    shop.schedule(send)
    evaluate(database, COMPLETE)
    shop.change_order(order, refunded=4_000, updated_at=NOON + 91 * DAY)

    assert revise(database, NOON + 92 * DAY).looked_at == 0


def test_what_many_refunds_change_is_revised_once_a_day(shop: Any, database: Database) -> None:
    send = shop.send()
    order = shop.order(shop.message(send))
    shop.schedule(send)
    evaluate(database, COMPLETE)
    first = revise_daily(database, COMPLETE)

    shop.change_order(order, refunded=1_000, updated_at=COMPLETE + DAY / 4)
    within = revise_daily(database, COMPLETE + DAY / 2)
    shop.change_order(order, refunded=4_000, updated_at=COMPLETE + DAY / 2)
    later, again = (revise_daily(database, COMPLETE + DAY) for _ in range(2))

    assert [len(one.revised) for one in (first, within, later, again)] == [0, 0, 1, 0]
    assert again.looked_at == 0


def test_a_revision_that_another_process_made_first_counts(shop: Any, database: Database) -> None:
    send = shop.send()
    shop.message(send)
    shop.schedule(send)
    evaluate(database, COMPLETE)
    with database.read() as connection:
        [recorded] = latest(connection, shop.campaign_id)
    assert recorded.result is not None

    with database.write() as connection:
        first = add_revision(connection, recorded, recorded.result, COMPLETE)
        second = add_revision(connection, recorded, recorded.result, COMPLETE)

    assert (first is not None, second) == (True, None)
