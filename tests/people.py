"""The rows that a message stands on: people, what they agreed to, orders, walks, coupons."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, insert, select

from orchestrator.domain.arms import Arm
from orchestrator.domain.coupons import CouponState
from orchestrator.domain.messages import Channel
from orchestrator.store.functions import hash_address
from orchestrator.store.tables import (
    consents,
    coupons,
    customers,
    enrollments,
    metadata,
    orders,
    sends,
)
from shops import KEY

BOUGHT = datetime(2025, 11, 4, 4, 0, tzinfo=UTC)  # noon in Shanghai
DUE = datetime(2025, 11, 12, 4, 0, tzinfo=UTC)  # noon there, a week later


def catch_up(connection: Connection, *names: str) -> None:
    """Let PostgreSQL's own numbering go on behind the ids that were given."""
    if connection.dialect.name == "postgresql":
        for name in names:
            table = metadata.tables[name]
            last = select(func.max(table.c.id)).scalar_subquery()
            connection.execute(select(func.setval(func.pg_get_serial_sequence(name, "id"), last)))


def address_of(person: int, channel: Channel) -> str:
    return f"+86139{person:08d}" if channel is Channel.SMS else f"c{person}@example.org"


def next_id(connection: Connection, table: Any) -> int:
    return int(connection.execute(select(func.coalesce(func.max(table.c.id), 0))).scalar_one()) + 1


def add_people(connection: Connection, count: int) -> list[int]:
    first = next_id(connection, customers)
    people = list(range(first, first + count))
    connection.execute(
        insert(customers),
        [
            {
                "id": person,
                "external_id": f"C{person}",
                "name": "Li Na",
                "phone": address_of(person, Channel.SMS),
                "email": address_of(person, Channel.EMAIL),
                "phone_hash": hash_address(address_of(person, Channel.SMS), KEY),
                "email_hash": hash_address(address_of(person, Channel.EMAIL), KEY),
                "person": address_of(person, Channel.SMS),
                "attributes": {},
                "updated_at": BOUGHT,
            }
            for person in people
        ],
    )
    catch_up(connection, "customers")
    return people


def agree(connection: Connection, people: list[int]) -> None:
    rows = [
        {
            "customer_id": person,
            "channel": channel,
            "purpose": "marketing",
            "granted": True,
            "source": "test",
            "at": BOUGHT,
        }
        for person in people
        for channel in Channel
    ]
    connection.execute(insert(consents), rows)


def add_orders(connection: Connection, people: list[int]) -> list[int]:
    first = next_id(connection, orders)
    rows = [
        {
            "id": one,
            "external_id": f"O{one}",
            "customer_id": person,
            "placed_at": BOUGHT,
            "currency": "CNY",
            "total": 39_900,
            "counts": True,
            "item": "Linen dress",
            "updated_at": BOUGHT,
        }
        for one, person in enumerate(people, start=first)
    ]
    connection.execute(insert(orders), rows)
    catch_up(connection, "orders")
    return list(range(first, first + len(people)))


def add_enrollments(
    connection: Connection,
    campaign_id: int,
    people: list[int],
    anchors: list[int],
    *,
    wave: str,
    more: Mapping[str, Any],
) -> list[int]:
    first = next_id(connection, enrollments)
    rows = [
        {
            "id": first + place,
            "campaign_id": campaign_id,
            "customer_id": person,
            "person": f"{person}",
            "order_id": order,
            "anchor_at": BOUGHT,
            "track": "new",
            "category": "womenswear",
            "locale": "en",
            "timezone": "Asia/Shanghai",
            "arm": Arm.TREATED,
            "enrolled_at": BOUGHT,
            "wave": wave,
            "due_at": None,
            **more,
        }
        for place, (person, order) in enumerate(zip(people, anchors, strict=True))
    ]
    connection.execute(insert(enrollments), rows)
    catch_up(connection, "enrollments")
    return [row["id"] for row in rows]


def send_of(connection: Connection, campaign_id: int, wave: str) -> int:
    known = select(sends.c.id).where(sends.c.campaign_id == campaign_id, sends.c.wave == wave)
    found = connection.execute(known).scalar()
    if found is not None:
        return int(found)
    made = insert(sends).values(
        campaign_id=campaign_id, wave=wave, occurrence=0, day=DUE.date(), created_at=BOUGHT
    )
    return int(connection.execute(made.returning(sends.c.id)).scalar_one())


def add_coupon(
    connection: Connection, campaign_id: int, walk: int, wave: str, more: Mapping[str, Any]
) -> int:
    made = insert(coupons).values(
        **{
            "code": f"CODE{walk}",
            "offer": "back",
            "campaign_id": campaign_id,
            "enrollment_id": walk,
            "wave": wave,
            "occurrence": 0,
            "state": CouponState.ISSUED,
            "amount": 2_000,
            "currency": "CNY",
            "issued_at": BOUGHT,
            "expires_at": DUE + timedelta(days=14),
            **more,
        }
    )
    return int(connection.execute(made.returning(coupons.c.id)).scalar_one())
