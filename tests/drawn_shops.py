"""Shops drawn by lot, small enough to read and full of edge cases."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import insert

from orchestrator.store.database import Connection
from orchestrator.store.tables import (
    categories,
    consents,
    customers,
    order_lines,
    orders,
    products,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2025, 12, 14, 4, 0, tzinfo=UTC)
CATEGORIES = ("food", "toys", "wear")
REGIONS = ("Guangdong", "Tibet", None)
NAMES = ("level", "vip")
VALUES = (3, 5, "5", "5.5", "gold", True, "true", None, 1.5)


@dataclass(kw_only=True)
class Customer:
    id: int
    person: str
    region: str | None
    tier: str | None
    attributes: dict[str, Any]
    consents: dict[tuple[str, str], bool]


@dataclass(kw_only=True)
class Order:
    id: int
    customer: Customer
    placed_at: datetime
    currency: str
    total: int
    refunded: int
    counts: bool
    category: str | None
    lines: list[str | None] = field(default_factory=list)

    @property
    def net(self) -> int:
        return self.total - self.refunded


def draw_customers(rng: random.Random) -> list[Customer]:
    keys = [(c, p) for c in ("sms", "email") for p in ("marketing", "service")]
    return [
        Customer(
            id=number,
            person=f"person {rng.randint(1, 9)}",
            region=rng.choice(REGIONS),
            tier=rng.choice(("gold", "plain", None)),
            attributes={name: rng.choice(VALUES) for name in NAMES if rng.random() < 0.7},
            consents={key: rng.random() < 0.6 for key in keys if rng.random() < 0.7},
        )
        for number in range(1, 13)
    ]


def draw_orders(rng: random.Random, buyers: list[Customer]) -> list[Order]:
    days = [date(2025, 9, 14), date(2025, 11, 10), date(2025, 11, 11), date(2025, 11, 12)]
    days += [date(2025, 11, 14), date(2025, 12, 12), date(2025, 12, 20)]
    return [
        Order(
            id=number,
            customer=rng.choice(buyers),
            placed_at=midnight(rng.choice(days))
            + timedelta(hours=rng.choice((0, 0, 12, 23)), microseconds=rng.choice((-1, 0, 1))),
            currency=rng.choice(("CNY", "CNY", "CNY", "USD")),
            total=(total := rng.choice((29_899, 29_900, 29_901, 50_000, 100_000))),
            refunded=rng.choice((0, 0, 1, total // 2)),
            counts=rng.random() < 0.85,
            category=rng.choice((*CATEGORIES, None)),
            lines=rng.choices((*CATEGORIES, None), k=rng.randint(0, 2)),
        )
        for number in range(1, 46)
    ]


def store(connection: Connection, buyers: list[Customer], bought: list[Order]) -> None:
    plain = {"updated_at": NOW}
    fields = ("id", "person", "region", "tier", "attributes")
    connection.execute(insert(categories), [{"name": name} for name in CATEGORIES])
    connection.execute(
        insert(products),
        [
            {"id": n, "external_id": f"p{n}", "title": "x", "category": c, **plain}
            for n, c in enumerate((*CATEGORIES, None))
        ],
    )
    connection.execute(
        insert(customers),
        [{f: getattr(c, f) for f in fields} | {"external_id": f"c{c.id}", **plain} for c in buyers],
    )
    connection.execute(insert(consents), list(_consent_rows(buyers)))
    order_fields = ("id", "placed_at", "currency", "total", "refunded", "counts", "category")
    connection.execute(
        insert(orders),
        [
            {f: getattr(o, f) for f in order_fields}
            | {"external_id": f"o{o.id}", "customer_id": o.customer.id, **plain}
            for o in bought
        ],
    )
    connection.execute(insert(order_lines), list(_line_rows(bought)))


def _consent_rows(buyers: list[Customer]) -> Iterator[dict[str, Any]]:
    for customer in buyers:
        for (channel, purpose), granted in customer.consents.items():
            told = {"channel": channel, "purpose": purpose, "granted": granted}
            yield told | {"customer_id": customer.id, "source": "test", "at": NOW}


def _line_rows(bought: list[Order]) -> Iterator[dict[str, Any]]:
    for order in bought:
        for position, name in enumerate(order.lines):
            product = (*CATEGORIES, None).index(name)
            line = {"order_id": order.id, "position": position, "product_id": product}
            yield line | {"title": "x", "quantity": 1, "amount": 1}


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), SHANGHAI)
