"""Many rows in one statement, on both databases."""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Connection,
    Float,
    Integer,
    String,
    Subquery,
    any_,
    bindparam,
    select,
    text,
)
from sqlalchemy.types import TypeEngine

_POSTGRESQL_NAMES: dict[type[TypeEngine[Any]], str] = {
    BigInteger: "bigint",
    Integer: "integer",
    Float: "double precision",
    String: "text",
}


def rows_as_table(
    connection: Connection,
    name: str,
    columns: Mapping[str, type[TypeEngine[Any]]],
    rows: Sequence[Sequence[Any]],
) -> Subquery:
    """
    Return the rows as something to join with: one parameter on SQLite, one a column on PostgreSQL.

    Values are integers, floats, strings or None; moments go in as microseconds.
    """
    if connection.dialect.name == "sqlite":
        picked = ", ".join(
            f"json_extract(value, '$[{position}]') AS {column}"
            for position, column in enumerate(columns)
        )
        given = f"{name}_rows"
        clause = text(f"SELECT {picked} FROM json_each(:{given})").bindparams(
            bindparam(given, json.dumps(rows))
        )
    else:
        arrays = ", ".join(
            f"CAST(:{name}_{column} AS {_POSTGRESQL_NAMES[kind]}[])"
            for column, kind in columns.items()
        )
        listed = ", ".join(columns)
        values = list(zip(*rows, strict=True)) or [()] * len(columns)
        clause = text(f"SELECT {listed} FROM unnest({arrays}) AS t({listed})").bindparams(
            *(
                bindparam(f"{name}_{column}", list(picked))
                for column, picked in zip(columns, values, strict=True)
            )
        )
    return clause.columns(**{column: kind() for column, kind in columns.items()}).subquery(name)


def is_one_of(
    connection: Connection, column: ColumnElement[int], ids: Collection[int]
) -> ColumnElement[bool]:
    """
    Whether the column is among the ids, as one parameter.

    PostgreSQL then reads an index or, where it knows nothing of the table yet, the table once. As a
    table to join with it may read the whole one for each id.
    """
    if connection.dialect.name == "sqlite":
        given = rows_as_table(connection, "ids", {"id": BigInteger}, [(one,) for one in ids])
        return column.in_(select(given.c.id))
    return column == any_(bindparam("ids", sorted(ids), ARRAY(BigInteger), unique=True))
