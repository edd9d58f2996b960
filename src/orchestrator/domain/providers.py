"""What a provider is to the orchestrator: our words inside, theirs outside."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from orchestrator.domain.messages import Channel, Fact


class Outcome(StrEnum):
    """What became of a hand-over. There are no others."""

    ACCEPTED = "accepted"  #: the provider has it
    REJECTED = "rejected"  #: certainly not taken, and never will be
    RETRY = "retry"  #: certainly not taken, may be tried again (429, refused connection, DNS)
    UNKNOWN = "unknown"  #: may have been taken: 5xx, time-out, reset, unreadable 2xx


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One message as a provider gets it. ``repr`` shows no personal data."""

    message_id: int  #: ours; travels along, so that news finds it when the answer is lost
    token: int  #: the attempt, for callbacks
    channel: Channel
    address: str = field(repr=False)  #: E.164 or an e-mail address
    text: str = field(repr=False)
    subject: str | None = field(default=None, repr=False)
    html: str | None = field(default=None, repr=False)
    campaign: str  #: name, for the provider's own statistics
    wave: str
    expires_at: datetime | None = None  #: not to be delivered after this


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    message_id: int
    outcome: Outcome
    provider_id: str | None = None
    code: str | None = None  #: the provider's own, for people who look it up
    retry_at: datetime | None = None  #: with RETRY: not before


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderEvent:
    """News about a message; any number of times, in any order."""

    dedupe_key: str  #: the same news twice has the same key
    message_id: int
    fact: Fact
    at: datetime
    code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    channels: frozenset[Channel]
    batch_size: int = 100  #: most messages in one call of ``send``
    can_be_asked: bool = False  #: ``find`` proves presence and absence
    intents: int = 100  #: most intents one transaction commits: what a crash leaves unknown


class Provider(Protocol):
    name: str
    capabilities: Capabilities

    def send(self, batch: Sequence[Outgoing], now: datetime) -> Sequence[Handover]:
        """Hand the batch over once; one answer a message, in any order. Raises nothing for an answer."""
        ...

    def find(self, message_ids: Sequence[int], since: datetime) -> dict[int, str | None]:
        """Look messages up: id -> the provider's id where it has it, None where it proves it has not.

        An id that is missing from the answer could not be decided.
        """
        ...

    def news(self, now: datetime) -> Sequence[ProviderEvent]:
        """Events that are waiting to be fetched; providers that call back have none here."""
        ...

    def close(self) -> None: ...
