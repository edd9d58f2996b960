"""The intent transaction: everything is checked again under lock, and what will be sent is written."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
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
from orchestrator.playbooks.schedule import LONGEST_MONTH
from orchestrator.services.dispatch.writing import Letter
from orchestrator.store import contacts, persons
from orchestrator.store.contacts import Contact
from orchestrator.store.database import Connection
from orchestrator.store.messages import claims, facts, intents
from orchestrator.store.messages.facts import CampaignStand, Held
from orchestrator.store.messages.intents import Intent, Refusal
from orchestrator.store.persons import Pair

_ENDING = frozenset({Reason.PURCHASED, Reason.SAME_PERSON})  #: what ends the whole walk
_Contacted = tuple[int | str, WaveKind]  # a customer or an address, and the kind of message


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
    enrolled_before: set[int]  #: enrollments whose person is in the campaign by another profile
    opted_out: set[tuple[int, Channel]]  #: customers, by another address of their person
    contacts: dict[int, list[datetime]]  #: before this chunk, by message
    others: defaultdict[int, list[int]]  #: the other profiles of the same person, by customer
    let_through: defaultdict[_Contacted, set[int]] = field(default_factory=lambda: defaultdict(set))
    spent: Counter[int] = field(default_factory=Counter)

    def let(self, one: Held, cost: int) -> None:
        """Count the message for its whole person, its address and its campaign."""
        profiles = [one.customer_id, *self.others[one.customer_id]]
        contacted: list[int | str] = [one.address_hash, *profiles]
        for each in contacted:
            self.let_through[each, one.kind].add(one.message_id)
        self.spent[one.campaign_id] += cost

    def contacts_before(self, one: Held, now: datetime) -> tuple[datetime, ...]:
        within = (
            self.let_through[one.address_hash, one.kind]
            | self.let_through[one.customer_id, one.kind]
        )
        return (*self.contacts.get(one.message_id, ()), *[now] * len(within))


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
    pairs = facts.lock_people(connection, tokens)
    held = facts.lock_held(connection, tokens, owner=owner, now=now)
    grounds = _gather(connection, held, definitions, pairs, stopped=stopped, stands=stands, now=now)
    written = {letter.message_id: letter for letter in letters}
    sent, refusals, ended = [], [], {}
    for one in held:
        letter = written[one.message_id]
        decision = decide(_facts(one, letter, definitions[one.campaign_id], grounds, now), now)
        if isinstance(decision, Send):
            grounds.let(one, letter.cost)
            sent.append(letter)
            continue
        refusals.append(_refusal(one.message_id, decision))
        if refusals[-1].reason in _ENDING:
            ended[one.enrollment_id] = refusals[-1].reason
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
    pairs: Sequence[Pair],
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
    capped = list(_contacts(held, definitions, now))
    others = persons.as_table(connection, pairs)
    return Grounds(
        stopped=stopped,
        campaigns=stands,
        consents=contacts.load_consents(connection, {one.customer_id for one in held}, others),
        suppressed=contacts.suppressed(
            connection, {(one.channel, one.address_hash) for one in held}
        ),
        purchased=facts.who_purchased(connection, asked, now) if asked else set(),
        fell_through=facts.whose_order_fell_through(
            connection, {one.enrollment_id for one in held}
        ),
        enrolled_before=persons.enrolled_before(connection, others),
        opted_out=contacts.opted_out(connection, others),
        contacts=contacts.load_contacts(connection, capped, others) if capped else {},
        others=_by_customer(pairs),
    )


def _contacts(
    held: Sequence[Held], definitions: Mapping[int, Definition], now: datetime
) -> Iterator[Contact]:
    for one in held:
        if cap := definitions[one.campaign_id].cap.get(one.kind):
            yield Contact(
                message_id=one.message_id,
                customer_id=one.customer_id,
                address_hash=one.address_hash,
                kind=one.kind,
                since=_surely_before(now, Limit(cap.times, cap.per)),
            )


def _by_customer(pairs: Sequence[Pair]) -> defaultdict[int, list[int]]:
    found: defaultdict[int, list[int]] = defaultdict(list)
    for customer, other in pairs:
        found[customer].append(other)
    return found


def _facts(
    one: Held, letter: Letter, definition: Definition, grounds: Grounds, now: datetime
) -> MessageFacts:
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
        same_person=one.enrollment_id in grounds.enrolled_before,
        purchased=one.enrollment_id in grounds.purchased,
        reachable=one.reachable,
        suppressed=(one.channel, one.address_hash) in grounds.suppressed
        or (one.customer_id, one.channel) in grounds.opted_out,
        purpose=purpose,
        consent=grounds.consents.get((one.customer_id, one.channel, purpose)),
        unwritten=letter.unwritten,
        quiet=definition.quiet_hours,
        cap=None if cap is None else Limit(cap.times, cap.per),
        contacts=grounds.contacts_before(one, now),
        cost=letter.cost,
        budget_left=_budget_left(definition, stand.spent + grounds.spent[one.campaign_id]),
    )


def _budget_left(definition: Definition, spent: int) -> int | None:
    """In thousandths of a minor unit, as costs are."""
    return None if definition.budget is None else definition.budget.minor * 1000 - spent


def _surely_before(now: datetime, cap: Limit) -> datetime:
    """A moment from which on no contact that the cap counts is missed, in whatever zone."""
    days = cap.per.months * LONGEST_MONTH + cap.per.days + 1
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
