"""What a campaign has to know about the shop that runs it."""

from dataclasses import asdict, dataclass
from typing import Any, Self

from orchestrator.domain.messages import Channel


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    name: str
    url: str
    postal_address: str
    unsubscribe_url: str  #: the page where people stop hearing from the shop
    currency: str  #: ISO 4217
    country: str  #: ISO 3166, for phones and customers without one
    timezone: str  #: IANA, for customers without one
    locale: str  #: for customers without one
    sms_price: int  #: per part, in thousandths of a minor unit
    email_price: int  #: per message, in thousandths of a minor unit
    margin: float = 0.35  #: share of revenue that is gross profit, 0–1

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        return cls(**data)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def cost(self, channel: Channel, parts: int) -> int:
        """What one message costs, in thousandths of a minor unit."""
        return self.sms_price * parts if channel is Channel.SMS else self.email_price
