"""What becomes of a message whose moment has come: facts in, decision out."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from orchestrator.domain.calendar import QuietHours, Span, awake_at, due_at
from orchestrator.domain.messages import Reason

PAUSED_FOR = timedelta(hours=1)  #: a paused campaign's messages are looked at again after this


@dataclass(frozen=True, slots=True)
class Send:
    pass


@dataclass(frozen=True, slots=True)
class Skip:
    reason: Reason


@dataclass(frozen=True, slots=True)
class Postpone:
    until: datetime
    reason: Reason


@dataclass(frozen=True, slots=True)
class Expire:
    reason: Reason


@dataclass(frozen=True, slots=True)
class Cancel:
    reason: Reason


Decision = Send | Skip | Postpone | Expire | Cancel


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``times`` contacts of one kind to one person within ``per``."""

    times: int
    per: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageFacts:
    """All that a decision rests on, as of one moment under lock."""

    zone: ZoneInfo
    dispatch_stopped: bool = False
    campaign_state: str = "running"
    expires_at: datetime | None = None
    coupon_expires_at: datetime | None = None
    coupon_redeemed: bool = False  #: the one that it would remind of
    order_cancelled: bool = False  #: the order that brought them in
    same_person: bool = False  #: another of their profiles was in the campaign first
    purchased: bool = False  #: since what brought them in, where the wave asks for it
    reachable: bool = True  #: the customer still has the address it was planned for
    suppressed: bool = False
    purpose: str = "marketing"
    consent: bool | None = None  #: granted, refused, or never asked
    unwritten: Reason | None = None  #: why there is no text
    quiet: QuietHours | None = None
    cap: Limit | None = None
    contacts: tuple[datetime, ...] = ()  #: earlier ones of this kind to this person
    cost: int = 0  #: thousandths of a minor unit, as is what is left
    budget_left: int | None = None


def decide(facts: MessageFacts, now: datetime) -> Decision:  # noqa: PLR0911  # the policy, one line a gate
    if facts.dispatch_stopped:
        return Postpone(now, Reason.DISPATCH_STOPPED)
    if facts.campaign_state == "stopped":
        return Cancel(Reason.CAMPAIGN_STOPPED)
    if over := _over_at(facts, now):
        return Expire(over)
    if facts.campaign_state == "paused":
        return _put_off(facts, now + PAUSED_FOR, Reason.CAMPAIGN_PAUSED)
    if against := _standing_against(facts):
        return Skip(against)
    if (awake := awake_at(now, facts.quiet, facts.zone)) > now:
        return _put_off(facts, awake, Reason.QUIET_HOURS)
    if free := _cap_free_at(facts, now):
        return _put_off(facts, free, Reason.CAP)
    if facts.budget_left is not None and facts.cost > facts.budget_left:
        return Skip(Reason.BUDGET)
    return Send()


def may_contact(purpose: str, consent: bool | None) -> bool:  # noqa: FBT001  # the answer as stored
    """
    Marketing needs a yes. Service (thanks, care for what was bought) needs that nobody said no.

    A customer who was never asked is thanked for the order, and hears no advertising.
    """
    return consent is True if purpose == "marketing" else consent is not False


def _standing_against(facts: MessageFacts) -> Reason | None:
    against = (
        (facts.order_cancelled, Reason.ORDER_CANCELLED),
        (facts.same_person, Reason.SAME_PERSON),
        (facts.purchased, Reason.PURCHASED),
        (facts.coupon_redeemed, Reason.COUPON_REDEEMED),
        (not facts.reachable, Reason.NO_ADDRESS),
        (facts.suppressed, Reason.SUPPRESSED),
        (not may_contact(facts.purpose, facts.consent), Reason.NO_CONSENT),
    )
    return next((reason for stands, reason in against if stands), facts.unwritten)


def _over_at(facts: MessageFacts, moment: datetime) -> Reason | None:
    if facts.coupon_expires_at is not None and facts.coupon_expires_at <= moment:
        return Reason.COUPON_EXPIRED
    if facts.expires_at is not None and facts.expires_at <= moment:
        return Reason.LATE
    return None


def _put_off(facts: MessageFacts, until: datetime, reason: Reason) -> Postpone | Expire:
    """
    Put off to a moment when they are awake; what would be over by then is over now.

    It ends for the reason it would have waited for: without the cap the coupon would have gone out.
    """
    awake = awake_at(until, facts.quiet, facts.zone)
    return Expire(reason) if _over_at(facts, awake) else Postpone(awake, reason)


def _cap_free_at(facts: MessageFacts, now: datetime) -> datetime | None:
    """When one contact fewer than the cap allows lies within its span; none: it does now."""
    if facts.cap is None:
        return None
    ends = (due_at(contact, facts.cap.per, facts.zone) for contact in facts.contacts)
    counted = sorted(end for end in ends if end > now)
    excess = len(counted) - facts.cap.times
    return counted[excess] if excess >= 0 else None
