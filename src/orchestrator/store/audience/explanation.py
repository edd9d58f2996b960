"""Why one customer is in an audience, or which rule keeps them out."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, select

from orchestrator.playbooks.model import Definition
from orchestrator.store.audience.candidates import Entrance, entrance
from orchestrator.store.audience.tree import Leaf
from orchestrator.store.tables import customers, orders

MOST_ORDERS = 20


@dataclass(frozen=True, slots=True)
class RuleVerdict:
    """What one rule asks and what the customer has. Under ``not`` the rule must *not* hold."""

    path: str
    wanted: str
    found: str
    holds: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderVerdict:
    order: str  #: the shop's own number
    order_id: int
    placed_at: datetime
    in_question: RuleVerdict  #: whether the order counts and lies where an anchor order must
    rules: tuple[RuleVerdict, ...]
    admitted: bool
    track: str | None  #: the first that matches, whether admitted or not


def explain(
    connection: Connection,
    definition: Definition,
    customer: str,
    *,
    now: datetime,
    launched_at: datetime,
    currency: str,
) -> list[OrderVerdict]:
    """
    Return what every rule says about each order of the customer (external id), oldest first.

    The same SQL as ``candidates`` decides. Of many orders the latest twenty that are in question
    are looked at, and the latest others where those are fewer; empty where the customer is
    unknown or has not ordered by ``now``.
    """
    way_in = entrance(definition, now=now, launched_at=launched_at, currency=currency)
    leaves = (*way_in.audience.leaves, *(x for t in way_in.tracks.values() for x in t.leaves))
    query = (
        select(*_columns(way_in, leaves))
        .join(customers, customers.c.id == orders.c.customer_id)
        .where(customers.c.external_id == customer, orders.c.placed_at <= now)
        .order_by(way_in.in_question.desc(), orders.c.placed_at.desc(), orders.c.id.desc())
        .limit(MOST_ORDERS)
    )
    found = [_verdict(row, way_in.wanted, leaves) for row in connection.execute(query)]
    return sorted(found, key=lambda verdict: (verdict.placed_at, verdict.order_id))


def _columns(way_in: Entrance, leaves: tuple[Leaf, ...]) -> list[ColumnElement[Any]]:
    asked: list[ColumnElement[Any]] = [
        orders.c.id,
        orders.c.external_id,
        orders.c.placed_at,
        orders.c.counts,
        way_in.in_question.label("in_question"),
        way_in.audience.holds.label("admitted"),
        way_in.track.label("track"),
    ]
    for position, leaf in enumerate(leaves):
        asked += [
            leaf.condition.holds.label(f"holds_{position}"),
            leaf.condition.found.label(f"found_{position}"),
        ]
    return asked


def _verdict(row: Row[Any], wanted: str, leaves: tuple[Leaf, ...]) -> OrderVerdict:
    said = row._mapping  # noqa: SLF001  # SQLAlchemy's public name for the row as a mapping
    in_question = bool(row.in_question)
    found = "a purchase" if row.counts else "not paid, cancelled or refunded"
    return OrderVerdict(
        order=row.external_id,
        order_id=row.id,
        placed_at=row.placed_at,
        in_question=RuleVerdict("order", f"a purchase, {wanted}", found, in_question),
        rules=tuple(
            RuleVerdict(
                leaf.path,
                leaf.condition.wanted,
                leaf.condition.say(said[f"found_{position}"]),
                bool(said[f"holds_{position}"]),
            )
            for position, leaf in enumerate(leaves)
        ),
        admitted=in_question and bool(row.admitted),
        track=row.track,
    )
