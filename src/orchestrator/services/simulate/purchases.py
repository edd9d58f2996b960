"""What each customer is like, and when they buy by themselves."""

from dataclasses import dataclass

import numpy as np
from scipy import special

from orchestrator.services.simulate.draws import (
    Floats,
    Integers,
    betas,
    exponentials,
    gammas,
    normals,
    uniforms,
)
from orchestrator.services.simulate.parameters import PurchaseModel, ShopParameters

WEEK = 7 * 86400
NEVER = 2**40  #: seconds since 1970: after everything
PAST_WEEKS = 26
_MOST_ORDERS = 120
_SPREAD = 0.8  #: of the logarithm of responsiveness


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What nobody knows of a customer: one array element a customer."""

    rate: Floats  #: purchases a week while alive
    leaving: Floats  #: probability to be gone after a purchase
    spend: Floats  #: nu of Gamma-Gamma: high means cheap baskets
    responsiveness: Floats  #: factor on the effect of a message; mean 1
    gone: Integers  #: seconds since 1970 when they were gone for good, or NEVER


@dataclass(frozen=True, slots=True)
class Purchases:
    """Natural purchases: sorted by customer, then time."""

    customer: Integers
    sequence: Integers
    placed: Integers


def draw_traits(parameters: ShopParameters, seed: int) -> Traits:
    """Traits before any purchase; nobody is gone yet."""
    everyone, model = np.arange(parameters.customers), parameters.purchases
    luck = uniforms(seed, "rate", everyone)
    tie = parameters.responsiveness
    # A Gaussian copula: who buys often responds more, which is what biases comparisons of
    # those who have not come back yet.
    warmth = tie * normals(luck) + np.sqrt(1 - tie**2) * normals(uniforms(seed, "warm", everyone))
    return Traits(
        rate=np.maximum(gammas(luck, model.r, model.alpha), 1e-12),
        leaving=betas(uniforms(seed, "leaving", everyone), model.a, model.b),
        spend=np.maximum(gammas(uniforms(seed, "spend", everyone), model.q, model.v), 1e-9),
        responsiveness=np.exp(_SPREAD * warmth - _SPREAD**2 / 2),
        gone=np.full(parameters.customers, NEVER, dtype=np.int64),
    )


def draw_purchases(
    traits: Traits, seed: int, *, start: Integers, horizon: int
) -> tuple[Purchases, Integers]:
    """
    Return the purchases in (start, start + horizon seconds] and when each customer was gone.

    BG/NBD, with the chance to leave after the purchase at the start, too: what brings people in
    on an event day often keeps few.
    """
    walkers = np.arange(len(start))
    gone = np.where(uniforms(seed, "leave", walkers, 0) < traits.leaving, start, NEVER)
    clock = start.astype(np.float64)
    found: list[tuple[Integers, Integers]] = []
    walkers = walkers[gone == NEVER]
    for count in range(1, _MOST_ORDERS + 1):
        gap = exponentials(uniforms(seed, "gap", walkers, count), WEEK / traits.rate[walkers])
        clock[walkers] += np.maximum(gap, 1.0)
        walkers = walkers[clock[walkers] <= start[walkers] + horizon]
        if not len(walkers):
            break
        found.append((walkers, clock[walkers].astype(np.int64)))
        left = uniforms(seed, "leave", walkers, count) < traits.leaving[walkers]
        gone[walkers[left]] = found[-1][1][left]
        walkers = walkers[~left]
    return _joined(found), gone


def draw_past(traits: Traits, seed: int, customers: Integers, before: int) -> Purchases:
    """The first purchase and what followed, in the half year before a moment."""
    mean = traits.rate[customers] * PAST_WEEKS
    counts = 1 + np.minimum(_poisson(uniforms(seed, "past count", customers), mean), 30)
    customer = np.repeat(customers, counts)
    sequence = np.arange(len(customer)) - np.repeat(np.cumsum(counts) - counts, counts)
    ago = uniforms(seed, "past", customer, sequence) * (PAST_WEEKS * WEEK)
    return Purchases(customer, sequence, before - 1 - ago.astype(np.int64))


def share_buying(model: PurchaseModel, days: float) -> float:
    """The share of new customers that buys within so many days after the first purchase."""
    stays = 1 - model.a / (model.a + model.b)
    weeks = days / 7
    return stays * float(1 - (model.alpha / (model.alpha + weeks)) ** model.r)


def _poisson(uniform: Floats, mean: Floats) -> Integers:
    counts = np.zeros(len(mean), dtype=np.int64)
    for count in range(31):
        counts += uniform > special.pdtr(count, mean)
    return counts


def _joined(found: list[tuple[Integers, Integers]]) -> Purchases:
    if not found:
        nothing = np.zeros(0, dtype=np.int64)
        return Purchases(nothing, nothing, nothing)
    customer = np.concatenate([walkers for walkers, _ in found])
    placed = np.concatenate([moments for _, moments in found])
    sequence = np.concatenate(
        [np.full(len(w), k, dtype=np.int64) for k, (w, _) in enumerate(found)]
    )
    order = np.lexsort((sequence, customer))
    return Purchases(customer[order], sequence[order], placed[order])
