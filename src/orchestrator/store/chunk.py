"""What the statements of one planning transaction have in common."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Subquery

from orchestrator.playbooks.model import Definition, Wave


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """What is alike for all customers of one time zone who are planned at the same moment."""

    timezone: str
    would_go_at: datetime  #: now, or the end of their quiet hours
    send_id: int
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """The enrollments of one step that are planned together."""

    campaign_id: int
    salt: str
    definition: Definition
    wave: Wave
    occurrence: int
    until: datetime  #: due up to this moment
    now: datetime
    #: the customers with their persons' other profiles (``persons.as_table``), once they are known
    others: Subquery | None = None
