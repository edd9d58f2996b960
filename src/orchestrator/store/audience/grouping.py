"""By which of the things bought a customer is grouped and cared for."""

from typing import Any

from sqlalchemy import ColumnElement, String, case, func, literal, select

from orchestrator.playbooks.rules import Rule, categories_named
from orchestrator.store.audience.conditions import value_of
from orchestrator.store.tables import order_lines, orders, products


def category_within(audience: Rule) -> ColumnElement[Any]:
    """
    Return the anchor order's category, among those that the audience names.

    The one with the most money, ties by name: a dear gift in the basket does not hide what the
    playbook speaks of. The order's own where the audience names none, or no line is of them.
    """
    named = sorted(set(categories_named(audience)))
    if not named:
        return orders.c.category
    if audience.category and audience.category.within and len(named) == 1:
        return literal(named[0], String)  # or the order would not be admitted
    within = orders.c.category.in_(named)  # then it has the most money among them too
    return case(
        (within, orders.c.category), else_=func.coalesce(_leading(named), orders.c.category)
    )


def _leading(named: list[str]) -> ColumnElement[Any]:
    by_name = case({name: place for place, name in enumerate(named)}, value=products.c.category)
    return value_of(
        select(products.c.category)
        .join(order_lines, order_lines.c.product_id == products.c.id)
        .where(order_lines.c.order_id == orders.c.id, products.c.category.in_(named))
        .group_by(products.c.category)
        .order_by(func.sum(order_lines.c.amount).desc(), by_name)
        .limit(1)
    )
