"""What a text needs to know about the customers of a batch, in one query."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import BigInteger, Connection, case, func, select

from orchestrator.domain.messages import Channel, WaveKind
from orchestrator.store.bulk import rows_as_table
from orchestrator.store.messages.claims import Claimed
from orchestrator.store.tables import (
    coupons,
    customers,
    enrollments,
    messages,
    order_lines,
    orders,
    products,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One claimed message with all that its text may say. ``repr`` shows no personal data."""

    message_id: int
    token: int
    campaign_id: int
    wave: str
    occurrence: int
    kind: WaveKind
    variant: str | None
    channel: Channel
    track: str
    category: str | None
    locale: str
    timezone: str
    address: str | None = field(repr=False)
    name: str | None = field(repr=False)
    tier: str | None
    item: str | None
    total: int  #: minor units, net of refunds
    currency: str
    placed_at: datetime
    code: str | None = field(repr=False)
    amount: int | None
    percent: int | None
    free_postage: bool
    gift: str | None
    min_spend: int | None
    coupon_currency: str | None
    coupon_expires_at: datetime | None
    expires_at: datetime | None


_ADDRESS = case((messages.c.channel == Channel.SMS, customers.c.phone), else_=customers.c.email)
# What is said of the item has to be true of it: the dearest of the category they are grouped by.
_ITEM = (
    select(order_lines.c.title)
    .join(products, products.c.id == order_lines.c.product_id)
    .where(order_lines.c.order_id == enrollments.c.order_id)
    .where(products.c.category == enrollments.c.category)
    .order_by(order_lines.c.amount.desc(), order_lines.c.position)
    .limit(1)
    .correlate(enrollments)
    .scalar_subquery()
)
_SHEET = (
    messages.c.id.label("message_id"),
    messages.c.token,
    messages.c.campaign_id,
    messages.c.wave,
    messages.c.occurrence,
    messages.c.kind,
    messages.c.variant,
    messages.c.channel,
    enrollments.c.track,
    enrollments.c.category,
    enrollments.c.locale,
    enrollments.c.timezone,
    _ADDRESS.label("address"),
    customers.c.name,
    customers.c.tier,
    func.coalesce(_ITEM, orders.c.item).label("item"),
    (orders.c.total - orders.c.refunded).label("total"),
    orders.c.currency,
    orders.c.placed_at,
    coupons.c.code,
    coupons.c.amount,
    coupons.c.percent,
    coupons.c.free_postage,
    coupons.c.gift,
    coupons.c.min_spend,
    coupons.c.currency.label("coupon_currency"),
    coupons.c.expires_at.label("coupon_expires_at"),
    messages.c.expires_at,
)


def load_sheets(connection: Connection, claimed: Sequence[Claimed]) -> list[Sheet]:
    wanted = rows_as_table(connection, "wanted", {"id": BigInteger}, [(one.id,) for one in claimed])
    found = (
        select(*_SHEET)
        .join(wanted, wanted.c.id == messages.c.id)
        .join(enrollments, enrollments.c.id == messages.c.enrollment_id)
        .join(customers, customers.c.id == messages.c.customer_id)
        .join(orders, orders.c.id == enrollments.c.order_id)
        .outerjoin(coupons, coupons.c.id == messages.c.coupon_id)
        .order_by(messages.c.due_at, messages.c.id)
    )
    return [Sheet(**row._mapping) for row in connection.execute(found)]  # noqa: SLF001  # SQLAlchemy's public name
