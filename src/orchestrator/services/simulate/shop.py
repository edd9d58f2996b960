"""Stores a generated shop with the statements that an import merges with."""

from collections.abc import Sequence
from datetime import UTC, datetime

import polars as pl

from orchestrator.services.simulate.frames import (
    consent_frame,
    customer_frame,
    first_moment,
    line_frame,
    order_frame,
    product_frame,
)
from orchestrator.services.simulate.orders import Orders
from orchestrator.services.simulate.population import Population
from orchestrator.store import simulation
from orchestrator.store.database import Connection, Database
from orchestrator.store.functions import hash_address
from orchestrator.store.intake import runs
from orchestrator.store.intake.goods import merge_products
from orchestrator.store.intake.orders import merge_orders
from orchestrator.store.intake.people import merge_consents, merge_customers
from orchestrator.store.schema import address_key

_KNOWN = frozenset({"entry", "utm_source", "utm_medium", "coupon_code"})


class ShopNotEmptyError(Exception):
    """A generated shop needs a database of its own."""


def write_shop(database: Database, population: Population) -> int:
    """
    Store customers, consents, products and all orders up to the event, in one transaction.

    Returns the id of the import that these and all later orders of the simulation belong to.
    """
    key = address_key(database)
    now = datetime.fromtimestamp(first_moment(population), UTC)
    with database.write() as connection:
        if simulation.has_customers(connection):
            raise ShopNotEmptyError(
                f"{database.shown_url} already has customers. Name a database that does not exist yet"
            )
        run = runs.start(
            connection,
            kind="orders",
            preset="simulation",
            file_name="",
            file_hash=f"seed {population.seed}",
            now=now,
        )
        products = product_frame(population)
        merge_products(connection, products, retitle=True, import_id=run, now=now)
        customers = _hashed(customer_frame(population), key)
        merge_customers(connection, customers, import_id=run, now=now)
        merge_consents(connection, consent_frame(population), "checkout")
        write_orders(connection, population, [population.past, population.event], run, now)
    return run


def write_orders(
    connection: Connection,
    population: Population,
    batches: Sequence[Orders],
    import_id: int,
    now: datetime,
) -> None:
    """Store orders as an import would: with their lines, and their coupons redeemed."""
    for batch in batches:
        if len(batch):
            merge_orders(
                connection,
                order_frame(population, batch),
                line_frame(population, batch),
                known=_KNOWN,
                import_id=import_id,
                now=now,
            )


def finish_import(
    connection: Connection, population: Population, import_id: int, now: datetime
) -> None:
    runs.finish(
        connection,
        import_id,
        state="done",
        rows_read=len(population),
        rows_rejected=0,
        rows_left_out=0,
        counts={},
        rejects_file=None,
        now=now,
    )


def customer_number(customer_id: int) -> int:
    """The customer's number: they were stored first, in their order, with ids from 1."""
    return customer_id - 1


def _hashed(customers: pl.DataFrame, key: str) -> pl.DataFrame:
    hashes = {
        f"{name}_hash": pl.Series(
            [address and hash_address(address, key) for address in customers[name]],
            dtype=pl.String,
        )
        for name in ("phone", "email")
    }
    return customers.with_columns(**hashes, is_alias=pl.lit(value=False))
