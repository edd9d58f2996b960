"""A shop of a few customers and orders, written row by row; playbooks drawn by lot."""

import random
from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from sqlalchemy import insert

from orchestrator.playbooks.model import Definition
from orchestrator.store.database import Database
from orchestrator.store.tables import categories, order_lines, products
from shops import EVENT_NOON, add_customer, add_order

Add = Callable[..., int]


@pytest.fixture
def a_customer(database: Database) -> Add:
    numbers = count(1)

    def add(**fields: Any) -> int:
        with database.write() as connection:
            return add_customer(connection, next(numbers), agreed=(), **fields)

    return add


@pytest.fixture
def an_order(database: Database) -> Add:
    numbers = count(1)

    def add(customer_id: int, *, hours: float = 0, **fields: Any) -> int:
        told: dict[str, Any] = {
            "at": EVENT_NOON + timedelta(hours=hours),
            "number": f"o{next(numbers)}",
        }
        with database.write() as connection:
            return add_order(connection, customer_id, **told, **fields)

    return add


@pytest.fixture
def a_line(database: Database) -> Callable[..., None]:
    numbers = count(1)

    def add(order_id: int, category: str) -> None:
        number = next(numbers)
        product = insert(products).values(
            external_id=f"p{number}", title="a thing", category=category, updated_at=EVENT_NOON
        )
        with database.write() as connection:
            connection.execute(insert(categories).values(name=category))
            made = connection.execute(product.returning(products.c.id)).scalar_one()
            connection.execute(
                insert(order_lines).values(
                    order_id=order_id,
                    position=number,
                    product_id=made,
                    title="a thing",
                    quantity=1,
                    amount=100,
                )
            )

    return add


def _bounds(rng: random.Random, amounts: tuple[Any, ...], names: tuple[str, str]) -> dict[str, Any]:
    picked = rng.sample(names, k=rng.randint(1, 2))
    return {name: rng.choice(amounts) for name in picked}


def _names(rng: random.Random, known: tuple[str, ...]) -> dict[str, Any]:
    picked = rng.sample(("in", "not_in"), k=rng.choice((1, 1, 2)))
    return {name: rng.sample(known, k=rng.randint(1, len(known))) for name in picked}


def _leaf(rng: random.Random) -> dict[str, Any]:
    amounts, spans = (298.99, 299, 500, 1000), ("1 month", "30 days", "3 months", "2 hours")
    below = ("at_least", "below")
    attribute = rng.choice(
        ({"equals": 5}, {"equals": True}, {"in": ["gold", "5.5"]}, {"at_least": 3})
    )
    leaves: dict[str, Any] = {
        "event_day": rng.choice(
            ({"from": "2025-11-11", "to": "2025-11-11"}, {"from": "2025-12-11", "to": "2025-12-12"})
        ),
        "order_total": _bounds(rng, amounts, below),
        "category": _names(rng, ("food", "toys", "wear")),
        "orders_before": rng.choice((0, 1, {"at_least": 1}, {"at_most": 2}, {"at_least": 2})),
        "recency": _bounds(rng, spans, below),
        "spend": {**_bounds(rng, amounts, below), "within": rng.choice((None, *spans))},
        "region": _names(rng, ("Guangdong", "Tibet")),
        "tier": _names(rng, ("gold", "plain")),
        "consent": {"channel": rng.choice(("sms", "email"))},
        "attribute": {"name": rng.choice(("level", "vip")), **attribute},
    }
    kind = rng.choice(sorted(leaves))
    return {kind: leaves[kind]}


def _rule(rng: random.Random, depth: int = 0) -> dict[str, Any]:
    rule: dict[str, Any] = {}
    for _ in range(rng.choice((0, 1, 1, 2))):
        rule |= _leaf(rng)
    if depth < 2:
        for key in ("all", "any", "not"):
            if rng.random() < 0.25:
                parts = [_rule(rng, depth + 1) for _ in range(2)]
                rule[key] = parts[0] if key == "not" else parts
    return rule


@pytest.fixture
def drawn_playbook() -> Callable[[random.Random], Definition]:
    """Audience and tracks by lot, of every kind of rule, nested."""
    return _definition


def _definition(rng: random.Random) -> Definition:
    return Definition.model_validate(
        {
            "playbook": "drawn",
            "title": "Drawn",
            "timezone": "Asia/Shanghai",
            "anchor": rng.choice(("order", "enrollment")),
            "audience": _rule(rng),
            "tracks": {"first": _rule(rng, 1), "second": {"orders_before": {"at_least": 1}}},
            "waves": [{"wave": "thanks", "kind": "thanks", "after": "1 day"}],
        }
    )
