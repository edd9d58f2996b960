"""What a launch would do: who, when, with which words, at what cost, and what it could show."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from orchestrator.domain.arms import Arm
from orchestrator.domain.messages import MessageState, Reason
from orchestrator.store.forecasts import Admission, CouponsAlike


@dataclass(frozen=True, slots=True)
class Sample:
    """What the first customer whose message uses a template would read: personal data."""

    template: str  #: its path in the playbook
    subject: str | None = field(repr=False)
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """A text that some customers would not get, because it cannot be written for them."""

    wave: str
    occurrence: int | None  #: from 0; none: the same in all of them
    locale: str
    what: str  #: the template, the reason and the variable; never a value
    customers: int
    first: str  #: our number (id:42) of the first of them
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveForecast:
    wave: str
    occurrences: int
    outcomes: Mapping[tuple[MessageState, Reason | None, str | None], int]  #: of one occurrence
    parts: int  #: SMS parts of one occurrence
    cost: int  #: of one occurrence, thousandths of a minor unit
    coupon_exposure: int  #: face value of one occurrence's coupons, minor units
    coupons: tuple[CouponsAlike, ...]  #: of one occurrence
    after_last_day: int  #: messages at most whose offer is over by then; they are skipped
    smallest_effect: float | None  #: that 80 % of such sends would show, share of customers
    samples: tuple[Sample, ...] = field(default=(), repr=False)

    @property
    def planned(self) -> int:
        return sum(n for (state, _, _), n in self.outcomes.items() if state == "planned")


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    playbook: str
    version: str
    currency: str
    admission: Admission
    enrolled: tuple[tuple[str, str | None, Arm, int], ...]
    waves: tuple[WaveForecast, ...]
    flaws: tuple[Flaw, ...]  #: of every text that could be sent, whatever the lots say
    days: Mapping[date, Mapping[str, int]]  #: messages by day and wave if nobody came back
    natural_rate: float | None  #: of the shop's own last months; descriptive, not causal
    smallest_effect: float | None  #: of the whole campaign against its holdout
    half_in: tuple[str, ...] = ()  #: files with more to come

    @property
    def cost_at_most(self) -> int:
        """If nobody came back, thousandths of a minor unit."""
        return sum(wave.cost * wave.occurrences for wave in self.waves)

    @property
    def is_sound(self) -> bool:
        return not self.flaws
