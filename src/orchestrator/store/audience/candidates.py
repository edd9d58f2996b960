"""The customers whom a playbook admits, each with the order that brings them in."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    String,
    and_,
    case,
    func,
    literal,
    null,
    select,
    type_coerce,
)

from orchestrator.playbooks.model import Definition
from orchestrator.store.audience.conditions import Scope, between, of_person, other, value_of
from orchestrator.store.audience.grouping import category_within
from orchestrator.store.audience.tree import Compiled, compile_rule
from orchestrator.store.audience.windows import window_of
from orchestrator.store.tables import Moment, customers, orders


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrance:
    """A playbook's audience and tracks as SQL over ``orders`` (the anchor order) and ``customers``."""

    in_question: ColumnElement[bool]  #: the order may bring somebody in
    wanted: str  #: of such an order, in words
    audience: Compiled
    tracks: dict[str, Compiled]

    @property
    def track(self) -> ColumnElement[Any]:
        """The first track whose rule holds; NULL where none does."""
        named = [(rule.holds, literal(name, String)) for name, rule in self.tracks.items()]
        return case(*named, else_=null())


def entrance(
    definition: Definition, *, now: datetime, launched_at: datetime, currency: str
) -> Entrance:
    window = window_of(definition.audience, definition.zone)
    scope = Scope(
        now=now, zone=definition.zone, currency=currency, began_at=window.begins if window else None
    )
    known = and_(orders.c.counts, orders.c.placed_at <= now)
    if window is not None:
        wanted = "placed during the event"
        in_question = and_(known, between(orders.c.placed_at, window.begins, window.ends))
    elif definition.anchor == "enrollment":
        # Nothing more is said of the order, or SQLite would look for it by its date.
        wanted, in_question = "the latest one", _is_latest(scope)
    else:
        wanted = "placed since the launch"
        in_question = and_(known, orders.c.placed_at >= launched_at)
    return Entrance(
        in_question=in_question,
        wanted=wanted,
        audience=compile_rule(definition.audience, scope, "audience"),
        tracks={
            name: compile_rule(rule, scope, f"tracks.{name}")
            for name, rule in definition.tracks.items()
        },
    )


def candidates(
    definition: Definition,
    *,
    now: datetime,
    launched_at: datetime,
    currency: str,
    since: datetime | None = None,
) -> Select[Any]:
    """
    Select who is admitted as of ``now``, one row a person.

    Columns: customer_id, person, order_id, anchor_at, timezone (the playbook's where the customer
    has none), category, locale, country (NULL where unknown), track (NULL where no rule holds). Of
    several orders, and of several profiles of one person, the first admitted order (placed_at,
    customer, id) brings them in. Orders placed after ``now`` are not seen. ``since`` looks only at anchor orders
    placed from then on.
    """
    by_order = admitted(
        definition, now=now, launched_at=launched_at, currency=currency, since=since
    ).subquery("admitted")
    turn = func.row_number().over(
        partition_by=by_order.c.person,
        order_by=(by_order.c.placed_at, by_order.c.customer_id, by_order.c.order_id),
    )
    first = select(by_order, turn.label("turn")).subquery("first")
    kept = [column for column in first.c if column.name not in ("placed_at", "turn")]
    return select(*kept).where(first.c.turn == 1)


def admitted(
    definition: Definition,
    *,
    now: datetime,
    launched_at: datetime,
    currency: str,
    since: datetime | None = None,
) -> Select[Any]:
    """``candidates`` before the first is picked: a row for each admitted order, with placed_at."""
    way_in = entrance(definition, now=now, launched_at=launched_at, currency=currency)
    by_order = definition.anchor == "order"
    anchor_at = orders.c.placed_at if by_order else literal(now, Moment())
    found = select(
        # The order's, not the customer's own: an index of the orders then gives their turn.
        orders.c.customer_id,
        customers.c.person,
        orders.c.id.label("order_id"),
        anchor_at.label("anchor_at"),
        category_within(definition.audience).label("category"),
        customers.c.locale,
        func.coalesce(customers.c.timezone, definition.timezone).label("timezone"),
        customers.c.country,
        way_in.track.label("track"),
        orders.c.placed_at,
    ).where(orders.c.customer_id == customers.c.id, way_in.in_question, way_in.audience.holds)
    return found if since is None else found.where(orders.c.placed_at >= since)


def _is_latest(scope: Scope) -> ColumnElement[bool]:
    """Found from the person's side: a few steps in the index, however many orders the shop has."""
    # The sum keeps PostgreSQL from walking all orders by their date in search of one.
    newest_first = (type_coerce(other.c.placed_at, BigInteger) + 0).desc()
    latest = (
        select(other.c.id)
        .where(of_person(scope))
        .order_by(newest_first, other.c.id.desc())
        .limit(1)
    )
    return orders.c.id == value_of(latest)
