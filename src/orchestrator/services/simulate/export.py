"""Writes a generated shop as the files that a shop would import."""

from collections.abc import Iterable
from pathlib import Path

import polars as pl

from orchestrator.domain.money import minor_digits
from orchestrator.services.simulate.frames import (
    consent_frame,
    customer_frame,
    line_frame,
    order_frame,
    product_frame,
)
from orchestrator.services.simulate.orders import Orders
from orchestrator.services.simulate.population import Population

_MOMENTS = ("placed_at", "paid_at", "cancelled_at")


def write_export(population: Population, folder: Path) -> list[Path]:
    """
    Write customers.csv, products.csv and orders.csv (one row a line); return their paths.

    The format is the orchestrator's own. The orders are those up to the event and all that came
    later without any message.
    """
    folder.mkdir(parents=True, exist_ok=True)
    batches = (population.past, population.event, population.natural)
    frames = {
        "customers": _customers(population),
        "products": _products(population),
        "orders": pl.concat(_orders(population, batches)).sort("placed_at", maintain_order=True),
    }
    paths = []
    for name, frame in frames.items():
        paths.append(folder / f"{name}.csv")
        frame.write_csv(paths[-1])
    return paths


def write_orders_file(population: Population, batches: Iterable[Orders], path: Path) -> None:
    """Write some of the orders, as ``write_export`` does; there is at least one."""
    whole = pl.concat(_orders(population, (batch for batch in batches if len(batch))))
    whole.sort("placed_at", maintain_order=True).write_csv(path)


def _customers(population: Population) -> pl.DataFrame:
    said = consent_frame(population).with_columns(
        granted=pl.when("granted").then(pl.lit("yes")).otherwise(pl.lit("no")),
        asked=pl.concat_str("channel", "purpose", separator="_"),
    )
    agreed = said.pivot("asked", index=["external_id", "at"], values="granted")
    return (
        customer_frame(population)
        .join(agreed, on="external_id", how="left", maintain_order="left")
        .with_columns(consent_at=_written("at"))
        .drop("at")
        .rename({"external_id": "customer_id"})
    )


def _products(population: Population) -> pl.DataFrame:
    return (
        product_frame(population)
        .with_columns(price=_decimal("price", population))
        .rename({"external_id": "sku"})
    )


def _orders(population: Population, batches: Iterable[Orders]) -> Iterable[pl.DataFrame]:
    categories = product_frame(population).select(pl.col("external_id").alias("sku"), "category")
    for batch in batches:
        yield (
            order_frame(population, batch)
            .drop("counts", "is_alias")
            .join(line_frame(population, batch), left_on="nr", right_on="order_nr")
            .join(categories, on="sku", how="left", maintain_order="left")
            .drop("nr", "position")
            .with_columns(
                *(_written(name) for name in _MOMENTS),
                *(_decimal(name, population) for name in ("total", "refunded", "discount")),
                line_amount=_decimal("amount", population),
            )
            .drop("amount")
            .rename({"external_id": "order_id", "customer": "customer_id"})
        )


def _written(name: str) -> pl.Expr:
    """Microseconds since 1970 as ISO 8601 with an offset."""
    return pl.from_epoch(name, time_unit="us").dt.strftime("%Y-%m-%dT%H:%M:%S+00:00")


def _decimal(name: str, population: Population) -> pl.Expr:
    digits = minor_digits(population.parameters.currency)
    return (pl.col(name) / population.parameters.minor).round(digits).alias(name)
