"""What there is to tell about one customer, as values."""

from dataclasses import dataclass
from datetime import datetime

from orchestrator.domain.messages import Reason
from orchestrator.store.audience import OrderVerdict
from orchestrator.store.inspection.customers import (
    Attempted,
    ConsentSaid,
    Counted,
    Enrolled,
    Happened,
    Profile,
    SaidElsewhere,
    Suppressed,
    Waited,
    Written,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageStory:
    message: Written
    lot: int  #: 0 … 9,999
    withheld_below: int  #: lots below this one are withheld from the send
    waits: tuple[Waited, ...]
    attempts: tuple[Attempted, ...]
    events: tuple[Happened, ...]
    evaluations: tuple[Counted, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NextStep:
    wave: str
    occurrence: int
    due_at: datetime | None
    waits_for: str | None  #: the wave whose message has to be final first


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkStory:
    """How the customer, or another profile of the same person, goes through a campaign."""

    enrolled: Enrolled
    lot: int  #: 0 … 9,999
    held_out_below: int  #: lots below this one are never written to by this campaign
    messages: tuple[MessageStory, ...]
    next: NextStep | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignStory:
    campaign: str
    state: str
    timezone: str  #: the playbook's; what the rules found is told in it
    walk: WalkStory | None
    outside: Reason | None  #: why the customer is not in; none also where they are to be enrolled
    orders: tuple[OrderVerdict, ...]  #: what the rules say about each order that is in question


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """Everything that was decided about one customer; no name, address or text is in it."""

    profile: Profile
    consents: tuple[ConsentSaid, ...]
    suppressions: tuple[Suppressed, ...]
    elsewhere: tuple[SaidElsewhere, ...]
    campaigns: tuple[CampaignStory, ...]
