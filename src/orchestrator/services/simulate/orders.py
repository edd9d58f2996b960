"""Orders as columns: what was bought, when, for how much, and what became of it."""

from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np

from orchestrator.services.simulate.draws import Floats, Integers, Truths, gammas, picks, uniforms
from orchestrator.services.simulate.parameters import ShopParameters

ENTRIES = (
    ("app", None, None),
    ("mini-program", None, None),
    ("web", "xiaohongshu", "social"),
    ("live", "douyin", "live"),
    ("pos", None, None),
)  #: how they came: entry, UTM source, UTM medium
_ENTRY_SHARES = np.array([0.5, 0.25, 0.12, 0.08, 0.05])
_TWO_LINES = 0.3
_FULL_REFUND = 0.5  #: of those refunded


class Source(StrEnum):
    """Why an order was placed; the first letter of its number."""

    PAST = "P"
    EVENT = "E"
    NATURAL = "N"  #: would have come anyway
    CAUSED = "M"  #: came because of a message


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """One array element an order. ``placed`` counts seconds since 1970, money is in minor units."""

    source: Source
    customer: Integers
    sequence: Integers  #: unique for source and customer
    placed: Integers
    total: Integers
    refunded: Integers
    cancelled: Truths
    category: Integers  #: position of the shelf
    entry: Integers
    first: Integers  #: position of the product
    second: Integers  #: -1: there is one line only
    first_amount: Integers
    discount: Integers  #: what the coupon took off; ``total`` is what was paid
    coupons: dict[int, str] = field(default_factory=dict)  #: position -> code

    def __len__(self) -> int:
        return len(self.customer)

    @property
    def counts(self) -> Truths:
        """Whether it is a purchase: not cancelled, not refunded in full."""
        return ~self.cancelled & (self.refunded < self.total)

    def slice(self, begin: int, end: int) -> "Orders":
        """The orders from one position to before another; carries no coupons."""
        taken = {
            name: getattr(self, name)[begin:end]
            for name in self.__slots__
            if name not in ("source", "coupons")
        }
        return replace(self, **taken, coupons={})

    def picked(self, positions: Integers | Truths) -> "Orders":
        """These orders in this order; carries no coupons."""
        taken = {
            name: getattr(self, name)[positions]
            for name in self.__slots__
            if name not in ("source", "coupons")
        }
        return replace(self, **taken, coupons={})


def draw_orders(
    parameters: ShopParameters,
    seed: int,
    source: Source,
    *,
    customer: Integers,
    sequence: Integers,
    placed: Integers,
    favourite: Integers,
    spend: Floats,
    value: float = 1.0,
) -> Orders:
    """
    Fill the orders: values Gamma-Gamma, categories with persistence, few cancelled or refunded.

    ``spend`` is each customer's nu, ``value`` a factor on all values. Orders that a message caused
    are never cancelled: what it caused would not be what was drawn.
    """

    def uniform(purpose: str) -> Floats:
        return uniforms(seed, f"{source.value} {purpose}", customer, sequence)

    model, minor = parameters.purchases, parameters.minor
    worth = gammas(uniform("value"), model.p, spend) * (model.price_level * value * minor)
    total = np.maximum(np.round(worth), minor).astype(np.int64)
    loyal = uniform("loyal") < (parameters.same_category if source is not Source.EVENT else 1.0)
    category = np.where(loyal, favourite, picks(uniform("category"), parameters.catalogue.shares))
    firm = np.full(len(customer), source is Source.CAUSED)
    refund = np.where(uniform("refund part") < _FULL_REFUND, total, total // 3)
    starts, sizes = parameters.catalogue.starts[category], parameters.catalogue.sizes[category]
    two = uniform("two lines") < _TWO_LINES
    first_share = np.where(two, 0.55 + 0.35 * uniform("first share"), 1.0)
    return Orders(
        source=source,
        customer=customer,
        sequence=sequence,
        placed=placed,
        total=total,
        refunded=np.where(~firm & (uniform("refund") < parameters.refunded), refund, 0),
        cancelled=~firm & (uniform("cancel") < parameters.cancelled),
        category=category,
        entry=picks(uniform("entry"), _ENTRY_SHARES),
        first=starts + (uniform("first") * sizes).astype(np.int64),
        second=np.where(two, starts + (uniform("second") * sizes).astype(np.int64), -1),
        first_amount=np.round(total * first_share).astype(np.int64),
        discount=np.zeros(len(customer), dtype=np.int64),
    )
