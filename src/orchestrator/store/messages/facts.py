"""What a decision rests on, read under lock in a constant number of statements."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, ColumnElement, Connection, Integer, case, select

from orchestrator.domain.coupons import CouponState
from orchestrator.domain.messages import Channel, MessageState, WaveKind
from orchestrator.store import contacts
from orchestrator.store.bulk import rows_as_table
from orchestrator.store.enrollments import bought_since, order_fell_through
from orchestrator.store.persons import Pair
from orchestrator.store.tables import campaigns, coupons, customers, enrollments, messages


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A claimed message that is still ours, its row locked until the transaction ends."""

    message_id: int
    token: int
    campaign_id: int
    enrollment_id: int
    customer_id: int
    wave: str
    kind: WaveKind
    channel: Channel
    address_hash: str
    reachable: bool
    timezone: str
    expires_at: datetime | None
    coupon_expires_at: datetime | None
    coupon_redeemed: bool


@dataclass(frozen=True, slots=True)
class CampaignStand:
    state: str
    spent: int  #: thousandths of a minor unit


def lock_campaigns(
    connection: Connection, campaign_ids: Collection[int]
) -> dict[int, CampaignStand]:
    """Return state and spending; a pause, a stop and other dispatchers' spending wait for us."""
    found = (
        select(campaigns.c.id, campaigns.c.state, campaigns.c.spent)
        .where(campaigns.c.id.in_(sorted(campaign_ids)))
        .order_by(campaigns.c.id)
        .with_for_update(key_share=True)
    )
    return {row.id: CampaignStand(row.state, row.spent) for row in connection.execute(found)}


def lock_people(connection: Connection, message_ids: Collection[int]) -> list[Pair]:
    """Lock the persons of these messages before the messages; return their other profiles."""
    asked = rows_as_table(connection, "named", {"id": BigInteger}, [(one,) for one in message_ids])
    found = select(messages.c.customer_id, messages.c.address_hash).join(
        asked, asked.c.id == messages.c.id
    )
    rows = connection.execute(found).all()
    hashes = {row.address_hash for row in rows if row.address_hash is not None}
    return contacts.lock_people(connection, hashes, {row.customer_id for row in rows})


def lock_held(
    connection: Connection, claims: Mapping[int, int], *, owner: str, now: datetime
) -> list[Held]:
    """Return those of the claims (id to token) that are still the owner's, and lock them."""
    wanted = rows_as_table(
        connection, "wanted", {"id": BigInteger, "token": Integer}, sorted(claims.items())
    )
    current = case(
        (messages.c.channel == Channel.SMS, customers.c.phone_hash),
        else_=customers.c.email_hash,
    )
    found = (
        select(
            messages.c.id.label("message_id"),
            messages.c.token,
            messages.c.campaign_id,
            messages.c.enrollment_id,
            messages.c.customer_id,
            messages.c.wave,
            messages.c.kind,
            messages.c.channel,
            messages.c.address_hash,
            (current.is_not(None) & (current == messages.c.address_hash)).label("reachable"),
            enrollments.c.timezone,
            messages.c.expires_at,
            coupons.c.expires_at.label("coupon_expires_at"),
            coupons.c.state.is_not_distinct_from(CouponState.REDEEMED).label("coupon_redeemed"),
        )
        .join(wanted, (wanted.c.id == messages.c.id) & (wanted.c.token == messages.c.token))
        .join(customers, customers.c.id == messages.c.customer_id)
        .join(enrollments, enrollments.c.id == messages.c.enrollment_id)
        .outerjoin(coupons, coupons.c.id == messages.c.coupon_id)
        .where(messages.c.state == MessageState.CLAIMED, messages.c.owner == owner)
        .where(messages.c.lease_until > now)
        .order_by(messages.c.due_at, messages.c.id)
        .with_for_update(of=messages)
    )
    return [Held(**row._mapping) for row in connection.execute(found)]  # noqa: SLF001  # SQLAlchemy's public name


def who_purchased(
    connection: Connection, enrollment_ids: Collection[int], now: datetime
) -> set[int]:
    """Return the enrollments whose persons bought again, after what brought them in."""
    return _whose(connection, enrollment_ids, bought_since(now))


def whose_order_fell_through(connection: Connection, enrollment_ids: Collection[int]) -> set[int]:
    """Return the enrollments whose order, the one that brought them in, counts no longer."""
    return _whose(connection, enrollment_ids, order_fell_through())


def _whose(
    connection: Connection, enrollment_ids: Collection[int], holds: ColumnElement[bool]
) -> set[int]:
    wanted = rows_as_table(
        connection, "asked", {"id": BigInteger}, [(one,) for one in sorted(enrollment_ids)]
    )
    found = select(enrollments.c.id).join(wanted, wanted.c.id == enrollments.c.id).where(holds)
    return set(connection.execute(found).scalars())
