"""A handmade shop: a running campaign, its sends, and customers whose orders one can count by hand."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from orchestrator.domain.messages import MessageState
from orchestrator.domain.shop import Shop
from orchestrator.playbooks.reading import playbook_from_files
from orchestrator.store import campaigns, evaluations
from orchestrator.store.database import Database
from orchestrator.store.tables import (
    coupons,
    customers,
    enrollments,
    messages,
    orders,
    sends,
)
from orchestrator.store.tables import evaluations as evaluation_rows

NOON = datetime(2025, 11, 12, 12, 0, tzinfo=UTC)
TODAY = NOON.date()
PLAYBOOK = """\
playbook: welcome
title: Back again
timezone: UTC
locales: [en]
audience: {order_total: {at_least: 1}}
holdout: 50%
tracks:
  new: {orders_before: 0}
  returning: {orders_before: {at_least: 1}}
waves:
  - {wave: thanks, kind: thanks, after: 1 day, channels: [sms]}
  - {wave: care, kind: care, after: 2 days after thanks, channels: [sms]}
  - wave: coupon
    kind: promo
    after: 3 days after thanks
    channels: [sms]
    holdout: 50%
    variants: [{variant: short, share: 50%}, {variant: long, share: 50%}]
    repeat: {times: 3, every: 1 month}
evaluate: {sends: 10 days, groups: 2 days, overall: 30 days after thanks}
"""
TEXT = "{{ shop.name }}: thank you for the {{ order.item }}. Reply STOP to opt out.\n"
FILES = {
    "playbook.yaml": PLAYBOOK,
    "en/thanks.sms.j2": TEXT,
    "en/thanks.returning.sms.j2": f"Welcome back! {TEXT}",
    "en/coupon.sms.j2": TEXT,
    "en/care.sms.j2": TEXT,
}
SHOP = Shop(
    name="Willow Lane",
    url="https://shop.example/",
    postal_address="12 Garden Road",
    unsubscribe_url="https://shop.example/u",
    currency="CNY",
    country="CN",
    timezone="UTC",
    locale="en",
    sms_price=4500,
    email_price=100,
    margin=0.5,
)


@dataclass
class HandmadeShop:
    """Adds rows one by one; what does not matter has a value already."""

    database: Database
    numbers: Any = field(default_factory=lambda: count(1))
    campaign_id: int = 0

    def launch(self, files: dict[str, str] | None = None, name: str = "double11") -> int:
        playbook = playbook_from_files(files or FILES)
        with self.database.write() as connection:
            self.campaign_id = campaigns.add(
                connection,
                name=name,
                playbook="welcome",
                version=playbook.version,
                files=playbook.files,
                salt="salt",
                shop=SHOP,
                now=NOON,
            )
        return self.campaign_id

    def send(self, wave: str = "coupon", occurrence: int = 0, day: date = TODAY) -> int:
        return self._add(
            sends,
            campaign_id=self.campaign_id,
            wave=wave,
            occurrence=occurrence,
            day=day,
            created_at=NOON,
        )

    def schedule(self, send_id: int, kind: str = "send", scope: str = "", **later: float) -> int:
        due_at = NOON + timedelta(days=11) + timedelta(**later)
        with self.database.write() as connection:
            evaluations.schedule(connection, send_id, self.campaign_id, kind, scope, due_at)
            columns = evaluation_rows.c
            found = select(columns.id).where(columns.send_id == send_id, columns.kind == kind)
            return int(connection.execute(found.where(columns.scope == scope)).scalar_one())

    def enrollment(self, **fields: object) -> int:
        number = next(self.numbers)
        customer_id = self._add(
            customers, external_id=f"c{number}", person=f"p{number}", attributes={}, updated_at=NOON
        )
        anchor_at = fields.get("anchor_at", NOON - timedelta(days=1))
        order_id = self.order(customer_id, at=anchor_at)
        row = {
            "campaign_id": self.campaign_id,
            "customer_id": customer_id,
            "person": f"p{number}",
            "order_id": order_id,
            "anchor_at": anchor_at,
            "track": "new",
            "category": "dresses",
            "locale": "en",
            "timezone": "UTC",
            "arm": "treated",
            "enrolled_at": anchor_at,
        }
        return self._add(enrollments, **{**row, **fields})

    def message(self, send_id: int, enrollment_id: int | None = None, **fields: object) -> int:
        """Return the customer; an accepted message at noon, or a withheld one for the holdout."""
        track = {"track": fields.pop("track")} if "track" in fields else {}
        enrollment_id = enrollment_id or self.enrollment(**track)
        withheld = fields.get("arm") == "holdout"
        columns = sends.c
        with self.database.read() as connection:
            sent = connection.execute(select(sends).where(columns.id == send_id)).one()
        customer_id = self.a_customer_of(enrollment_id)
        row = {
            "send_id": send_id,
            "campaign_id": self.campaign_id,
            "enrollment_id": enrollment_id,
            "customer_id": customer_id,
            "wave": sent.wave,
            "occurrence": sent.occurrence,
            "kind": "promo",
            "arm": "treated",
            "assigned": True,
            "channel": "sms",
            "state": MessageState.WITHHELD if withheld else MessageState.ACCEPTED,
            "reason": "held_out" if withheld else None,
            "planned_at": NOON,
            "due_at": NOON,
            "would_go_at": NOON,
            "accepted_at": None if withheld or "state" in fields else NOON,
        }
        self._add(messages, **{**row, **fields})
        return customer_id

    def a_customer_of(self, enrollment_id: int) -> int:
        columns = enrollments.c
        with self.database.read() as connection:
            found = select(columns.customer_id).where(columns.id == enrollment_id)
            return int(connection.execute(found).scalar_one())

    def another_profile(self, customer_id: int) -> int:
        """Store one more profile of the same person."""
        with self.database.read() as connection:
            known = select(customers.c.person).where(customers.c.id == customer_id)
            person = connection.execute(known).scalar_one()
        return self._add(
            customers,
            external_id=f"c{next(self.numbers)}",
            person=person,
            attributes={},
            updated_at=NOON,
        )

    def become_one(self, first: int, second: int) -> None:
        """An import found out that these two customers are one person."""
        with self.database.write() as connection:
            connection.execute(
                update(customers).where(customers.c.id.in_((first, second))).values(person="one")
            )

    def order(self, customer_id: int, **fields: Any) -> int:
        """An order of 100.00 CNY; ``days`` after noon, or ``at`` a moment."""
        placed_at = fields.pop("at", None) or NOON + timedelta(days=fields.pop("days", 1))
        row = {
            "external_id": f"o{next(self.numbers)}",
            "customer_id": customer_id,
            "placed_at": placed_at,
            "currency": "CNY",
            "total": 10_000,
            "refunded": 0,
            "counts": True,
            "updated_at": placed_at,
        }
        return self._add(orders, **{**row, **fields})

    def change_order(self, order_id: int, **values: object) -> None:
        with self.database.write() as connection:
            connection.execute(update(orders).where(orders.c.id == order_id).values(**values))

    def coupon(self, enrollment_id: int, **fields: object) -> int:
        row = {
            "code": f"CODE{next(self.numbers)}",
            "offer": "welcome-back",
            "campaign_id": self.campaign_id,
            "enrollment_id": enrollment_id,
            "wave": "coupon",
            "occurrence": 0,
            "state": "issued",
            "issued_at": NOON,
        }
        return self._add(coupons, **{**row, **fields})

    def _add(self, table: Any, **values: object) -> int:
        with self.database.write() as connection:
            made = insert(table).values(**values).returning(table.c.id)
            return int(connection.execute(made).scalar_one())


@pytest.fixture
def shop(database: Database) -> HandmadeShop:
    made = HandmadeShop(database)
    made.launch()
    return made


@pytest.fixture
def result_of(database: Database) -> Callable[[int], Any]:
    """The last revision of an evaluation, by the id of its first row."""

    def read(evaluation_id: int) -> Any:
        with database.read() as connection:
            campaign_id = connection.execute(
                select(evaluation_rows.c.campaign_id).where(evaluation_rows.c.id == evaluation_id)
            ).scalar_one()
            found = evaluations.latest(connection, campaign_id)
        return next(item for item in found if item.id == evaluation_id)

    return read
