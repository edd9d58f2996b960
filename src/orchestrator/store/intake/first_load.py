"""
A first load: rows straight into tables that are empty, whose indexes are made when all are in.

There is nothing to merge them with. All of it is one transaction, and so is the making of the
indexes: whoever is killed meanwhile leaves the tables empty and with all that belongs to them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import polars as pl
from sqlalchemy import (
    Connection,
    ForeignKeyConstraint,
    Table,
    UniqueConstraint,
    exists,
    func,
    literal,
    select,
    text,
)
from sqlalchemy.schema import AddConstraint, DropConstraint

from orchestrator.store.intake import staging
from orchestrator.store.intake.counts import Counts, Merged
from orchestrator.store.intake.orders import ALWAYS, SOMETIMES, CustomerMissingError
from orchestrator.store.intake.people import CELLS
from orchestrator.store.intake.redemptions import fates_of_unknown
from orchestrator.store.tables import consents, coupons, customers, micros, orders

_Constraint = ForeignKeyConstraint | UniqueConstraint
_FETCHED = 50_000


def is_first(connection: Connection, *tables: Table) -> bool:
    """Whether all of them are empty; nobody reads or writes them from then on."""
    empty = select(*(~select(literal(1)).select_from(table).exists() for table in tables))
    if not all(connection.execute(empty).one()):
        return False
    if connection.dialect.name == "postgresql":
        keys = [key for table in tables for key in table.foreign_keys]
        locked = {table.name for table in (*tables, *(key.column.table for key in keys))}
        listed = ", ".join(sorted(locked))
        connection.execute(text(f"LOCK TABLE {listed} IN ACCESS EXCLUSIVE MODE"))
    return all(connection.execute(empty).one())


def any_coupon(connection: Connection) -> bool:
    return bool(connection.execute(select(exists(select(coupons.c.id)))).scalar_one())


@contextmanager
def without_indexes(connection: Connection, *tables: Table) -> Iterator[None]:
    """Take off what PostgreSQL and SQLite can make again at once, and make it again behind the block."""
    indexes = [index for table in tables for index in table.indexes]
    keys = _keys(connection, tables)
    for key in reversed(keys):
        connection.execute(DropConstraint(key))
    for index in indexes:
        index.drop(connection)
    yield
    for index in indexes:
        index.create(connection)
    for key in keys:
        # Isolated, it would be left out wherever its table is made from then on.
        connection.execute(AddConstraint(key, isolate_from_table=False))


def _keys(connection: Connection, tables: tuple[Table, ...]) -> list[_Constraint]:
    """Unique keys, then foreign ones. SQLite can take off neither, and looks none up in a load."""
    if connection.dialect.name == "sqlite":
        return []
    found = [key for table in tables for key in table.constraints]
    return [
        *(key for key in found if isinstance(key, UniqueConstraint)),
        *(key for key in found if isinstance(key, ForeignKeyConstraint)),
    ]


def load_customers(
    connection: Connection,
    frame: pl.DataFrame,
    said: pl.DataFrame,
    *,
    source: str,
    import_id: int,
    now: datetime,
) -> dict[str, Counts]:
    """Store customers, each with an id of its own, and what they agreed to."""
    numbered = frame.with_row_index("id", _reserve(connection, customers, frame.height))
    attributes = pl.col("attributes") if "attributes" in frame.columns else pl.lit(None, pl.String)
    named = numbered.select(
        "id",
        "external_id",
        *CELLS,
        person=pl.coalesce("phone", "email", pl.lit("id:") + pl.col("external_id")),
        attributes=attributes.fill_null("{}"),
        import_id=pl.lit(import_id),
        updated_at=pl.lit(micros(now)),
    )
    staging.put(connection, customers.name, named)
    done = {"customers": Counts(inserted=frame.height)}
    if not said.is_empty():
        ids = numbered.select("external_id", customer_id="id")
        given = said.join(ids, on="external_id", maintain_order="left").with_columns(
            source=pl.lit(source)
        )
        listed = ("customer_id", "channel", "purpose", "granted", "source", "at")
        staging.put(connection, consents.name, given.select(listed))
        done["consents"] = Counts(inserted=given.height)
    return done


def load_orders(
    connection: Connection,
    frame: pl.DataFrame,
    customer_ids: pl.DataFrame,
    *,
    import_id: int,
    now: datetime,
) -> Merged:
    """Store orders without lines, each with its customer's id from ``ids_of(customers)``; no coupon is known."""
    found = frame.join(
        customer_ids.rename({"external_id": "customer", "id": "customer_id"}),
        on="customer",
        how="left",
        maintain_order="left",
    )
    if lost := found["customer_id"].null_count():
        raise CustomerMissingError(f"{lost} orders of this import have no stored customer")
    stored = found.select(
        "external_id",
        *ALWAYS,
        *SOMETIMES,
        import_id=pl.lit(import_id),
        updated_at=pl.lit(micros(now)),
    )
    staging.put(connection, orders.name, stored)
    counts = {"orders": Counts(inserted=frame.height), "coupons": Counts()}
    return Merged(counts, fates_of_unknown(frame["coupon_code"]))


def ids_of(connection: Connection, table: Table) -> pl.DataFrame:
    """Return ``external_id`` and ``id`` of all rows: some 50 bytes of memory each."""
    driver: Any = connection.connection.dbapi_connection
    query = f"SELECT external_id, id FROM {table.name}"
    schema = {"external_id": pl.String, "id": pl.Int64}
    if connection.dialect.name == "postgresql":
        with (
            driver.cursor() as cursor,
            cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT csv)") as copy,
        ):
            return pl.read_csv(b"".join(copy), has_header=False, schema=schema)
    cursor = driver.execute(query)
    parts = [pl.DataFrame(schema=schema)]
    while rows := cursor.fetchmany(_FETCHED):
        parts.append(pl.DataFrame(rows, schema=schema, orient="row"))
    return pl.concat(parts)


def _reserve(connection: Connection, table: Table, rows: int) -> int:
    """Return the first of as many ids that nobody else will get."""
    if connection.dialect.name == "sqlite":
        last = select(func.coalesce(func.max(table.c.id), 0))
        return int(connection.execute(last).scalar_one()) + 1
    sequence = f"pg_get_serial_sequence('{table.name}', 'id')"
    taken = text(f"SELECT setval({sequence}, nextval({sequence}) + :more)")
    return int(connection.execute(taken, {"more": rows - 1}).scalar_one()) - rows + 1
