"""What every kind of rule is built from: what it is seen from, and what it gives back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, not_, true

from orchestrator.playbooks.rules import Membership
from orchestrator.store.tables import customers, orders

other = orders.alias("other")  #: any order of the person; ``orders`` itself is the anchor order
profile = customers.alias("profile")  #: any profile of the person


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What the rules of one campaign are seen from."""

    now: datetime
    zone: ZoneInfo
    currency: str
    began_at: datetime | None  #: of the event; none where the audience names no event


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    holds: ColumnElement[bool]  #: never NULL, so that ``not`` turns it round
    wanted: str
    found: ColumnElement[Any]
    say: Callable[[Any], str]  #: the found value in words


def of_person(scope: Scope, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """The person's counted orders, under whatever profile, as far as they were placed by now."""
    return and_(
        profile.c.person == customers.c.person,
        other.c.customer_id == profile.c.id,
        other.c.counts,
        other.c.placed_at <= scope.now,
        *conditions,
    )


def value_of(query: Select[Any]) -> ColumnElement[Any]:
    return query.correlate(orders, customers).scalar_subquery()


def between(value: ColumnElement[Any], low: object, high: object) -> ColumnElement[bool]:
    """At least ``low`` and below ``high``, as far as they are given."""
    asked = [value >= low] if low is not None else []
    return and_(true(), *asked, *([value < high] if high is not None else []))


def one_of(value: ColumnElement[Any], names: Sequence[str]) -> ColumnElement[bool]:
    return and_(value.is_not(None), value.in_(names))


def member(
    asked: Membership, among: Callable[[Sequence[str]], ColumnElement[bool]]
) -> ColumnElement[bool]:
    """Who has no value is in none of the lists: ``in`` leaves them out, ``not_in`` lets them in."""
    within = [among(asked.within)] if asked.within else []
    return and_(true(), *within, *([not_(among(asked.without))] if asked.without else []))
