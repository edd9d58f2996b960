"""Customers of a running simulation hear, buy, redeem, bounce and opt out."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from orchestrator.domain.messages import Fact, MessageState
from orchestrator.playbooks import Definition
from orchestrator.services.simulate.behaviour import Behaviour, ResponseModel
from orchestrator.services.simulate.orders import Orders, Source
from orchestrator.services.simulate.population import Population
from orchestrator.services.simulate.world import Wallet, World
from orchestrator.store.simulation import Heard

WEEK_AFTER = datetime(2026, 11, 19, 2, 0, tzinfo=UTC)
LONG_AFTER = WEEK_AFTER + timedelta(days=30)
DEFINITION = Definition.model_validate(
    {
        "playbook": "come-back",
        "title": "Come back",
        "timezone": "Asia/Shanghai",
        "audience": {},
        "waves": [{"wave": "coupon", "kind": "promo", "after": "7 days"}],
    }
)
HEARD = Heard(
    message_id=1,
    customer_id=1,
    wave="coupon",
    occurrence=0,
    track="all",
    state=MessageState.ACCEPTED,
    planned_at=WEEK_AFTER,
    would_go_at=WEEK_AFTER,
    accepted_at=WEEK_AFTER,
    code="CODE",
    coupon_expires_at=WEEK_AFTER + timedelta(days=14),
    amount=2000,
    percent=None,
    min_spend=None,
)


def to_everybody(shop: Population, **changed: Any) -> list[Heard]:
    numbered = range(1, len(shop) + 1)
    return [
        replace(HEARD, message_id=n, customer_id=n, code=f"CODE{n}", **changed) for n in numbered
    ]


def a_world(shop: Population, **model: float) -> World:
    return World(Behaviour(shop, ResponseModel(**model)), DEFINITION)


def count(batches: Sequence[Orders], source: Source) -> int:
    return sum(len(batch) for batch in batches if batch.source is source)


def test_without_messages_only_natural_orders_come(shop: Population) -> None:
    orders = a_world(shop).orders_until(LONG_AFTER)

    until = int(LONG_AFTER.timestamp())
    assert count(orders, Source.NATURAL) == np.sum(shop.natural.placed <= until)
    assert count(orders, Source.CAUSED) == 0


def test_each_order_comes_once(shop: Population) -> None:
    world = a_world(shop, effect=0.3)
    world.orders_until(WEEK_AFTER)
    world.hear(to_everybody(shop))

    hours = [WEEK_AFTER + timedelta(days=day) for day in range(30)]
    found = sum(count(world.orders_until(hour), Source.CAUSED) for hour in hours)

    assert found == world.orders_caused > 0


def test_who_is_withheld_buys_nothing_more_but_counts_in_the_truth(shop: Population) -> None:
    sent, withheld = a_world(shop, effect=0.3), a_world(shop, effect=0.3)

    sent.hear(to_everybody(shop))
    withheld.hear(to_everybody(shop, accepted_at=None, state=MessageState.WITHHELD))

    assert withheld.orders_caused == 0
    assert withheld.moved == sent.moved


def test_the_order_in_which_messages_are_heard_changes_no_truth(shop: Population) -> None:
    forwards, backwards = a_world(shop, effect=0.3), a_world(shop, effect=0.3)

    forwards.hear(to_everybody(shop)[:200])
    for message in reversed(to_everybody(shop)[:200]):
        backwards.hear([message])

    assert backwards.moved == forwards.moved


def test_some_buyers_use_the_coupon_once_and_pay_less(shop: Population) -> None:
    world = a_world(shop, effect=0.3)
    world.orders_until(WEEK_AFTER)
    world.hear(to_everybody(shop))

    orders = world.orders_until(LONG_AFTER)

    used = [code for batch in orders for code in batch.coupons.values()]
    assert len(set(used)) == len(used) > 0
    taken_off = np.concatenate([batch.discount for batch in orders])
    assert np.count_nonzero(taken_off == 2000) == len(used)


def test_the_provider_reports_bounces_and_opt_outs(shop: Population) -> None:
    news = a_world(shop, undelivered=0.3, opt_out=0.2).hear(to_everybody(shop))

    facts = [event.fact for event in news]
    assert facts.count(Fact.BOUNCED) / len(shop) == pytest.approx(0.3, abs=0.04)
    assert facts.count(Fact.OPTED_OUT) / len(shop) == pytest.approx(0.7 * 0.2, abs=0.03)
    assert {event.at - WEEK_AFTER for event in news} == {timedelta(minutes=1)}


@pytest.mark.parametrize(
    ("total", "placed", "discount"),
    [(30_000, 100, 2_000), (19_899, 100, None), (30_000, 101, None)],
    ids=["in time and large enough", "too small", "too late"],
)
def test_a_coupon_keeps_to_its_terms(total: int, placed: int, discount: int | None) -> None:
    wallet = Wallet("CODE", until=100, amount=2_000, percent=0, min_spend=19_900)

    assert wallet.discount(total, placed) == discount
