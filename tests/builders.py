"""Campaigns with messages that are due, straight into the tables: say what matters."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from orchestrator.domain.arms import Arm
from orchestrator.domain.messages import Channel, MessageState, Reason, WaveKind
from orchestrator.playbooks import playbook_from_files
from orchestrator.services.lives import Life, Machine, begin_life
from orchestrator.store import campaigns, concerns
from orchestrator.store.database import Database
from orchestrator.store.functions import hash_address
from orchestrator.store.tables import (
    messages,
)
from people import (
    BOUGHT,
    DUE,
    add_coupon,
    add_enrollments,
    add_orders,
    add_people,
    address_of,
    agree,
    catch_up,
    next_id,
    send_of,
)
from shops import KEY, SHOP

__all__ = [
    "BOUGHT",
    "DUE",
    "Uptime",
    "a_life",
    "add_campaign",
    "add_messages",
    "catch_up",
    "change",
    "fates",
    "message",
    "playbook_files",
]

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


def add_campaign(
    connection: Connection,
    name: str = "short",
    more: str = "",
    files: Mapping[str, str] | None = None,
) -> int:
    """``files`` stand in the place of the playbook's own."""
    files = {**playbook_files(more), **(files or {})}
    playbook = playbook_from_files(files)
    concerns.load(connection, playbook.concerns, source="short", now=BOUGHT)
    return campaigns.add(
        connection,
        name=name,
        playbook="short",
        version=playbook.version,
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
    people = add_people(connection, count)
    if agreed:
        agree(connection, people)
    anchors = add_orders(connection, people)
    walks = add_enrollments(
        connection, campaign_id, people, anchors, wave=wave, more=enrollment or {}
    )
    send = send_of(connection, campaign_id, wave)
    first = next_id(connection, messages)
    given = [
        None if coupon is None else add_coupon(connection, campaign_id, walk, wave, coupon)
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
            "address_hash": hash_address(address_of(person, channel), KEY),
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
