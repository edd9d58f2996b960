"""A generated shop into the tables, in bulk.

Rows are what the database stores, in the order of the columns named here: moments as
microseconds, enums and JSON as text.
"""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Table, func, select, text

from orchestrator.store.tables import (
    categories,
    consents,
    customers,
    order_lines,
    orders,
    products,
)

Rows = Iterable[Sequence[Any]]
CUSTOMER = (
    "id", "external_id", "name", "phone", "email", "phone_hash", "email_hash", "person", "locale",
    "timezone", "country", "region", "tier", "attributes", "updated_at",
)  # fmt: skip
CONSENT = ("customer_id", "channel", "purpose", "granted", "source", "at")
CATEGORY = ("name", "kind")
PRODUCT = ("id", "external_id", "title", "category", "price", "currency", "updated_at")
ORDER = (
    "id", "external_id", "customer_id", "placed_at", "paid_at", "cancelled_at", "currency",
    "total", "refunded", "counts", "category", "item", "entry", "utm_source", "utm_medium",
    "coupon_code", "updated_at",
)  # fmt: skip
LINE = ("order_id", "position", "product_id", "title", "quantity", "amount")
_AT_ONCE = 50_000


def has_customers(connection: Connection) -> bool:
    return connection.execute(select(customers.c.id).limit(1)).first() is not None


def add_customers(connection: Connection, customer_rows: Rows, consent_rows: Rows) -> None:
    _add(connection, customers, CUSTOMER, customer_rows)
    _add(connection, consents, CONSENT, consent_rows)


def add_products(connection: Connection, category_rows: Rows, product_rows: Rows) -> None:
    _add(connection, categories, CATEGORY, category_rows)
    _add(connection, products, PRODUCT, product_rows)


def add_orders(connection: Connection, order_rows: Rows, line_rows: Rows) -> None:
    _add(connection, orders, ORDER, order_rows)
    _add(connection, order_lines, LINE, line_rows)


def next_order_id(connection: Connection) -> int:
    """Return the first free id; whoever uses it holds the write lock, or is alone."""
    return int(connection.execute(select(func.max(orders.c.id))).scalar_one() or 0) + 1


def _add(connection: Connection, table: Table, columns: Sequence[str], rows: Rows) -> None:
    listed = ", ".join(columns)
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * len(columns))
        waiting = iter(rows)
        while some := list(islice(waiting, _AT_ONCE)):
            connection.exec_driver_sql(
                f"INSERT INTO {table.name} ({listed}) VALUES ({marks})", some
            )
        return
    cursor: Any = connection.connection.cursor()
    with cursor, cursor.copy(f"COPY {table.name} ({listed}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
    if "id" in columns:
        # Later rows get their ids from the sequence, which knows nothing of these.
        sequence = f"pg_get_serial_sequence('{table.name}', 'id')"
        connection.execute(text(f"SELECT setval({sequence}, (SELECT max(id) FROM {table.name}))"))
