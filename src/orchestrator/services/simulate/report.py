"""What a simulation ends with."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from orchestrator.domain.messages import MessageState, Reason
from orchestrator.services.simulate.truth import Judged
from orchestrator.store import ledger, simulation
from orchestrator.store.campaigns import StoredCampaign
from orchestrator.store.database import Connection
from orchestrator.store.ledger import PutOffRow
from orchestrator.store.simulation import Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class DayOfSends:
    """One send: the messages of a wave and occurrence that were to go on one day."""

    day: date
    wave: str
    occurrence: int
    accepted: int
    withheld: int
    others: int  #: skipped, expired, rejected …: see the reasons
    cost: int  #: thousandths of a minor unit


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationReport:
    campaign: str
    currency: str
    seed: int
    customers: int
    enrolled: int
    began_at: datetime
    ended_at: datetime
    ticks: int
    unfinished: str | None  #: why the campaign did not come to its end; none when it did
    sends: tuple[DayOfSends, ...]
    states: dict[MessageState, int]
    reasons: dict[Reason, int]  #: why messages were not sent
    put_offs: tuple[PutOffRow, ...]  #: what messages waited for, whatever became of them
    orders_caused: int
    opt_outs: int
    cost: int  #: thousandths of a minor unit
    evaluations: tuple[Judged, ...]

    @property
    def messages(self) -> int:
        """The ledger's sum: every message is in exactly one state."""
        return sum(self.states.values())

    @property
    def caps_hit(self) -> int:
        """Messages that a cap let wait, or ended because they could not wait that long."""
        return sum(row.messages for row in self.put_offs if row.reason is Reason.CAP)


def sum_up(
    connection: Connection,
    campaign: StoredCampaign,
    *,
    seed: int,
    customers: int,
    began_at: datetime,
    ended_at: datetime,
    ticks: int,
    unfinished: str | None,
    orders_caused: int,
    judged: Iterable[Judged],
) -> SimulationReport:
    tallies = simulation.tallies(connection, campaign.id)
    return SimulationReport(
        campaign=campaign.name,
        currency=campaign.shop.currency,
        seed=seed,
        customers=customers,
        enrolled=simulation.enrolled(connection, campaign.id),
        began_at=began_at,
        ended_at=ended_at,
        ticks=ticks,
        unfinished=unfinished,
        sends=by_day(tallies),
        states=by_state(tallies),
        reasons=by_reason(tallies),
        put_offs=tuple(ledger.put_offs_by_reason(connection, campaign.id)),
        orders_caused=orders_caused,
        opt_outs=simulation.opt_outs(connection),
        cost=sum(tally.cost for tally in tallies),
        evaluations=tuple(judged),
    )


def by_day(tallies: Iterable[Tally]) -> tuple[DayOfSends, ...]:
    found: dict[tuple[date, str, int], Counter[str]] = {}
    for tally in tallies:
        counts = found.setdefault((tally.day, tally.wave, tally.occurrence), Counter())
        counts[_column(tally.state)] += tally.messages
        counts["cost"] += tally.cost
    return tuple(
        DayOfSends(
            day=day,
            wave=wave,
            occurrence=occurrence,
            accepted=counts["accepted"],
            withheld=counts["withheld"],
            others=counts["others"],
            cost=counts["cost"],
        )
        for (day, wave, occurrence), counts in sorted(found.items())
    )


def by_state(tallies: Iterable[Tally]) -> dict[MessageState, int]:
    counts: Counter[MessageState] = Counter()
    for tally in tallies:
        counts[tally.state] += tally.messages
    return dict(counts)


def by_reason(tallies: Iterable[Tally]) -> dict[Reason, int]:
    counts: Counter[Reason] = Counter()
    for tally in tallies:
        if tally.reason is not None:
            counts[tally.reason] += tally.messages
    return dict(counts)


def _column(state: MessageState) -> str:
    if state in (MessageState.ACCEPTED, MessageState.WITHHELD):
        return state.value
    return "others"
