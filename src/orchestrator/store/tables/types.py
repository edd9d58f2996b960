"""Column types, and what every table shares."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import BigInteger, Dialect, Integer, MetaData, String
from sqlalchemy.types import TypeDecorator

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite gives a rowid alias only to INTEGER PRIMARY KEY.
Id = BigInteger().with_variant(Integer, "sqlite")

E = TypeVar("E", bound=StrEnum)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def micros(moment: datetime) -> int:
    """Return microseconds since 1970 in UTC; ValueError for a naive moment."""
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone cannot be stored")
    return (moment - _EPOCH) // MICROSECOND


def moment(micros: int) -> datetime:
    return _EPOCH + micros * MICROSECOND


class Moment(TypeDecorator[datetime]):
    """An aware UTC moment, stored as integer microseconds since 1970.

    Both databases then compare, index and add spans with the same SQL, and lose nothing.
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002  # given by SQLAlchemy
        return None if value is None else micros(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002  # given by SQLAlchemy
        return None if value is None else moment(value)

    def coerce_compared_value(self, op: Any, value: Any) -> Any:  # noqa: ARG002  # given by SQLAlchemy
        return BigInteger() if isinstance(value, int) else self


class Word(TypeDecorator[E]):
    """An enum stored as its value, readable in any database client."""

    impl = String
    cache_ok = True

    def __init__(self, words: type[E]) -> None:
        super().__init__(32)
        self.words = words

    def process_bind_param(self, value: E | str | None, dialect: Dialect) -> str | None:  # noqa: ARG002  # given by SQLAlchemy
        return None if value is None else self.words(value).value

    def process_result_value(self, value: str | None, dialect: Dialect) -> E | None:  # noqa: ARG002  # given by SQLAlchemy
        return None if value is None else self.words(value)
