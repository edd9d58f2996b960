"""How customers answer a message: both potential outcomes, drawn whoever is written to."""

import zlib
from dataclasses import dataclass

import numpy as np

from orchestrator.domain.messages import WaveKind
from orchestrator.playbooks.model import Definition
from orchestrator.playbooks.schedule import waves_of
from orchestrator.services.simulate.draws import Floats, Integers, Truths, exponentials, uniforms
from orchestrator.services.simulate.population import Population
from orchestrator.services.simulate.purchases import NEVER
from orchestrator.services.simulate.timeline import Timeline

DAY = 86400
_MOST_LIKELY = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseModel:
    """
    How likely a message is to make those buy who would not have bought in its window.

    effect x decay^loop x exp(-fatigue x messages before) x responsiveness x (dropped if gone)
    """

    effect: float = 0.03  #: of the first promotional message; 0: messages do nothing
    service_effect: float = 0.0  #: of thanks, care and greetings, which do not decay
    decay: float = 0.7  #: a loop
    fatigue: float = 0.1  #: a message received before
    dropped: float = 0.3  #: factor for those who are gone
    undelivered: float = 0.03
    opt_out: float = 0.004  #: a message
    opt_out_growth: float = 0.5  #: a message received before
    delay_days: float = 3.0  #: mean time until the order
    window_days: float = 10.0
    redeem_caused: float = 0.7  #: buyers because of the message who use its coupon
    redeem_natural: float = 0.4  #: buyers anyway who use it: what a coupon costs for nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One wave and occurrence reaching customers, or withheld from them: one element a customer."""

    wave: str
    occurrence: int
    loop: int | None  #: how many promotional steps came before; None: it promotes nothing
    customer: Integers
    opened: Integers  #: seconds since 1970, when the window opens
    messages_before: Integers
    pending: Integers  #: when an earlier message makes them buy, or NEVER


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """What each customer does in the window, without the message and because of it."""

    natural: Truths  #: buys without it
    caused: Truths  #: buys only with it
    placed: Integers  #: when the caused order comes, in seconds since 1970
    redeems: Truths  #: uses the coupon, if one comes along
    undelivered: Truths
    opts_out: Truths


class Behaviour:
    """Answers for a population. Every answer hangs on the seed, customer, wave and occurrence alone."""

    def __init__(self, population: Population, model: ResponseModel) -> None:
        self.population = population
        self.model = model
        natural = population.natural
        counting = natural.counts
        self.purchases = Timeline(natural.customer[counting], natural.placed[counting])

    def answer(self, step: Step) -> Outcomes:
        model = self.model
        ends = step.opened + self.window
        natural = self.purchases.any_between(step.customer, step.opened, ends)
        natural |= (step.pending > step.opened) & (step.pending <= ends)
        undelivered = self._uniform("undelivered", step) < model.undelivered
        caused = ~natural & ~undelivered & (self._uniform("buys", step) < self._chance(step))
        delay = np.minimum(
            exponentials(self._uniform("delay", step), model.delay_days * DAY), self.window - 60
        )
        redeems = np.where(natural, model.redeem_natural, model.redeem_caused)
        leaves = model.opt_out * (1 + model.opt_out_growth * step.messages_before)
        return Outcomes(
            natural=natural,
            caused=caused,
            placed=step.opened + 1 + delay.astype(np.int64),
            redeems=~undelivered & (self._uniform("redeems", step) < redeems),
            undelivered=undelivered,
            opts_out=~undelivered & (self._uniform("opts out", step) < leaves),
        )

    @property
    def window(self) -> int:
        return int(self.model.window_days * DAY)

    def _chance(self, step: Step) -> Floats:
        model, traits = self.model, self.population.traits
        if step.loop is None:
            effect = model.service_effect
        else:
            effect = model.effect * model.decay**step.loop
        gone = np.where(traits.gone[step.customer] <= step.opened, model.dropped, 1.0)
        tired = np.exp(-model.fatigue * step.messages_before)
        chance = effect * tired * traits.responsiveness[step.customer] * gone
        limited: Floats = np.minimum(chance, _MOST_LIKELY)
        return limited

    def _uniform(self, purpose: str, step: Step) -> Floats:
        return uniforms(
            self.population.seed, purpose, step.customer, step_number(step.wave, step.occurrence)
        )


def step_number(wave: str, occurrence: int) -> int:
    """A number of its own for each step, the same in every run."""
    return zlib.crc32(wave.encode()) * 64 + occurrence


def loop_of(definition: Definition, track: str, wave: str, occurrence: int) -> int | None:
    """How many promotional steps the track walks before this one; None: it promotes nothing."""
    loops = 0
    for each in waves_of(definition, track):
        if each.wave == wave:
            return loops + occurrence if each.kind is WaveKind.PROMO else None
        loops += each.occurrences if each.kind is WaveKind.PROMO else 0
    raise LookupError(f"track {track} of {definition.playbook} has no wave {wave}")


def nothing_pending(customers: int) -> Integers:
    return np.full(customers, NEVER, dtype=np.int64)
