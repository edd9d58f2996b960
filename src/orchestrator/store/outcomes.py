"""What the customers of a comparison did, summed by track, arm and variant in one statement."""

from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    Connection,
    Float,
    Select,
    Subquery,
    and_,
    case,
    cast,
    func,
    not_,
    or_,
    select,
)

from orchestrator.domain.arms import Arm
from orchestrator.domain.evaluations import Cell, Sums
from orchestrator.store.cohorts import Question, as_flag, as_micros, cohort_of
from orchestrator.store.tables import moment, orders

STATEMENT = "store.outcomes.sums"  #: written into each result, to find the SQL behind it


def sums(connection: Connection, question: Question) -> Sums:
    """Return the sums by track, arm and variant; one statement, whatever the number of customers."""
    cohort = cohort_of(question).cte("cohort")
    rows = connection.execute(_by_cell(cohort, question.currency)).all()
    ends = [row.last_end for row in rows if row.last_end is not None]
    return Sums(
        cells=tuple(_cell(row) for row in rows),
        open_messages=sum(int(row.open) for row in rows),
        last_window_ends_at=moment(max(ends)) if ends else None,
    )


def _bought(cohort: CTE, currency: str) -> Subquery:
    """Orders in each one's window (start, end], of those who bought at all."""
    ours = orders.c.currency == currency
    net = orders.c.total - orders.c.refunded
    return (
        select(
            cohort.c.unit,
            func.sum(as_flag(ours)).label("orders"),
            func.sum(as_flag(not_(ours))).label("other"),
            func.sum(case((ours, net), else_=0)).label("revenue"),
        )
        .join(
            orders,
            and_(
                orders.c.customer_id == cohort.c.customer_id,
                as_micros(orders.c.placed_at) > cohort.c.starts,
                as_micros(orders.c.placed_at) <= cohort.c.ends,
            ),
        )
        .where(orders.c.counts.is_(True))
        .group_by(cohort.c.unit)
        .subquery("bought")
    )


def _by_cell(cohort: CTE, currency: str) -> Select[Any]:
    bought = _bought(cohort, currency)
    revenue = cast(bought.c.revenue, BigInteger)
    key = (cohort.c.track, cohort.c.arm, cohort.c.variant)
    total = func.sum
    return (
        select(
            *key,
            func.count().label("assigned"),
            total(cohort.c.accepted).label("accepted"),
            total(cohort.c.delivered).label("delivered"),
            total(as_flag(bought.c.orders > 0)).label("responders"),
            total(bought.c.orders).label("orders"),
            total(bought.c.orders * bought.c.orders).label("order_squares"),
            total(revenue).label("revenue"),
            # A square of minor units times a million customers does not fit into 64 bits.
            total(cast(revenue, Float) * cast(revenue, Float)).label("revenue_squares"),
            total(as_flag(or_(revenue < 0, revenue > 0))).label("buyers"),
            total(bought.c.other).label("other_orders"),
            total(cohort.c.cost).label("message_cost"),
            total(cohort.c.issued).label("coupons_issued"),
            total(cohort.c.redeemed).label("coupons_redeemed"),
            total(cohort.c.discount).label("discount"),
            total(cohort.c.open).label("open"),
            func.max(cohort.c.ends).label("last_end"),
        )
        .select_from(cohort.outerjoin(bought, bought.c.unit == cohort.c.unit))
        .group_by(*key)
        .order_by(*key)
    )


def _cell(row: Any) -> Cell:
    counts = {
        name: int(row._mapping[name] or 0)  # noqa: SLF001  -- SQLAlchemy's own name for it
        for name in Cell.__dataclass_fields__
        if name not in {"track", "arm", "variant", "revenue_squares"}
    }
    return Cell(
        track=row.track,
        arm=Arm(row.arm),
        variant=row.variant,
        revenue_squares=float(row.revenue_squares or 0),
        **counts,
    )
