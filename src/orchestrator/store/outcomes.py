"""What the customers of a comparison did, summed by track, arm and variant in one statement."""

from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Connection,
    Float,
    RowMapping,
    Select,
    Subquery,
    and_,
    case,
    cast,
    func,
    literal,
    not_,
    null,
    or_,
    select,
    union_all,
)

from orchestrator.domain.arms import Arm
from orchestrator.domain.evaluations import Cell, EvaluationKind, Sums
from orchestrator.store.cohorts import Question, as_flag, as_micros, cohort_of
from orchestrator.store.tables import customers, moment, orders

STATEMENT = "store.outcomes.sums"  #: written into each result, to find the SQL behind it


_KEY = ("track", "arm", "variant")
_OF_MESSAGES = (
    "accepted", "delivered", "message_cost", "coupons_issued", "coupons_redeemed", "discount", "open",
)  # fmt: skip
_OF_ORDERS = (
    "responders", "orders", "order_squares", "revenue", "revenue_squares", "buyers", "other_orders",
)  # fmt: skip


def sums(connection: Connection, question: Question) -> Sums:
    """Return the sums by track, arm and variant; one statement, whatever the number of customers."""
    cohort = cohort_of(question).cte("cohort")
    if question.kind is EvaluationKind.SEND:
        # Read twice rather than written down: each half needs other columns of it.
        cohort = cohort.prefix_with("NOT MATERIALIZED")
    rows = connection.execute(_written_to(cohort).union_all(_bought(cohort, question.currency)))
    merged: dict[tuple[Any, ...], list[RowMapping]] = {}
    for row in rows.mappings():
        merged.setdefault(tuple(row[name] for name in _KEY), []).append(row)
    ends = [row["last_end"] for rows in merged.values() for row in rows if row["last_end"]]
    return Sums(
        cells=tuple(_cell(merged[key]) for key in sorted(merged, key=_order)),
        open_messages=sum(int(row["open"]) for rows in merged.values() for row in rows),
        last_window_ends_at=moment(max(ends)) if ends else None,
    )


def _written_to(cohort: CTE) -> Select[Any]:
    """Everybody, and what was spent on them."""
    columns = cohort.c
    return select(
        *(columns[name] for name in _KEY),
        func.count().label("assigned"),
        *(func.sum(columns[name]).label(name) for name in _OF_MESSAGES),
        *(literal(0).label(name) for name in _OF_ORDERS),
        func.max(columns.ends).label("last_end"),
    ).group_by(*(columns[name] for name in _KEY))


def _bought(cohort: CTE, currency: str) -> Select[Any]:
    """Those who bought at all, and what."""
    found = _baskets(cohort, currency).c
    revenue = cast(found.revenue, BigInteger)
    amount = cast(revenue, Float)
    measured = {
        "responders": as_flag(found.orders > 0),
        "orders": found.orders,
        "order_squares": found.orders * found.orders,
        "revenue": revenue,
        # A square of minor units times a million customers does not fit into 64 bits.
        "revenue_squares": amount * amount,
        "buyers": as_flag(or_(revenue < 0, revenue > 0)),
        "other_orders": found.other_orders,
    }
    return select(
        *(found[name] for name in _KEY),
        literal(0).label("assigned"),
        *(literal(0).label(name) for name in _OF_MESSAGES),
        *(func.sum(measured[name]).label(name) for name in _OF_ORDERS),
        cast(null(), BigInteger).label("last_end"),
    ).group_by(*(found[name] for name in _KEY))


def _baskets(cohort: CTE, currency: str) -> Subquery:
    """Each buyer's orders, under whatever profile, within their own window (start, end]."""
    others = _other_profiles(cohort)
    own = _orders_of(cohort, cohort.c.customer_id)
    theirs = _orders_of(cohort, others.c.customer_id, others)
    found = union_all(own, theirs).subquery("found").c
    ours = found.currency == currency
    who = [found.unit, *(found[name] for name in _KEY)]
    return (
        select(
            *who,
            func.sum(as_flag(ours)).label("orders"),
            func.sum(as_flag(not_(ours))).label("other_orders"),
            func.sum(case((ours, found.amount), else_=0)).label("revenue"),
        )
        .group_by(*who)
        .subquery("baskets")
    )


def _orders_of(cohort: CTE, buyer: ColumnElement[int], others: CTE | None = None) -> Select[Any]:
    within = and_(
        orders.c.customer_id == buyer,
        as_micros(orders.c.placed_at) > cohort.c.starts,
        as_micros(orders.c.placed_at) <= cohort.c.ends,
    )
    found = select(
        cohort.c.unit,
        *(cohort.c[name] for name in _KEY),
        orders.c.currency,
        (orders.c.total - orders.c.refunded).label("amount"),
    ).select_from(cohort)
    if others is not None:
        found = found.join(others, others.c.unit == cohort.c.unit)
    return found.join(orders, within).where(orders.c.counts.is_(True))


def _other_profiles(cohort: CTE) -> CTE:
    """
    The compared with their persons' other profiles (unit, customer_id).

    Nobody's order counts twice: a profile that is compared itself keeps its own, and of two that
    are one person the first has those of the others. Few persons have several profiles: looking
    for them first costs one walk through their index.
    """
    several = (
        select(customers.c.person).group_by(customers.c.person).having(func.count() > 1)
    ).cte("several")
    profile = (
        select(customers.c.id, customers.c.person)
        .join(several, several.c.person == customers.c.person)
        .cte("profile")
    )
    compared = (
        select(profile.c.id, profile.c.person, cohort.c.unit)
        .join(cohort, cohort.c.customer_id == profile.c.id)
        .cte("compared")
    )
    first = (
        select(compared.c.person, func.min(compared.c.unit).label("unit"))
        .group_by(compared.c.person)
        .subquery("first")
    )
    return (
        select(first.c.unit, profile.c.id.label("customer_id"))
        .join(profile, profile.c.person == first.c.person)
        .where(profile.c.id.not_in(select(compared.c.id)))
        .cte("others")
    )


def _cell(rows: list[RowMapping]) -> Cell:
    """Put the halves of one cell together."""
    first = rows[0]
    counts = {
        name: sum(int(row[name] or 0) for row in rows)
        for name in ("assigned", *_OF_MESSAGES, *_OF_ORDERS)
        if name not in {"open", "revenue_squares"}
    }
    return Cell(
        track=first["track"],
        arm=Arm(first["arm"]),
        variant=first["variant"],
        revenue_squares=float(sum(row["revenue_squares"] or 0 for row in rows)),
        **counts,
    )


def _order(key: tuple[Any, ...]) -> tuple[str, ...]:
    return tuple(str(part or "") for part in key)
