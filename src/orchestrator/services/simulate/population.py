"""A whole shop as numpy columns: the same parameters and seed give the same shop."""

from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from orchestrator.services.simulate.draws import Floats, Integers, Truths, picks, uniforms
from orchestrator.services.simulate.orders import Orders, Source, draw_orders
from orchestrator.services.simulate.parameters import ShopParameters
from orchestrator.services.simulate.people import People, draw_people
from orchestrator.services.simulate.purchases import (
    Purchases,
    Traits,
    draw_past,
    draw_purchases,
    draw_traits,
)

_DAY = 86400
_RUSH = 0.3  #: share of event orders in the first two hours of a day


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    parameters: ShopParameters
    seed: int
    people: People
    traits: Traits
    favourite: Integers  #: the shelf of each customer's event order
    past: Orders  #: before the event
    event: Orders
    natural: Orders  #: after it, as they come without any message; sorted by customer and time

    def __len__(self) -> int:
        return len(self.people)


def make_shop(parameters: ShopParameters, seed: int) -> Population:
    """Return the shop: pure, and a customer is the same whatever number of others there are."""
    everyone = np.arange(parameters.customers)
    begins, ends = _event_bounds(parameters)
    traits = draw_traits(parameters, seed)
    shelves = parameters.catalogue.shares
    favourite = picks(uniforms(seed, "favourite", everyone), shelves)
    came = uniforms(seed, "event", everyone) < parameters.on_event
    # Who is a customer without having come on the day has bought before.
    knew = ~came | (uniforms(seed, "knew", everyone) < parameters.bought_before)
    placed = np.where(came, _event_moments(seed, everyone, begins, ends), begins)
    horizon = parameters.days_after * _DAY
    purchases, gone = draw_purchases(traits, seed, start=placed, horizon=horizon)
    traits = replace(traits, gone=gone)
    kit = _Kit(parameters, seed, favourite, traits.spend)
    return Population(
        parameters=parameters,
        seed=seed,
        people=draw_people(parameters, seed),
        traits=traits,
        favourite=favourite,
        past=kit.orders(Source.PAST, draw_past(traits, seed, everyone[knew], begins)),
        event=kit.orders(Source.EVENT, _once(everyone, placed, came)),
        natural=kit.orders(Source.NATURAL, purchases),
    )


@dataclass(frozen=True, slots=True)
class _Kit:
    parameters: ShopParameters
    seed: int
    favourite: Integers
    spend: Floats

    def orders(self, source: Source, purchases: Purchases) -> Orders:
        return draw_orders(
            self.parameters,
            self.seed,
            source,
            customer=purchases.customer,
            sequence=purchases.sequence,
            placed=purchases.placed,
            favourite=self.favourite[purchases.customer],
            spend=self.spend[purchases.customer],
            value=self.parameters.event_value if source is Source.EVENT else 1.0,
        )


def draw_caused(
    population: Population, *, customer: Integers, sequence: Integers, placed: Integers
) -> Orders:
    """The orders that messages caused; ``sequence`` names the step that did."""
    kit = _Kit(
        population.parameters, population.seed, population.favourite, population.traits.spend
    )
    return kit.orders(Source.CAUSED, Purchases(customer, sequence, placed))


def _once(everyone: Integers, placed: Integers, came: Truths) -> Purchases:
    return Purchases(everyone[came], np.zeros(int(came.sum()), dtype=np.int64), placed[came])


def _event_bounds(parameters: ShopParameters) -> tuple[int, int]:
    zone = ZoneInfo(parameters.timezone)
    begins = datetime.combine(parameters.event_first, time(), zone)
    ends = datetime.combine(parameters.event_last + timedelta(days=1), time(), zone)
    return int(begins.timestamp()), int(ends.timestamp())


def _event_moments(seed: int, everyone: Integers, begins: int, ends: int) -> Integers:
    days = (ends - begins) // _DAY
    day = (uniforms(seed, "event day", everyone) * days).astype(np.int64)
    rush = uniforms(seed, "rush", everyone) < _RUSH
    within = uniforms(seed, "event hour", everyone) * np.where(rush, 2 * 3600, _DAY)
    moments: Integers = begins + day * _DAY + within.astype(np.int64)
    return moments
