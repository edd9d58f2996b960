"""One person with several profiles: who the others are, and what they said that holds for all.

The other profiles of many customers are looked for once, and there are few: whatever asks about
them starts from their list, and asks nothing at all where it is empty.
"""

import math
from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    Subquery,
    case,
    false,
    select,
)

from orchestrator.domain.messages import Channel
from orchestrator.store.bulk import is_one_of, rows_as_table
from orchestrator.store.tables import consents, customers, enrollments, suppressions

Pair = tuple[int, int]  #: a customer, and another profile of the same person

_OF_THE_ADDRESS = "bounced"  #: the one refusal that says nothing of the person's other addresses


def other_profiles(connection: Connection, asked: Select[Any]) -> list[Pair]:
    """Return the customers asked for (by id) with each other profile of their person."""
    own, other = customers.alias("own"), customers.alias("other")
    found = (
        select(own.c.id, other.c.id)
        .join(other, (other.c.person == own.c.person) & (other.c.id != own.c.id))
        .where(own.c.id.in_(asked))
    )
    return [(row[0], row[1]) for row in connection.execute(found)]


def as_table(connection: Connection, pairs: Sequence[Pair]) -> Subquery | None:
    """Return the pairs (customer_id, other_id) as something to join with; None where there are none."""
    if not pairs:
        return None
    columns = {"customer_id": BigInteger, "other_id": BigInteger}
    return rows_as_table(connection, "others", columns, pairs)


def enrolled_before(connection: Connection, others: Subquery | None) -> set[int]:
    """
    Return the enrollments whose person was in the same campaign already, by another profile.

    They were two persons when they were enrolled. The first enrollment stays, whatever its arm.
    """
    if others is None:
        return set()
    pairs = [(row.customer_id, row.other_id) for row in connection.execute(select(others))]
    columns = enrollments.c
    asked = select(columns.id, columns.campaign_id, columns.customer_id).where(
        is_one_of(connection, columns.customer_id, {one for pair in pairs for one in pair})
    )
    stands = {(row.campaign_id, row.customer_id): row.id for row in connection.execute(asked)}
    campaigns = {campaign for campaign, _ in stands}
    return {
        stands[campaign, own]
        for own, other in pairs
        for campaign in campaigns
        if stands.get((campaign, other), math.inf) < stands.get((campaign, own), 0)
    }


def refusals(others: Subquery) -> Select[Any]:
    """Select customer_id, channel and purpose of what another profile of the person refused."""
    said = consents.c
    return (
        select(others.c.customer_id, said.channel, said.purpose)
        .join(consents, said.customer_id == others.c.other_id)
        .where(said.granted.is_(False))
    )


def opt_outs(others: Subquery) -> Select[Any]:
    """Select customer_id and channel where another address of the person opted out or complained."""
    other, told = customers.alias("other"), suppressions.c
    address = case((told.channel == Channel.SMS, other.c.phone_hash), else_=other.c.email_hash)
    return (
        select(others.c.customer_id, told.channel)
        .join(other, other.c.id == others.c.other_id)
        .join(suppressions, told.address_hash.in_([other.c.phone_hash, other.c.email_hash]))
        .where(told.address_hash == address, told.lifted_at.is_(None))
        .where(told.reason != _OF_THE_ADDRESS)
    )


def is_refused(others: Subquery | None, purpose: str, channel: Channel) -> ColumnElement[bool]:
    """Whether another profile of the customer at hand refused this."""
    if others is None:
        return false()
    said = refusals(others).where(consents.c.channel == channel, consents.c.purpose == purpose)
    return customers.c.id.in_(said.with_only_columns(others.c.customer_id))


def has_opted_out(others: Subquery | None, channel: Channel) -> ColumnElement[bool]:
    """Whether the person of the customer at hand opted out by another address of the channel."""
    if others is None:
        return false()
    said = opt_outs(others).where(suppressions.c.channel == channel)
    return customers.c.id.in_(said.with_only_columns(others.c.customer_id))
