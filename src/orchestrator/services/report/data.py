"""All that a report says, before it is put into words. No personal data."""

from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from orchestrator.domain.evaluations import EvaluationKind
from orchestrator.services.pooled import Pooled
from orchestrator.store.evaluations import StoredEvaluation
from orchestrator.store.ledger import CouponRow, EnrolledRow, LedgerRow, PutOffRow, SentRow


@dataclass(frozen=True, slots=True)
class SendLine:
    """One send with its own evaluation; none where the playbook's version scheduled none."""

    sent: SentRow
    evaluation: StoredEvaluation | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportData:
    campaign: str
    title: str
    state: str
    currency: str
    zone: ZoneInfo  #: the playbook's; all days here are of it
    launched_on: date
    built_on: date
    window_seconds: int
    lag_seconds: int
    margin: float
    repeating_waves: frozenset[str]
    sends: tuple[SendLine, ...]
    evaluations: tuple[StoredEvaluation, ...]  #: groups and overall, last revisions
    pooled: tuple[Pooled, ...]
    next_due_on: date | None
    enrolled: tuple[EnrolledRow, ...]
    ledger: tuple[LedgerRow, ...]
    put_offs: tuple[PutOffRow, ...]
    coupons: tuple[CouponRow, ...]

    @property
    def planned_rows(self) -> int:
        return sum(line.sent.messages for line in self.sends)

    @property
    def ledger_sum(self) -> int:
        return sum(row.messages for row in self.ledger)

    @property
    def headlines(self) -> tuple[Pooled, ...]:
        """The whole campaign, then each wave."""
        return tuple(
            one
            for one in self.pooled
            if one.track is None and one.occurrence is None and one.kind is not EvaluationKind.GROUP
        )

    def pooled_by(self, kind: EvaluationKind) -> tuple[Pooled, ...]:
        return tuple(one for one in self.pooled if one.kind is kind)

    def evaluated(self, kind: EvaluationKind) -> tuple[StoredEvaluation, ...]:
        return tuple(item for item in self.evaluations if item.kind is kind)

    def occurrences(self, wave: str) -> tuple[Pooled, ...]:
        return tuple(one for one in self.pooled if one.wave == wave and one.occurrence is not None)
