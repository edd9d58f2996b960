"""Campaigns with messages that are due, straight into the tables: say what matters."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from orchestrator.domain.arms import Arm
from orchestrator.domain.coupons import CouponState
from orchestrator.domain.messages import Channel, MessageState, Reason, WaveKind
from orchestrator.playbooks import playbook_from_files
from orchestrator.services.lives import Life, Machine, begin_life
from orchestrator.store import campaigns
from orchestrator.store.database import Database
from orchestrator.store.functions import hash_address
from orchestrator.store.tables import (
    consents,
    coupons,
    customers,
    enrollments,
    messages,
    metadata,
    orders,
    sends,
)
from shops import KEY, SHOP

BOUGHT = datetime(2025, 11, 4, 4, 0, tzinfo=UTC)  # noon in Shanghai
DUE = datetime(2025, 11, 12, 4, 0, tzinfo=UTC)  # noon there, a week later
PLAYBOOK = """\
playbook: short
title: Short
timezone: Asia/Shanghai
locales: [en]
waive: [care-first]
audience: {}
tracks:
  new: {}
waves:
  - {wave: thanks, kind: thanks, after: 1 day, channels: [sms, email]}
  - {wave: care, kind: care, after: 2 days, by: category, channels: [sms, email]}
  - {wave: promo, kind: promo, after: 7 days, channels: [sms, email], unless: purchased}
"""
SMS = "{{ shop.name }}: hello {{ customer.first_name or 'there' }}. STOP to opt out."
EMAIL = """\
{% block subject %}Your {{ order.item }}{% endblock %}
{% block text %}
{{ shop.name }}, {{ shop.postal_address }}: your {{ order.item }}. {{ shop.unsubscribe_url }}
{% endblock %}
"""
CARE = "{{ shop.name }}, {{ order.item }}: {{ concern.question }} {{ concern.answer }} STOP"
CONCERNS = """\
concerns:
  - category: womenswear
    question: Which size?
    answer: Measure a dress that fits.
    curator: support
    dated: 2025-06-01
    evidence: 3
"""
KINDS = {"thanks": WaveKind.THANKS, "care": WaveKind.CARE, "promo": WaveKind.PROMO}


def playbook_files(more: str = "") -> dict[str, str]:
    """A playbook of three waves; ``more`` is added to its YAML."""
    texts = {
        f"en/{wave}.{channel}.j2": text
        for wave in ("thanks", "promo")
        for channel, text in (("sms", SMS), ("email", EMAIL))
    }
    care = {"en/care.sms.j2": CARE, "en/care.email.j2": EMAIL, "concerns/en.yaml": CONCERNS}
    return {"playbook.yaml": PLAYBOOK + more, **texts, **care}


def add_campaign(connection: Connection, name: str = "short", more: str = "") -> int:
    files = playbook_files(more)
    version = playbook_from_files(files).version
    return campaigns.add(
        connection,
        name=name,
        playbook="short",
        version=version,
        files=files,
        salt="salt",
        shop=SHOP,
        now=BOUGHT,
    )


def add_messages(
    connection: Connection,
    campaign_id: int,
    count: int = 1,
    *,
    wave: str = "promo",
    channel: Channel = Channel.SMS,
    due_at: datetime = DUE,
    agreed: bool = True,
    enrollment: Mapping[str, Any] | None = None,
    coupon: Mapping[str, Any] | None = None,
    **more: Any,
) -> list[int]:
    """Store customers who bought and agreed, each with a message that is due; return the messages."""
    people = _add_people(connection, count)
    if agreed:
        _agree(connection, people)
    anchors = _add_orders(connection, people)
    walks = _add_enrollments(
        connection, campaign_id, people, anchors, wave=wave, more=enrollment or {}
    )
    send = _send(connection, campaign_id, wave)
    first = _first(connection, messages)
    given = [
        None if coupon is None else _add_coupon(connection, campaign_id, walk, wave, coupon)
        for walk in walks
    ]
    rows = [
        {
            "id": first + place,
            "send_id": send,
            "campaign_id": campaign_id,
            "enrollment_id": walk,
            "customer_id": person,
            "wave": wave,
            "occurrence": 0,
            "kind": KINDS[wave],
            "arm": Arm.TREATED,
            "assigned": True,
            "channel": channel,
            "address_hash": hash_address(_address(person, channel), KEY),
            "state": MessageState.PLANNED,
            "planned_at": due_at,
            "due_at": due_at,
            "would_go_at": due_at,
            "coupon_id": code,
            **more,
        }
        for place, (person, walk, code) in enumerate(zip(people, walks, given, strict=True))
    ]
    connection.execute(insert(messages), rows)
    catch_up(connection, "messages")
    return [row["id"] for row in rows]


def message(database: Database, message_id: int) -> Any:
    with database.read() as connection:
        return connection.execute(select(messages).where(messages.c.id == message_id)).one()


def fates(database: Database) -> dict[tuple[MessageState, Reason | None], int]:
    """Return the ledger: how many messages are in which state for which reason."""
    columns = messages.c
    counted = select(columns.state, columns.reason, func.count()).group_by(
        columns.state, columns.reason
    )
    with database.read() as connection:
        return {(row[0], row[1]): row[2] for row in connection.execute(counted)}


def change(database: Database, message_id: int, **values: Any) -> None:
    with database.write() as connection:
        connection.execute(update(messages).where(messages.c.id == message_id).values(**values))


class Uptime:
    """A boot clock that stands still until it is moved, and a wall clock that goes with it."""

    def __init__(self) -> None:
        self.seconds = 1_000.0
        self.set_forward = timedelta()  #: by how much somebody has moved the wall clock alone

    def __call__(self) -> float:
        return self.seconds

    def wall(self) -> datetime:
        return DUE + timedelta(seconds=self.seconds) + self.set_forward

    def move(self, span: timedelta) -> None:
        self.seconds += span.total_seconds()


@contextmanager
def a_life(
    folder: Path,
    owner: str = "me",
    uptime: Uptime | None = None,
    *,
    host: str = "here",
    boot_id: str = "this-boot",
) -> Iterator[Life]:
    clocks = uptime or Uptime()
    with begin_life(folder, Machine(host, boot_id, clocks, clocks.wall), owner) as life:
        yield life


def catch_up(connection: Connection, *names: str) -> None:
    """Let PostgreSQL's own numbering go on behind the ids that were given."""
    if connection.dialect.name == "postgresql":
        for name in names:
            table = metadata.tables[name]
            last = select(func.max(table.c.id)).scalar_subquery()
            connection.execute(select(func.setval(func.pg_get_serial_sequence(name, "id"), last)))


def _address(person: int, channel: Channel) -> str:
    return f"+86139{person:08d}" if channel is Channel.SMS else f"c{person}@example.org"


def _first(connection: Connection, table: Any) -> int:
    return int(connection.execute(select(func.coalesce(func.max(table.c.id), 0))).scalar_one()) + 1


def _add_people(connection: Connection, count: int) -> list[int]:
    first = _first(connection, customers)
    people = list(range(first, first + count))
    connection.execute(
        insert(customers),
        [
            {
                "id": person,
                "external_id": f"C{person}",
                "name": "Li Na",
                "phone": _address(person, Channel.SMS),
                "email": _address(person, Channel.EMAIL),
                "phone_hash": hash_address(_address(person, Channel.SMS), KEY),
                "email_hash": hash_address(_address(person, Channel.EMAIL), KEY),
                "person": _address(person, Channel.SMS),
                "attributes": {},
                "updated_at": BOUGHT,
            }
            for person in people
        ],
    )
    catch_up(connection, "customers")
    return people


def _agree(connection: Connection, people: list[int]) -> None:
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


def _add_orders(connection: Connection, people: list[int]) -> list[int]:
    first = _first(connection, orders)
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


def _add_enrollments(
    connection: Connection,
    campaign_id: int,
    people: list[int],
    anchors: list[int],
    *,
    wave: str,
    more: Mapping[str, Any],
) -> list[int]:
    first = _first(connection, enrollments)
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


def _send(connection: Connection, campaign_id: int, wave: str) -> int:
    known = select(sends.c.id).where(sends.c.campaign_id == campaign_id, sends.c.wave == wave)
    found = connection.execute(known).scalar()
    if found is not None:
        return int(found)
    made = insert(sends).values(
        campaign_id=campaign_id, wave=wave, occurrence=0, day=DUE.date(), created_at=BOUGHT
    )
    return int(connection.execute(made.returning(sends.c.id)).scalar_one())


def _add_coupon(
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
