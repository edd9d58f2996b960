"""The intent transaction: everything is checked again under lock, and what will be sent is written."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from orchestrator.domain.decisions import (
    Cancel,
    Decision,
    Expire,
    Limit,
    MessageFacts,
    Postpone,
    Send,
    Skip,
    decide,
)
from orchestrator.domain.messages import Channel, MessageState, Reason, WaveKind
from orchestrator.playbooks import Definition
from orchestrator.services.dispatch.writing import Letter
from orchestrator.store import contacts
from orchestrator.store.database import Connection
from orchestrator.store.messages import claims, facts, intents
from orchestrator.store.messages.facts import CampaignStand, Held
from orchestrator.store.messages.intents import Intent, Refusal

_LONGEST_MONTH = 31


@dataclass(frozen=True, slots=True)
class Decided:
    letters: list[Letter]  #: to be handed over now; their intents are in this transaction
    refused: Counter[tuple[MessageState, Reason]]
    lost: int  #: somebody else's by now


@dataclass(slots=True)
class Grounds:
    """What the chunk's decisions rest on; grows with each message that is let through."""

    stopped: bool
    campaigns: dict[int, CampaignStand]
    consents: dict[tuple[int, Channel, str], bool]
    suppressed: set[contacts.Address]
    purchased: set[int]
    fell_through: set[int]  #: enrollments whose order counts no longer
    contacts: dict[tuple[str, WaveKind], list[datetime]]
    spent: Counter[int] = field(default_factory=Counter)


def commit_intents(
    connection: Connection,
    letters: Sequence[Letter],
    definitions: Mapping[int, Definition],
    *,
    provider: str,
    owner: str,
    now: datetime,
    lease: timedelta,
) -> Decided:
    """Decide about each letter as things stand under lock; the caller commits, then hands over."""
    stopped = claims.stop_reason(connection) is not None
    stands = facts.lock_campaigns(connection, {letter.campaign_id for letter in letters})
    tokens = {letter.message_id: letter.token for letter in letters}
    held = facts.lock_held(connection, tokens, owner=owner, now=now)
    grounds = _gather(connection, held, definitions, stopped=stopped, stands=stands, now=now)
    written = {letter.message_id: letter for letter in letters}
    sent, refusals, ended = [], [], set()
    for one in held:
        letter = written[one.message_id]
        decision = decide(_facts(one, letter, definitions[one.campaign_id], grounds), now)
        if isinstance(decision, Send):
            grounds.contacts.setdefault((one.address_hash, one.kind), []).append(now)
            grounds.spent[one.campaign_id] += letter.cost
            sent.append(letter)
            continue
        refusals.append(_refusal(one.message_id, decision))
        if refusals[-1].reason is Reason.PURCHASED:
            ended.add(one.enrollment_id)
    meant = [_intent(letter, provider) for letter in sent]
    intents.intend(connection, meant, owner=owner, now=now, lease_until=now + lease)
    intents.refuse(connection, refusals, now)
    intents.end_walks(connection, ended, now)
    intents.spend(connection, grounds.spent)
    counted = Counter((refusal.state, refusal.reason) for refusal in refusals)
    return Decided(sent, counted, len(letters) - len(held))


def _gather(
    connection: Connection,
    held: Sequence[Held],
    definitions: Mapping[int, Definition],
    *,
    stopped: bool,
    stands: dict[int, CampaignStand],
    now: datetime,
) -> Grounds:
    asked = {
        one.enrollment_id
        for one in held
        if definitions[one.campaign_id].wave_named(one.wave).unless == "purchased"
    }
    since: dict[tuple[str, WaveKind], datetime] = {}
    for one in held:
        if cap := definitions[one.campaign_id].cap.get(one.kind):
            key = (one.address_hash, one.kind)
            since[key] = min(_surely_before(now, Limit(cap.times, cap.per)), since.get(key, now))
    return Grounds(
        stopped=stopped,
        campaigns=stands,
        consents=contacts.load_consents(connection, {one.customer_id for one in held}),
        suppressed=contacts.suppressed(
            connection, {(one.channel, one.address_hash) for one in held}
        ),
        purchased=facts.who_purchased(connection, asked, now) if asked else set(),
        fell_through=facts.whose_order_fell_through(
            connection, {one.enrollment_id for one in held}
        ),
        contacts=contacts.load_contacts(connection, since) if since else {},
    )


def _facts(one: Held, letter: Letter, definition: Definition, grounds: Grounds) -> MessageFacts:
    stand = grounds.campaigns[one.campaign_id]
    cap = definition.cap.get(one.kind)
    purpose = one.kind.purpose
    return MessageFacts(
        zone=ZoneInfo(one.timezone),
        dispatch_stopped=grounds.stopped,
        campaign_state=stand.state,
        expires_at=one.expires_at,
        coupon_expires_at=one.coupon_expires_at,
        coupon_redeemed=one.coupon_redeemed,
        order_cancelled=one.enrollment_id in grounds.fell_through,
        purchased=one.enrollment_id in grounds.purchased,
        reachable=one.reachable,
        suppressed=(one.channel, one.address_hash) in grounds.suppressed,
        purpose=purpose,
        consent=grounds.consents.get((one.customer_id, one.channel, purpose)),
        unwritten=letter.unwritten,
        quiet=definition.quiet_hours,
        cap=None if cap is None else Limit(cap.times, cap.per),
        contacts=tuple(grounds.contacts.get((one.address_hash, one.kind), ())),
        cost=letter.cost,
        budget_left=_budget_left(definition, stand.spent + grounds.spent[one.campaign_id]),
    )


def _budget_left(definition: Definition, spent: int) -> int | None:
    """In thousandths of a minor unit, as costs are."""
    return None if definition.budget is None else definition.budget.minor * 1000 - spent


def _surely_before(now: datetime, cap: Limit) -> datetime:
    """A moment from which on no contact that the cap counts is missed, in whatever zone."""
    days = cap.per.months * _LONGEST_MONTH + cap.per.days + 1
    return now - timedelta(days=days, seconds=cap.per.seconds)


def _refusal(message_id: int, decision: Decision) -> Refusal:
    match decision:
        case Postpone(until, reason):
            return Refusal(
                message_id=message_id, state=MessageState.PLANNED, reason=reason, due_at=until
            )
        case Skip(reason):
            state = MessageState.SKIPPED
        case Expire(reason):
            state = MessageState.EXPIRED
        case Cancel(reason):
            state = MessageState.CANCELLED
        case Send():
            raise TypeError("what is sent is not refused")
    return Refusal(message_id=message_id, state=state, reason=reason)


def _intent(letter: Letter, provider: str) -> Intent:
    return Intent(
        message_id=letter.message_id,
        token=letter.token,
        provider=provider,
        parts=letter.parts,
        cost=letter.cost,
        concern_id=letter.concern_id,
    )
