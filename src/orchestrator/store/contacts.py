"""Who may be written to: people locked, what they agreed to, suppressions, contacts so far."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    String,
    Subquery,
    any_,
    case,
    func,
    or_,
    select,
    union,
    union_all,
)

from orchestrator.domain.messages import Channel, MessageState, WaveKind
from orchestrator.store import persons
from orchestrator.store.bulk import rows_as_table
from orchestrator.store.dialects import insert_on, later_on
from orchestrator.store.persons import Pair
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A message that would be a contact, and from when on earlier ones of its kind matter."""

    message_id: int
    customer_id: int
    address_hash: str
    kind: WaveKind
    since: datetime


def lock_people(
    connection: Connection, hashes: Collection[str], customer_ids: Collection[int] = ()
) -> list[Pair]:
    """
    Let nobody else decide about, or write a refusal for, these addresses until we commit.

    Every profile of an address, and of the customers' persons, in one order. Whoever writes a
    refusal takes this lock first: a refusal that is committed before a message's intent is then
    always seen, and so is an intent for the same person. SQLite has one writer, so there is nothing
    to lock. Returns the customers with their other profiles.
    """
    listed = rows_as_table(connection, "hashes", {"hash": String}, [(one,) for one in set(hashes)])
    while True:
        locked = _lock(connection, select(listed.c.hash), customer_ids)
        asked = _ids(connection, "people", customer_ids)
        pairs = persons.other_profiles(connection, asked) if customer_ids else []
        # An import that was faster may have made more profiles theirs; now it waits for us.
        if locked is None or locked.issuperset(other for _, other in pairs):
            return pairs


def lock_addresses(connection: Connection, hashes: Select[Any]) -> None:
    """``lock_people`` for the addresses that a statement selects."""
    _lock(connection, hashes, ())


def _lock(
    connection: Connection, hashes: Select[Any], customer_ids: Collection[int]
) -> set[int] | None:
    if connection.dialect.name == "sqlite":
        return None
    (wanted,) = hashes.subquery("wanted").c
    own, profile = customers.alias("own"), customers.alias("profile")
    # One look into an index each: put together by OR it would read all customers.
    meant = union_all(
        select(profile.c.id).where(profile.c.phone_hash == wanted),
        select(profile.c.id).where(profile.c.email_hash == wanted),
        select(profile.c.id)
        .join(own, own.c.person == profile.c.person)
        .where(own.c.id.in_(_ids(connection, "people", customer_ids))),
    )
    # As an array they are looked up one by one; joined, a scan may seem as cheap.
    found = func.array(meant.scalar_subquery(), type_=ARRAY(BigInteger))
    profiles = (
        select(customers.c.id)
        .where(customers.c.id == any_(found))
        .order_by(customers.c.id)
        .with_for_update(key_share=True)
    )
    return set(connection.execute(profiles).scalars())


def load_consents(
    connection: Connection, customer_ids: Collection[int], others: Subquery | None
) -> dict[tuple[int, Channel, str], bool]:
    """
    Return what was answered, by (customer, channel, purpose); the rows stay as they are.

    What another profile of the person refused is refused.
    """
    asked = _ids(connection, "people", set(customer_ids))
    found = (
        select(consents.c.customer_id, consents.c.channel, consents.c.purpose, consents.c.granted)
        .where(consents.c.customer_id.in_(asked))
        .with_for_update(read=True, of=consents)
    )
    answered = {
        (row.customer_id, row.channel, row.purpose): row.granted
        for row in connection.execute(found)
    }
    if others is not None:
        refused = persons.refusals(others).with_for_update(read=True, of=consents)
        for row in connection.execute(refused):
            answered[row.customer_id, row.channel, row.purpose] = False
    return answered


def opted_out(connection: Connection, others: Subquery | None) -> set[tuple[int, Channel]]:
    """Return (customer, channel) where another address of the person opted out or complained."""
    if others is None:
        return set()
    found = connection.execute(persons.opt_outs(others))
    return {(row.customer_id, row.channel) for row in found}


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
    connection: Connection, wanted: Sequence[Contact], others: Subquery | None
) -> dict[int, list[datetime]]:
    """
    Return when each message's person was contacted before, by message.

    By any of their profiles as of today, or at the message's own address, whoever had it then.
    """
    asked = _contacts(connection, wanted)
    mine = select(asked.c.message_id, asked.c.kind, asked.c.since, asked.c.customer_id)
    if others is not None:
        same = others.c.customer_id == asked.c.customer_id
        theirs = mine.with_only_columns(*mine.selected_columns[:3], others.c.other_id)
        mine = union_all(mine, theirs.join(others, same))  # type: ignore[assignment]  # selected from alike
    profile = mine.subquery("profile")
    found = union(
        _earlier(profile, messages.c.customer_id == profile.c.customer_id),
        _earlier(asked, messages.c.address_hash == asked.c.hash),
    )
    contacts: dict[int, list[datetime]] = {}
    for row in connection.execute(found):
        contacts.setdefault(row.asked_for, []).append(row.sending_at)
    return contacts


def _earlier(asked: Subquery, theirs: ColumnElement[bool]) -> Any:
    return (
        select(asked.c.message_id.label("asked_for"), messages.c.id, messages.c.sending_at)
        .join(messages, theirs & (messages.c.kind == asked.c.kind))
        .where(messages.c.sending_at.is_not(None), messages.c.sending_at > asked.c.since)
        .where(messages.c.state.in_(_REACHED))
    )


def _contacts(connection: Connection, wanted: Sequence[Contact]) -> Subquery:
    return rows_as_table(
        connection,
        "wanted",
        {
            "message_id": BigInteger,
            "customer_id": BigInteger,
            "hash": String,
            "kind": String,
            "since": BigInteger,
        },
        [
            (one.message_id, one.customer_id, one.address_hash, one.kind.value, micros(one.since))
            for one in wanted
        ],
    )


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
    written = keep_latest(connection, insert_on(connection)(suppressions))
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


def keep_latest(connection: Connection, new: Any) -> Any:
    """Let the insert bring what is stored up to date, and leave alone what knows as much or more."""
    later = later_on(connection)
    stored, given = suppressions.c, new.excluded
    at, lifted = later(stored.at, given.at), later(stored.lifted_at, given.lifted_at)
    return new.on_conflict_do_update(
        index_elements=["channel", "address_hash", "reason"],
        set_={"at": at, "lifted_at": case((lifted > at, lifted))},
        where=or_(
            given.at > stored.at,
            given.lifted_at > func.coalesce(stored.lifted_at, stored.at, type_=BigInteger),
        ),
    )


def _addresses(connection: Connection, addresses: Collection[Address]) -> Any:
    return rows_as_table(
        connection,
        "addresses",
        {"channel": String, "hash": String},
        [(channel.value, address) for channel, address in sorted(addresses)],
    )


def _ids(connection: Connection, name: str, ids: Collection[int]) -> Any:
    listed = rows_as_table(connection, name, {"id": BigInteger}, [(one,) for one in sorted(ids)])
    return select(listed.c.id)
