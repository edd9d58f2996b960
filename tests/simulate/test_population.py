"""A generated shop looks like one."""

from collections.abc import Callable
from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import phonenumbers
import pytest

from orchestrator.services.simulate.orders import Orders
from orchestrator.services.simulate.parameters import PRESETS
from orchestrator.services.simulate.people import People
from orchestrator.services.simulate.population import Population
from orchestrator.services.simulate.purchases import NEVER, share_buying

Builder = Callable[..., Population]


def columns(orders: Orders) -> list[list[int]]:
    return [
        getattr(orders, name).tolist()
        for name in ("customer", "sequence", "placed", "total", "refunded", "first", "entry")
    ]


def test_the_same_seed_gives_the_same_shop(a_shop: Builder, shop: Population) -> None:
    again = a_shop()

    assert columns(again.event) == columns(shop.event)
    assert columns(again.natural) == columns(shop.natural)


def test_a_customer_is_the_same_in_a_larger_shop(a_shop: Builder, shop: Population) -> None:
    larger = a_shop(customers=3000).natural

    assert columns(larger.picked(larger.customer < 2000)) == columns(shop.natural)


def test_another_seed_gives_another_shop(a_shop: Builder, shop: Population) -> None:
    assert columns(a_shop(seed=8).event) != columns(shop.event)


def test_every_phone_passes_the_format_check_and_comes_once(shop: Population) -> None:
    phones = [phone for c in range(2000) if (phone := shop.people.phone(c))]

    assert len(set(phones)) == len(phones)
    assert all(phonenumbers.is_valid_number(phonenumbers.parse(phone)) for phone in phones)


def test_everybody_can_be_reached_somehow(shop: Population) -> None:
    people: People = shop.people

    assert np.all(people.has_phone | people.has_email)


def test_event_orders_lie_on_the_event_day_of_the_shop(shop: Population) -> None:
    zone = ZoneInfo("Asia/Shanghai")

    days = {datetime.fromtimestamp(at, zone).date() for at in shop.event.placed.tolist()}

    assert days == {date(2026, 11, 11)}


def test_past_orders_lie_before_the_event_and_natural_ones_after_it(shop: Population) -> None:
    begins = int(shop.event.placed.min())
    event = np.full(len(shop), begins)
    event[shop.event.customer] = shop.event.placed

    assert shop.past.placed.max() < begins
    assert np.all(shop.natural.placed > event[shop.natural.customer])


def test_nobody_buys_after_they_are_gone(shop: Population) -> None:
    gone = shop.traits.gone

    assert np.all(shop.natural.placed <= gone[shop.natural.customer])
    assert 0 < np.mean(gone < NEVER) < 1


def test_a_few_orders_are_cancelled_or_refunded(shop: Population) -> None:
    assert 0.94 < shop.event.counts.mean() < 0.99
    assert np.all(shop.event.refunded <= shop.event.total)


def test_lines_add_up_to_the_order(shop: Population) -> None:
    event = shop.event
    alone = event.second < 0

    assert np.array_equal(event.first_amount[alone], event.total[alone])
    assert np.all(event.first_amount[~alone] < event.total[~alone])


def test_most_of_an_event_basket_is_what_the_event_sells(shop: Population) -> None:
    assert np.mean(shop.event.category == 0) == pytest.approx(0.8, abs=0.03)


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_as_many_come_back_in_ten_days_as_the_fitted_model_says(
    a_shop: Builder, preset: str
) -> None:
    shop = a_shop(customers=40_000, purchases=PRESETS[preset], days_after=10)
    came = np.isin(shop.natural.customer, shop.event.customer)

    share = len(np.unique(shop.natural.customer[came])) / len(shop.event)

    assert share == pytest.approx(share_buying(PRESETS[preset], 10), abs=0.0035)


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_baskets_are_worth_what_the_fitted_model_says(a_shop: Builder, preset: str) -> None:
    model = PRESETS[preset]

    total = a_shop(customers=20_000, purchases=model).natural.total.mean() / 100

    # Gamma-Gamma has a heavy tail; the mean of the model is p v / (q - 1).
    assert total == pytest.approx(model.p * model.v / (model.q - 1) * model.price_level, rel=0.06)
