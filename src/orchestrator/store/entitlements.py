"""Who has no coupon coming, as far as that is known before any lot is drawn."""

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Subquery, case, exists, func, null, select

from orchestrator.domain.coupons import CouponState
from orchestrator.domain.messages import Reason
from orchestrator.playbooks.model import LadderStep, Offer
from orchestrator.store.chunk import Chunk, Zone
from orchestrator.store.reach import variant_of
from orchestrator.store.stocks import is_unread
from orchestrator.store.tables import coupons, enrollments, orders


def lacking(chunk: Chunk, zones: Sequence[Zone], places: Subquery) -> ColumnElement[Any]:
    """
    Return why the wave has no coupon for an enrollment; null where it has one, or brings none.

    It is alike in both arms, so that nobody is compared who had nothing to gain or to lose.
    """
    wave, offers = chunk.wave, chunk.definition.offers
    if wave.reminds is not None:
        return _nothing_to_remind_of(wave.reminds, places)
    own = {v.variant: _denied(offers[v.offer], zones) for v in wave.variants if v.offer is not None}
    general = None if wave.offer is None else _denied(offers[wave.offer], zones)
    if all(denied is None for denied in (general, *own.values())):
        return null()
    told = {name: null() if denied is None else denied for name, denied in own.items()}
    otherwise = null() if general is None else general
    return case(told, value=variant_of(chunk), else_=otherwise) if told else otherwise


def _denied(offer: Offer, zones: Sequence[Zone]) -> ColumnElement[Any] | None:
    over = [
        zone.timezone for zone in zones if offer.is_over(zone.would_go_at, ZoneInfo(zone.timezone))
    ]
    denials: list[tuple[ColumnElement[bool], str]] = []
    if over:
        denials.append((enrollments.c.timezone.in_(over), Reason.COUPON_EXPIRED.value))
    if offer.ladder is not None:
        denials.append((~_reaches(offer.ladder[0]), Reason.BELOW_LADDER.value))
    return case(*denials) if denials else None


def _reaches(step: LadderStep) -> ColumnElement[bool]:
    """Whether the order that brought the enrollment at hand in is worth a coupon."""
    first = step.at_least
    return exists().where(
        orders.c.id == enrollments.c.order_id,
        orders.c.currency == first.currency,
        orders.c.total - orders.c.refunded >= first.minor,
    )


def _nothing_to_remind_of(wave: str, places: Subquery) -> ColumnElement[Any]:
    coupon = coupons.alias("reminded")
    against = case(
        (coupon.c.state == CouponState.REDEEMED, Reason.COUPON_REDEEMED.value),
        (is_unread(coupon), Reason.NO_COUPON.value),
        (coupon.c.expires_at <= places.c.would_go_at, Reason.COUPON_EXPIRED.value),
        else_="",
    )
    told = (
        select(against)
        .where(coupon.c.enrollment_id == enrollments.c.id, coupon.c.wave == wave)
        .where(coupon.c.occurrence == 0)
        .correlate(enrollments, places)
        .scalar_subquery()
    )
    return func.nullif(func.coalesce(told, Reason.NO_COUPON.value), "")
