"""Small shops for tests: say what matters, the rest is filled in."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert, select

from orchestrator.domain.messages import Channel
from orchestrator.domain.shop import Shop
from orchestrator.store.functions import hash_address
from orchestrator.store.tables import consents, customers, orders, suppressions

KEY = "test-key"
EVENT_NOON = datetime(2026, 11, 11, 4, 0, tzinfo=UTC)  # noon in Shanghai
SHOP = Shop(
    name="Lotus & Linen",
    url="https://shop.example",
    postal_address="1 Example Road, Shanghai",
    unsubscribe_url="https://shop.example/stop",
    currency="CNY",
    country="CN",
    timezone="Asia/Shanghai",
    locale="en",
    sms_price=5_000,
    email_price=200,
)


def add_customer(
    connection: Connection,
    number: int,
    *,
    phone: str | None = "",
    email: str | None = None,
    agreed: Iterable[tuple[Channel, str]] = ((Channel.SMS, "marketing"),),
    **more: Any,
) -> int:
    """Store customer ``number`` with a phone of their own (None: without) and return the id."""
    if phone == "":
        phone = f"+86138{number:08d}"
    values = {
        "external_id": f"C{number}",
        "phone": phone,
        "email": email,
        "phone_hash": phone and hash_address(phone, KEY),
        "email_hash": email and hash_address(email, KEY),
        "person": phone or email or f"id:C{number}",
        "locale": "en",
        "attributes": {},
        "updated_at": EVENT_NOON,
        **more,
    }
    made = insert(customers).values(values).returning(customers.c.id)
    customer_id = int(connection.execute(made).scalar_one())
    for channel, purpose in agreed:
        connection.execute(
            insert(consents).values(
                customer_id=customer_id,
                channel=channel,
                purpose=purpose,
                granted=True,
                source="test",
                at=EVENT_NOON,
            )
        )
    return customer_id


def add_order(
    connection: Connection,
    customer_id: int,
    *,
    at: datetime = EVENT_NOON,
    total: int = 39_900,
    number: str | None = None,
    **more: Any,
) -> int:
    """Store a paid order of 399.00 CNY, on the event day unless told otherwise; return its id."""
    values = {
        "external_id": number or f"O{customer_id}-{at.timestamp():.0f}",
        "customer_id": customer_id,
        "placed_at": at,
        "paid_at": at,
        "currency": "CNY",
        "total": total,
        "counts": True,
        "category": "womenswear",
        "item": "linen dress",
        "updated_at": at,
        **more,
    }
    made = insert(orders).values(values).returning(orders.c.id)
    return int(connection.execute(made).scalar_one())


def add_buyers(connection: Connection, count: int, *, first: int = 1, **more: Any) -> list[int]:
    """Store customers who each placed one order of the event day; return their ids."""
    ids = []
    for number in range(first, first + count):
        customer_id = add_customer(connection, number, **more)
        add_order(connection, customer_id, at=EVENT_NOON + timedelta(seconds=number))
        ids.append(customer_id)
    return ids


def add_suppression(connection: Connection, customer_id: int, channel: Channel) -> None:
    """The customer's address on the channel must not be written to any more."""
    column = customers.c.phone_hash if channel is Channel.SMS else customers.c.email_hash
    address_hash = connection.execute(
        select(column).where(customers.c.id == customer_id)
    ).scalar_one()
    connection.execute(
        insert(suppressions).values(
            channel=channel,
            address_hash=address_hash,
            reason="opted_out",
            source="test",
            at=EVENT_NOON,
        )
    )
