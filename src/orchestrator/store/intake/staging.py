"""Checked rows beside the real tables, for the statements that merge them set by set."""

import io
from typing import Any

import polars as pl
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Integer,
    MetaData,
    Table,
    Text,
    literal,
    text,
)

_stage = MetaData()


def _table(name: str, /, **columns: type[Any]) -> Table:
    kinds: dict[type[Any], Any] = {int: BigInteger, str: Text, bool: Boolean}
    listed = [Column(column, kinds[kind]) for column, kind in columns.items()]
    return Table(
        name, _stage, Column("nr", Integer, primary_key=True), *listed, prefixes=["TEMPORARY"]
    )


# ``nr`` counts from 1 in the order of the file.
customers = _table(
    "stage_customers",
    external_id=str,
    is_alias=bool,  # made from the phone or e-mail: the source has no id of its own
    name=str,
    phone=str,
    email=str,
    phone_hash=str,
    email_hash=str,
    locale=str,
    timezone=str,
    country=str,
    region=str,
    tier=str,
    attributes=str,  # JSON
)
consents = _table(
    "stage_consents",
    external_id=str,
    is_alias=bool,
    phone_hash=str,
    email_hash=str,
    channel=str,
    purpose=str,
    granted=bool,
    at=int,
    is_dated=bool,
    customer_id=int,
)
products = _table(
    "stage_products",
    external_id=str,
    title=str,
    category=str,
    price=int,
    cost=int,
    currency=str,
)
orders = _table(
    "stage_orders",
    external_id=str,
    customer=str,
    is_alias=bool,
    phone_hash=str,
    email_hash=str,
    placed_at=int,
    paid_at=int,
    cancelled_at=int,
    currency=str,
    total=int,
    refunded=int,
    counts=bool,
    category=str,
    item=str,
    entry=str,
    utm_source=str,
    utm_medium=str,
    utm_campaign=str,
    coupon_code=str,
    discount=int,
    customer_id=int,
    order_id=int,
    is_new=bool,
)
lines = _table(
    "stage_lines",
    order_nr=int,
    position=int,
    sku=str,
    title=str,
    quantity=int,
    amount=int,
)
codes = _table("stage_codes", code=str, printed=str)
optouts = _table(
    "stage_optouts",
    channel=str,
    address_hash=str,
    reason=str,
    source=str,
    at=int,
    is_dated=bool,
)

_WORDS = frozenset({"currency", "channel", "purpose", "source"})
_LOCK = 0x696E74616B65  # "intake"


def begin(connection: Connection) -> None:
    """Let one import merge at a time; SQLite's write lock does that by itself."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        # Compiling a plan takes longer than one chunk; its joins are to stay in memory.
        connection.execute(text("SET LOCAL jit = off"))
        connection.execute(text("SET LOCAL work_mem = '64MB'"))


def stage(connection: Connection, table: Table, frame: pl.DataFrame) -> None:
    """Fill the table with the frame's columns of the same name; it is gone after the transaction."""
    # A column that nobody has is null by itself; one that is the same for all is a default.
    said = [column for column in frame if column.null_count() < len(column)]
    same = _constants(frame)
    _create(connection, table, same)
    known = {column.name for column in said} - same.keys()
    numbered = frame if "nr" in known else frame.with_row_index("nr", offset=1)
    filled = numbered.select("nr", *(c.name for c in table.columns if c.name in known - {"nr"}))
    put(connection, table.name, filled)
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"ANALYZE {table.name}"))


def put(connection: Connection, table: str, frame: pl.DataFrame) -> None:
    """Write the frame's columns into those of the same name; what nobody has is left out."""
    if frame.is_empty():
        return
    said = frame.select(c.name for c in frame if c.null_count() < frame.height)
    if connection.dialect.name == "postgresql":
        _copy(connection, table, said)
    else:
        _insert(connection, table, said)


def _constants(frame: pl.DataFrame) -> dict[str, str | int]:
    return {column.name: column[0] for column in frame if _is_constant(column)}


def _is_constant(column: pl.Series) -> bool:
    # A table's definition may stand in a log, what somebody wrote in a cell may not.
    if column.name == "nr" or (column.dtype == pl.String and column.name not in _WORDS):
        return False
    if column.is_empty() or column.null_count():
        return False
    return bool((column == column[0]).all())


def _create(connection: Connection, table: Table, same: dict[str, str | int]) -> None:
    connection.execute(text(f"DROP TABLE IF EXISTS {table.name}"))
    columns = [
        Column(
            column.name,
            column.type,
            # A rowid costs SQLite nothing, an index would cost PostgreSQL.
            primary_key=column.name == "nr" and connection.dialect.name == "sqlite",
            server_default=None if column.name not in same else literal(same[column.name]),
        )
        for column in table.columns
    ]
    Table(table.name, MetaData(), *columns, prefixes=["TEMPORARY"]).create(connection)


def drop(connection: Connection, *tables: Table) -> None:
    for table in tables:
        connection.execute(text(f"DROP TABLE IF EXISTS {table.name}"))


def _copy(connection: Connection, table: str, frame: pl.DataFrame) -> None:
    buffer = io.BytesIO()
    # Null is nothing, the empty text is "": COPY reads it so.
    frame.write_csv(buffer, include_header=False)
    listed = ", ".join(frame.columns)
    driver: Any = connection.connection.dbapi_connection
    copied = f"COPY {table} ({listed}) FROM STDIN (FORMAT csv)"
    with driver.cursor() as cursor, cursor.copy(copied) as copy:
        copy.write(buffer.getbuffer())


def _insert(connection: Connection, table: str, frame: pl.DataFrame) -> None:
    # To bind a value costs about as much as to store it: one that all rows share is not bound,
    # but for the first column, which makes the rows.
    same = {name: _quoted(value) for name, value in _constants(frame[:, 1:]).items()}
    listed = ", ".join(frame.columns)
    marks = ", ".join(same.get(name, "?") for name in frame.columns)
    columns = [column.to_list() for column in frame if column.name not in same]
    driver: Any = connection.connection.dbapi_connection
    driver.executemany(
        f"INSERT INTO {table} ({listed}) VALUES ({marks})", zip(*columns, strict=True)
    )


def _quoted(value: str | int) -> str:
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(int(value))
