"""What a launch would do: who, when, with which words, at what cost, and what it could show."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from orchestrator.domain.arms import Arm
from orchestrator.domain.messages import MessageState, Reason
from orchestrator.store.forecasts import Admission, CouponsAlike

HISTORY = timedelta(days=90)  #: before the event: what a natural rate is taken from
ASSUMED_RATES = (0.02, 0.05, 0.1)  #: natural ones, where the shop has no such orders


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
class Send:
    """What one wave takes on one day, if nobody came back."""

    messages: int  #: at most: to everybody who is not held out
    parts: int  #: SMS parts expected, as many for each as the wave has for all
    cost: int  #: expected likewise, thousandths of a minor unit


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallestEffect:
    """What arms of this size show in four of five such campaigns, at one natural rate."""

    natural_rate: float
    assumed: bool  #: the rate is none of the shop's own
    effect: float | None  #: share of customers; none: not even a rise to all of them would show


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
    smallest_effects: tuple[SmallestEffect, ...]  #: of one send; none without a holdout
    samples: tuple[Sample, ...] = field(default=(), repr=False)

    @property
    def people(self) -> int:
        """Everybody whom one occurrence comes to, the withheld and the unreachable too."""
        return sum(self.outcomes.values())

    @property
    def planned(self) -> int:
        return sum(n for (state, _, _), n in self.outcomes.items() if state == "planned")


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    playbook: str
    version: str
    currency: str
    budget: int | None  #: thousandths of a minor unit
    admission: Admission
    enrolled: tuple[tuple[str, str | None, Arm, int], ...]
    waves: tuple[WaveForecast, ...]
    flaws: tuple[Flaw, ...]  #: of every text that could be sent, whatever the lots say
    days: Mapping[date, Mapping[str, Send]]  #: by day and wave
    natural_rate: float | None  #: of the shop's own last months; descriptive, not causal
    smallest_effects: tuple[SmallestEffect, ...]  #: of the whole campaign; none without a holdout
    half_in: tuple[str, ...] = ()  #: files with more to come

    @property
    def cost_at_most(self) -> int:
        """If nobody came back, thousandths of a minor unit."""
        return sum(wave.cost * wave.occurrences for wave in self.waves)

    @property
    def is_within_budget(self) -> bool:
        return self.budget is None or self.cost_at_most <= self.budget

    @property
    def is_sound(self) -> bool:
        return not self.flaws
