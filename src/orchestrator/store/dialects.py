"""What both databases can do and write differently."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, Connection, func
from sqlalchemy.dialects import postgresql, sqlite

Pick = Callable[[ColumnElement[Any], ColumnElement[Any]], ColumnElement[Any]]


def insert_on(connection: Connection) -> Any:
    """The ``insert`` that knows ON CONFLICT."""
    return sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert


def earlier_on(connection: Connection) -> Pick:
    """The lesser of two moments, or the one that there is."""
    return _pick(func.min if connection.dialect.name == "sqlite" else func.least)


def later_on(connection: Connection) -> Pick:
    """The greater of two moments, or the one that there is."""
    return _pick(func.max if connection.dialect.name == "sqlite" else func.greatest)


def _pick(function: Any) -> Pick:
    # SQLite's own answer is NULL where one of both is.
    return lambda one, other: function(func.coalesce(one, other), func.coalesce(other, one))
