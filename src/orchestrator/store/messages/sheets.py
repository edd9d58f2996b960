"""What a text needs to know about the customers of a batch, in one query."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

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


class Sheet(NamedTuple):
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
    address: str | None
    name: str | None
    tier: str | None
    item: str | None
    total: int  #: minor units, net of refunds
    currency: str
    placed_at: datetime
    code: str | None
    amount: int | None
    percent: int | None
    free_postage: bool
    gift: str | None
    min_spend: int | None
    coupon_currency: str | None
    coupon_expires_at: datetime | None
    expires_at: datetime | None

    def __repr__(self) -> str:
        return f"Sheet(message_id={self.message_id}, campaign_id={self.campaign_id})"


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
COLUMNS = {
    "message_id": messages.c.id,
    "token": messages.c.token,
    "campaign_id": messages.c.campaign_id,
    "wave": messages.c.wave,
    "occurrence": messages.c.occurrence,
    "kind": messages.c.kind,
    "variant": messages.c.variant,
    "channel": messages.c.channel,
    "track": enrollments.c.track,
    "category": enrollments.c.category,
    "locale": enrollments.c.locale,
    "timezone": enrollments.c.timezone,
    "address": _ADDRESS,
    "name": customers.c.name,
    "tier": customers.c.tier,
    "item": func.coalesce(_ITEM, orders.c.item),
    "total": orders.c.total - orders.c.refunded,
    "currency": orders.c.currency,
    "placed_at": orders.c.placed_at,
    "code": func.coalesce(coupons.c.printed, coupons.c.code),
    "amount": coupons.c.amount,
    "percent": coupons.c.percent,
    "free_postage": coupons.c.free_postage,
    "gift": coupons.c.gift,
    "min_spend": coupons.c.min_spend,
    "coupon_currency": coupons.c.currency,
    "coupon_expires_at": coupons.c.expires_at,
    "expires_at": messages.c.expires_at,
}
# In the order of the fields, so that a row becomes a sheet as it is.
_SHEET = [COLUMNS[name].label(name) for name in Sheet._fields]


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
    return list(map(Sheet._make, connection.execute(found)))
