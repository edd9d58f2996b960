"""Who may be written to: people locked, what they agreed to, suppressions, contacts so far."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Connection, String, case, or_, select

from orchestrator.domain.messages import Channel, MessageState, WaveKind
from orchestrator.store.bulk import rows_as_table
from orchestrator.store.dialects import insert_on, later_on
from orchestrator.store.tables import consents, customers, messages, micros, suppressions

#: states in which the customer has, or may have, the message
_REACHED = (
    MessageState.SENDING,
    MessageState.UNKNOWN,
    MessageState.UNRESOLVED,
    MessageState.ACCEPTED,
)
Address = tuple[Channel, str]  #: a channel and the address's hash


@dataclass(frozen=True, slots=True)
class Suppression:
    channel: Channel
    address_hash: str
    reason: str  #: opted_out, bounced, complained, imported
    at: datetime
    lifted_at: datetime | None = None  #: they changed their mind later


def lock_people(connection: Connection, hashes: Collection[str]) -> None:
    """
    Let nobody else decide about, or write a refusal for, these addresses until we commit.

    Every profile of an address, in one order. Whoever writes a refusal takes this lock first: a
    refusal that is committed before a message's intent is then always seen. SQLite has one
    writer, so there is nothing to lock.
    """
    if connection.dialect.name == "sqlite" or not hashes:
        return
    wanted = rows_as_table(connection, "hashes", {"hash": String}, [(one,) for one in set(hashes)])
    listed = select(wanted.c.hash)
    profiles = (
        select(customers.c.id)
        .where(or_(customers.c.phone_hash.in_(listed), customers.c.email_hash.in_(listed)))
        .order_by(customers.c.id)
        .with_for_update(key_share=True)
    )
    connection.execute(profiles).all()


def load_consents(
    connection: Connection, customer_ids: Collection[int]
) -> dict[tuple[int, Channel, str], bool]:
    """Return what was answered, by (customer, channel, purpose); the rows stay as they are."""
    wanted = rows_as_table(
        connection, "people", {"id": BigInteger}, [(one,) for one in sorted(set(customer_ids))]
    )
    found = (
        select(consents.c.customer_id, consents.c.channel, consents.c.purpose, consents.c.granted)
        .join(wanted, wanted.c.id == consents.c.customer_id)
        .with_for_update(read=True, of=consents)
    )
    return {
        (row.customer_id, row.channel, row.purpose): row.granted
        for row in connection.execute(found)
    }


def suppressed(connection: Connection, addresses: Collection[Address]) -> set[Address]:
    wanted = _addresses(connection, addresses)
    found = (
        select(suppressions.c.channel, suppressions.c.address_hash)
        .join(
            wanted,
            (wanted.c.hash == suppressions.c.address_hash)
            & (wanted.c.channel == suppressions.c.channel),
        )
        .where(suppressions.c.lifted_at.is_(None))
    )
    return {(row.channel, row.address_hash) for row in connection.execute(found)}


def load_contacts(
    connection: Connection, since: Mapping[tuple[str, WaveKind], datetime]
) -> dict[tuple[str, WaveKind], list[datetime]]:
    """Return when each address was contacted after a moment, by (address hash, kind)."""
    wanted = rows_as_table(
        connection,
        "wanted",
        {"hash": String, "kind": String, "since": BigInteger},
        [(address, kind.value, micros(moment)) for (address, kind), moment in since.items()],
    )
    found = (
        select(messages.c.address_hash, messages.c.kind, messages.c.sending_at)
        .join(
            wanted,
            (wanted.c.hash == messages.c.address_hash) & (wanted.c.kind == messages.c.kind),
        )
        .where(messages.c.sending_at.is_not(None), messages.c.sending_at > wanted.c.since)
        .where(messages.c.state.in_(_REACHED))
    )
    contacts: dict[tuple[str, WaveKind], list[datetime]] = {}
    for row in connection.execute(found):
        contacts.setdefault((row.address_hash, row.kind), []).append(row.sending_at)
    return contacts


def suppress(connection: Connection, rows: Sequence[Suppression], source: str) -> int:
    """
    Write suppressions; return how many addresses are newly out of reach.

    The latest moment of each reason counts: the same rows in any order, any number of times,
    leave the same table. One that was lifted later than it was given stays lifted.
    """
    if not rows:
        return 0
    lock_people(connection, {row.address_hash for row in rows})
    before = suppressed(connection, {(row.channel, row.address_hash) for row in rows})
    new = insert_on(connection)(suppressions)
    later = later_on(connection)
    at = later(suppressions.c.at, new.excluded.at)
    lifted = later(suppressions.c.lifted_at, new.excluded.lifted_at)
    written = new.on_conflict_do_update(
        index_elements=["channel", "address_hash", "reason"],
        set_={"at": at, "lifted_at": case((lifted > at, lifted))},
    )
    connection.execute(
        written,
        [
            {
                "channel": row.channel,
                "address_hash": row.address_hash,
                "reason": row.reason,
                "source": source,
                "at": row.at,
                "lifted_at": row.lifted_at if row.lifted_at and row.lifted_at > row.at else None,
            }
            for row in rows
        ],
    )
    after = {(row.channel, row.address_hash) for row in rows if row.lifted_at is None}
    return len(after - before)


def _addresses(connection: Connection, addresses: Collection[Address]) -> Any:
    return rows_as_table(
        connection,
        "addresses",
        {"channel": String, "hash": String},
        [(channel.value, address) for channel, address in sorted(addresses)],
    )
