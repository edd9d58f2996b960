"""The compiled audience chooses whom a plain reading of the rules chooses, in shops drawn at random."""

import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from drawn_shops import NOW, SHANGHAI, Order, draw_customers, draw_orders, midnight, store
from orchestrator.domain.calendar import Span, due_at
from orchestrator.playbooks.model import Definition
from orchestrator.playbooks.rules import Membership, Rule
from orchestrator.store.audience import candidates, explain
from orchestrator.store.database import Database

LAUNCHED = datetime(2025, 11, 20, tzinfo=UTC)


class Reading:
    """The rules, read aloud over lists."""

    def __init__(self, definition: Definition, all_orders: list[Order]) -> None:
        self.definition = definition
        self.orders = [order for order in all_orders if order.counts and order.placed_at <= NOW]
        self.window = _window(definition.audience)

    def chosen(self) -> set[tuple[Any, ...]]:
        first: dict[str, Order] = {}
        for order in sorted(self.orders, key=lambda o: (o.placed_at, o.customer.id, o.id)):
            if self.in_question(order) and self.holds(self.definition.audience, order):
                first.setdefault(order.customer.person, order)
        by_order = self.definition.anchor == "order"
        return {
            (
                o.customer.id, person, o.id, o.placed_at if by_order else NOW, self.track(o),
                self.grouped(o),
            )
            for person, o in first.items()
        }  # fmt: skip

    def grouped(self, order: Order) -> str | None:
        """Every line of a drawn order costs the same."""
        asked = _categories(self.definition.audience)
        if not asked or order.category in asked:
            return order.category
        bought = Counter(name for name in order.lines if name in asked)
        return min(bought, key=lambda name: (-bought[name], name), default=order.category)

    def in_question(self, order: Order) -> bool:
        if self.window:
            return self.window[0] <= order.placed_at < self.window[1]
        if self.definition.anchor == "enrollment":
            own = [(o.placed_at, o.id) for o in self.of(order)]
            return max(own) == (order.placed_at, order.id)
        return order.placed_at >= LAUNCHED

    def track(self, order: Order) -> str | None:
        matching = (n for n, rule in self.definition.tracks.items() if self.holds(rule, order))
        return next(matching, None)

    def of(self, order: Order) -> list[Order]:
        return [o for o in self.orders if o.customer.person == order.customer.person]

    def holds(self, rule: Rule, order: Order) -> bool:
        kinds = {name for name in Rule.model_fields if name not in ("every", "some", "no")}
        asked = {kind: getattr(rule, kind) for kind in kinds if getattr(rule, kind) is not None}
        return (
            all(getattr(self, kind)(value, order) for kind, value in asked.items())
            and all(self.holds(part, order) for part in rule.every or ())
            and (not rule.some or any(self.holds(part, order) for part in rule.some))
            and not (rule.no and self.holds(rule.no, order))
        )

    def event_day(self, asked: Any, order: Order) -> bool:
        return bool(asked.first <= order.placed_at.astimezone(SHANGHAI).date() <= asked.last)

    def order_total(self, asked: Any, order: Order) -> bool:
        return order.currency == "CNY" and _bounded(asked, order.net)

    def category(self, asked: Membership, order: Order) -> bool:
        return _member(asked, {order.category, *order.lines})

    def orders_before(self, asked: Any, order: Order) -> bool:
        since = self.window[0] if self.window else order.placed_at
        number = sum(other.placed_at < since for other in self.of(order))
        most = number if asked.at_most is None else asked.at_most
        return (asked.at_least or 0) <= number <= most

    def recency(self, asked: Any, order: Order) -> bool:
        last = max(other.placed_at for other in self.of(order))
        long_ago = asked.at_least is None or last <= _before(NOW, asked.at_least)
        return long_ago and (asked.below is None or last > _before(NOW, asked.below))

    def spend(self, asked: Any, order: Order) -> bool:
        spent = [other for other in self.of(order) if other.currency == "CNY"]
        if asked.within:
            since = _before(order.placed_at, asked.within)
            spent = [other for other in spent if since < other.placed_at <= order.placed_at]
        return _bounded(asked, sum(other.net for other in spent))

    def region(self, asked: Membership, order: Order) -> bool:
        return _member(asked, {order.customer.region})

    def tier(self, asked: Membership, order: Order) -> bool:
        return _member(asked, {order.customer.tier})

    def consent(self, asked: Any, order: Order) -> bool:
        return order.customer.consents.get((asked.channel, asked.purpose), False)

    def attribute(self, asked: Any, order: Order) -> bool:
        value = order.customer.attributes.get(asked.name)
        text = None if value is None else str(value).lower() if value is True else str(value)
        if asked.at_least is not None:
            return text is not None and text[0].isdigit() and Decimal(text) >= asked.at_least
        wanted = str(asked.equals).lower() if asked.equals is True else str(asked.equals)
        return text in (asked.within or (wanted,))


def _categories(rule: Rule) -> set[str]:
    own = set(rule.category.within or ()) if rule.category else set()
    return own.union(*(_categories(part) for part in (*(rule.every or ()), *(rule.some or ()))))


def _window(rule: Rule) -> tuple[datetime, datetime] | None:
    windows = [w for part in rule.every or () if (w := _window(part))]
    if rule.event_day:
        last = rule.event_day.last + timedelta(days=1)
        windows.append((midnight(rule.event_day.first), midnight(last)))
    if rule.some and all(_window(part) for part in rule.some):
        some = [w for part in rule.some if (w := _window(part))]
        windows.append((min(w[0] for w in some), max(w[1] for w in some)))
    return (max(w[0] for w in windows), min(w[1] for w in windows)) if windows else None


def _before(moment: datetime, span: Span) -> datetime:
    return due_at(moment, Span(-span.months, -span.days, -span.seconds), SHANGHAI)


def _bounded(asked: Any, minor: int) -> bool:
    enough = asked.at_least is None or minor >= asked.at_least * 100
    return enough and (asked.below is None or minor < asked.below * 100)


def _member(asked: Membership, values: set[str | None]) -> bool:
    return not (asked.within and values.isdisjoint(asked.within)) and not (
        asked.without and not values.isdisjoint(asked.without)
    )


@pytest.mark.parametrize("seed", range(8))
def test_chooses_whom_a_plain_reading_chooses(
    database: Database, drawn_playbook: Callable[[random.Random], Definition], seed: int
) -> None:
    rng = random.Random(seed)  # the same shop for the same seed
    buyers = draw_customers(rng)
    bought = draw_orders(rng, buyers)
    with database.write() as connection:
        store(connection, buyers, bought)

    with database.read() as connection:
        for definition in (drawn_playbook(rng) for _ in range(25)):
            query = candidates(definition, now=NOW, launched_at=LAUNCHED, currency="CNY")
            found = {
                (
                    row.customer_id, row.person, row.order_id, row.anchor_at, row.track,
                    row.category,
                )
                for row in connection.execute(query)
            }  # fmt: skip
            assert found == Reading(definition, bought).chosen(), definition.audience


@pytest.mark.parametrize("seed", range(3))
def test_explains_each_order_as_it_is_chosen(
    database: Database, drawn_playbook: Callable[[random.Random], Definition], seed: int
) -> None:
    rng = random.Random(seed)  # the same shop for the same seed
    buyers = draw_customers(rng)
    bought = draw_orders(rng, buyers)
    with database.write() as connection:
        store(connection, buyers, bought)

    with database.read() as connection:
        for definition in (drawn_playbook(rng) for _ in range(4)):
            reading = Reading(definition, bought)
            for buyer in buyers:
                verdicts = explain(
                    connection,
                    definition,
                    f"c{buyer.id}",
                    now=NOW,
                    launched_at=LAUNCHED,
                    currency="CNY",
                )
                admitted = {verdict.order_id for verdict in verdicts if verdict.admitted}
                assert admitted == {
                    order.id
                    for order in reading.orders
                    if order.customer is buyer
                    and reading.in_question(order)
                    and reading.holds(definition.audience, order)
                }
