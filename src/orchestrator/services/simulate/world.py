"""The customers of a running simulation: they hear, buy, redeem, bounce and opt out."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from orchestrator.domain.messages import Fact
from orchestrator.domain.providers import ProviderEvent
from orchestrator.playbooks.model import Definition
from orchestrator.services.simulate.behaviour import (
    Behaviour,
    Outcomes,
    Step,
    loop_of,
    nothing_pending,
    step_number,
)
from orchestrator.services.simulate.draws import Integers, Truths
from orchestrator.services.simulate.orders import Orders
from orchestrator.services.simulate.population import draw_caused
from orchestrator.services.simulate.shop import customer_number
from orchestrator.services.simulate.timeline import Timeline
from orchestrator.store.simulation import Heard

_A_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Wallet:
    """A coupon that its owner will use at the next order, if that order may."""

    code: str
    until: int  #: seconds since 1970
    amount: int
    percent: int
    min_spend: int

    def discount(self, total: int, placed: int) -> int | None:
        """What it takes off an order; None where the order cannot use it."""
        if placed > self.until or total < self.min_spend:
            return None
        return min(total - 1, self.amount + total * self.percent // 100)


class World:
    def __init__(self, behaviour: Behaviour, definition: Definition) -> None:
        customers = len(behaviour.population)
        natural = behaviour.population.natural
        self._behaviour = behaviour
        self._definition = definition
        self._natural = natural.picked(np.argsort(natural.placed, kind="stable"))
        self._natural_done = 0
        self._received = np.zeros(customers, dtype=np.int64)
        self._pending = nothing_pending(customers)
        self._due: list[Orders] = []  # what messages caused and nobody has placed yet
        self._wallets: dict[int, Wallet] = {}
        self._moved: dict[int, int] = {}
        self._caused: list[tuple[Integers, Integers]] = []

    @property
    def moved(self) -> Mapping[int, int]:
        """When the messages, sent or withheld, make (or would have made) somebody buy, by id."""
        return self._moved

    def caused(self) -> Timeline:
        """Every order that a message caused so far."""
        nothing = np.zeros(0, dtype=np.int64)
        customers, moments = zip((nothing, nothing), *self._caused, strict=True)
        return Timeline(np.concatenate(customers), np.concatenate(moments))

    @property
    def orders_caused(self) -> int:
        return sum(len(customers) for customers, _ in self._caused)

    def hear(self, messages: Sequence[Heard]) -> list[ProviderEvent]:
        """
        Let customers answer what was accepted for them; return what a provider would report.

        What the withheld would have answered is noted, too.
        """
        news: list[ProviderEvent] = []
        steps: dict[tuple[str, int, str, bool], list[Heard]] = defaultdict(list)
        for message in messages:
            sent = message.accepted_at is not None
            steps[message.wave, message.occurrence, message.track, sent].append(message)
        for (wave, occurrence, track, sent), some in sorted(steps.items(), key=lambda s: s[0]):
            step = self._step(wave, occurrence, track, some)
            outcomes = self._behaviour.answer(step)
            moves = outcomes.caused & ~self._bought_before_opening(step, some)
            self._moved.update(
                (some[k].message_id, int(outcomes.placed[k]))
                for k in np.flatnonzero(moves).tolist()
            )
            if sent:
                self._answer(step, outcomes, some)
                news += _reported(some, outcomes)
        return news

    def orders_until(self, moment: datetime) -> list[Orders]:
        """Take the orders placed up to a moment, with the coupons their customers use."""
        until = int(moment.timestamp())
        end = int(np.searchsorted(self._natural.placed, until, side="right"))
        batches = [self._natural.slice(self._natural_done, end)]
        self._natural_done = end
        later = []
        for batch in self._due:
            now = batch.placed <= until
            batches.append(batch.picked(now))
            later.append(batch.picked(~now))
        self._due = [batch for batch in later if len(batch)]
        return [self._with_coupons(batch) for batch in batches if len(batch)]

    def _step(self, wave: str, occurrence: int, track: str, some: Sequence[Heard]) -> Step:
        customer = np.array([customer_number(message.customer_id) for message in some])
        return Step(
            wave=wave,
            occurrence=occurrence,
            loop=loop_of(self._definition, track, wave, occurrence),
            customer=customer,
            opened=np.array([_opened(message) for message in some]),
            messages_before=self._received[customer],
            pending=self._pending[customer],
        )

    def _bought_before_opening(self, step: Step, some: Sequence[Heard]) -> Truths:
        """Who bought while the message waited for the morning would not have got it."""
        planned = np.array([int(message.planned_at.timestamp()) for message in some])
        return self._behaviour.purchases.any_between(step.customer, planned, step.opened)

    def _answer(self, step: Step, outcomes: Outcomes, some: Sequence[Heard]) -> None:
        self._received[step.customer] += ~outcomes.undelivered
        buys = outcomes.caused
        customer, placed = step.customer[buys], outcomes.placed[buys]
        self._pending[customer] = placed
        self._caused.append((customer, placed))
        if len(customer):
            sequence = np.full(len(customer), step_number(step.wave, step.occurrence))
            population = self._behaviour.population
            self._due.append(
                draw_caused(population, customer=customer, sequence=sequence, placed=placed)
            )
        ends = step.opened + self._behaviour.window
        for k in np.flatnonzero(outcomes.redeems).tolist():
            if wallet := _wallet(some[k], int(ends[k])):
                self._wallets[int(step.customer[k])] = wallet

    def _with_coupons(self, batch: Orders) -> Orders:
        """Let each customer use the coupon they kept, once, for an order that allows it."""
        codes: dict[int, str] = {}
        discount = np.zeros(len(batch), dtype=np.int64)
        candidates = zip(
            batch.customer.tolist(), batch.total.tolist(), batch.placed.tolist(), strict=True
        )
        counting = batch.counts.tolist()
        for position, (customer, total, placed) in enumerate(candidates):
            wallet = self._wallets.get(customer)
            if wallet is None or not counting[position]:
                continue
            taken_off = wallet.discount(total, placed)
            if taken_off is not None:
                codes[position] = wallet.code
                discount[position] = taken_off
                del self._wallets[customer]
        paid = batch.total - discount
        return replace(
            batch,
            total=paid,
            discount=discount,
            refunded=np.minimum(batch.refunded, paid),
            first_amount=np.minimum(batch.first_amount, paid),
            coupons=codes,
        )


def _opened(message: Heard) -> int:
    return int((message.accepted_at or message.would_go_at).timestamp())


def _reported(some: Sequence[Heard], outcomes: Outcomes) -> Iterator[ProviderEvent]:
    """Bounces and opt-outs; that the others arrived is what the provider says by itself."""
    for message, lost, leaves in zip(
        some, outcomes.undelivered.tolist(), outcomes.opts_out.tolist(), strict=True
    ):
        if message.accepted_at is not None and (lost or leaves):
            fact = Fact.BOUNCED if lost else Fact.OPTED_OUT
            yield _event(message, fact, message.accepted_at + _A_MINUTE)


def _event(message: Heard, fact: Fact, at: datetime) -> ProviderEvent:
    return ProviderEvent(
        dedupe_key=f"{message.message_id}:{fact.value}",
        message_id=message.message_id,
        fact=fact,
        at=at,
    )


def _wallet(message: Heard, ends: int) -> Wallet | None:
    if message.code is None:
        return None
    over = int(message.coupon_expires_at.timestamp()) - 1 if message.coupon_expires_at else ends
    return Wallet(
        code=message.code,
        until=min(ends, over),
        amount=message.amount or 0,
        percent=message.percent or 0,
        min_spend=message.min_spend or 0,
    )
