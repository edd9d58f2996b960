"""The generated shop as tables: what the import's merge takes, and what an export writes."""

import numpy as np
import polars as pl

from orchestrator.services.simulate.orders import ENTRIES, Orders
from orchestrator.services.simulate.people import REGIONS, TIERS, external_id
from orchestrator.services.simulate.population import Population

MICROS = 1_000_000
_CANCELLED_AFTER = 6 * 3600  #: seconds


def customer_frame(population: Population) -> pl.DataFrame:
    people = population.people
    everyone = range(len(people))
    return pl.DataFrame(
        {
            "external_id": [external_id(c) for c in everyone],
            "name": [people.name(c) for c in everyone],
            "phone": [people.phone(c) for c in everyone],
            "email": [people.email(c) for c in everyone],
            "country": ["CN"] * len(people),
            "region": np.array(REGIONS)[people.region],
            "tier": np.array(TIERS)[people.tier],
            "locale": [people.locale(c) for c in everyone],
            "timezone": [people.timezone(c) for c in everyone],
        },
        schema_overrides={"phone": pl.String, "email": pl.String},
    )


def consent_frame(population: Population) -> pl.DataFrame:
    """One row a customer, channel and purpose, said at the checkout before the event."""
    people = population.people
    asked = [external_id(c) for c in range(len(people))]
    at = first_moment(population) * MICROS
    return pl.concat(
        pl.DataFrame({"external_id": asked, "granted": agreed}).with_columns(
            channel=pl.lit(channel.value),
            purpose=pl.lit(purpose),
            at=pl.lit(at, pl.Int64),
            is_dated=pl.lit(value=True),
            is_alias=pl.lit(value=False),
        )
        for (channel, purpose), agreed in people.agreed.items()
    )


def product_frame(population: Population) -> pl.DataFrame:
    """Prices in minor units."""
    parameters = population.parameters
    rows = [
        (product_number(number), title, category, price * parameters.minor, parameters.currency)
        for number, (category, title, price) in enumerate(parameters.catalogue.products)
    ]
    names = ["external_id", "title", "category", "price", "currency"]
    return pl.DataFrame(rows, schema=names, orient="row")


def order_frame(population: Population, batch: Orders) -> pl.DataFrame:
    """One row an order, numbered from 1; moments in microseconds, money in minor units."""
    letter = batch.source.value
    keys = zip(batch.customer.tolist(), batch.sequence.tolist(), strict=True)
    entry, source, medium = (np.array(said, dtype=object) for said in zip(*ENTRIES, strict=True))
    placed = pl.Series(batch.placed * MICROS)
    return pl.DataFrame(
        {
            "external_id": [f"{letter}{customer:07d}-{number}" for customer, number in keys],
            "customer": [external_id(customer) for customer in batch.customer.tolist()],
            "placed_at": placed,
            "paid_at": placed,
            "cancelled": batch.cancelled,
            "total": batch.total,
            "refunded": batch.refunded,
            "counts": batch.counts,
            "entry": entry[batch.entry].tolist(),
            "utm_source": source[batch.entry].tolist(),
            "utm_medium": medium[batch.entry].tolist(),
            "coupon_code": [batch.coupons.get(position) for position in range(len(batch))],
            "discount": batch.discount,
        },
        schema_overrides=dict.fromkeys(("utm_source", "utm_medium", "coupon_code"), pl.String),
    ).select(
        pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("nr"),
        pl.exclude("cancelled"),
        cancelled_at=pl.when("cancelled").then(pl.col("placed_at") + _CANCELLED_AFTER * MICROS),
        currency=pl.lit(population.parameters.currency),
        is_alias=pl.lit(value=False),
    )


def line_frame(population: Population, batch: Orders) -> pl.DataFrame:
    """One row an order line; ``order_nr`` is the number in the frame of the orders."""
    products = population.parameters.catalogue.products
    skus = np.array([product_number(number) for number in range(len(products))])
    titles = np.array([title for _, title, _ in products])
    number = np.arange(1, len(batch) + 1)
    two = batch.second >= 0
    product = np.concatenate([batch.first, batch.second[two]])
    rest = batch.total - batch.first_amount
    return pl.DataFrame(
        {
            "order_nr": np.concatenate([number, number[two]]),
            "position": np.concatenate([np.ones_like(number), np.full(int(two.sum()), 2)]),
            "sku": skus[product],
            "title": titles[product],
            "quantity": np.ones_like(product),
            "amount": np.concatenate([batch.first_amount, rest[two]]),
        }
    ).sort("order_nr", "position")


def product_number(position: int) -> str:
    return f"P{position:03d}"


def first_moment(population: Population) -> int:
    """Seconds since 1970 of the first order of the event."""
    return int(population.event.placed.min())
