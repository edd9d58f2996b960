"""Plays a campaign from its launch to its last evaluation on a virtual clock.

What moves the campaign is ``advance``, the same as in a live run; here it is told another moment
and given another provider. Between two moments customers place their orders.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

import numpy as np

from orchestrator.domain.messages import Channel, MessageState
from orchestrator.domain.providers import Provider, ProviderEvent
from orchestrator.domain.shop import Shop
from orchestrator.playbooks import Playbook, currency_of
from orchestrator.services.advance import advance
from orchestrator.services.dispatch import OpenedTexts
from orchestrator.services.launch import launch
from orchestrator.services.lives import Life, Machine, begin_life
from orchestrator.services.simulate.behaviour import Behaviour, ResponseModel
from orchestrator.services.simulate.parameters import parameters_for
from orchestrator.services.simulate.population import Population, make_shop
from orchestrator.services.simulate.report import SimulationReport, sum_up
from orchestrator.services.simulate.shop import finish_import, write_orders, write_shop
from orchestrator.services.simulate.truth import judge
from orchestrator.services.simulate.world import World
from orchestrator.store import campaigns, simulation
from orchestrator.store.campaigns import StoredCampaign
from orchestrator.store.database import Database
from orchestrator.store.schema import upgrade
from orchestrator.store.simulation import Due, Heard

USUAL = ResponseModel()
STEP = timedelta(hours=1)  #: the usual time from one look at what is due to the next
_OPEN = frozenset(
    {
        MessageState.PLANNED,
        MessageState.CLAIMED,
        MessageState.SENDING,
        MessageState.UNKNOWN,
        MessageState.UNRESOLVED,
    }
)


class Reporting(Provider, Protocol):
    """A provider that can be told what its customers do."""

    def add_news(self, events: Iterable[ProviderEvent]) -> None: ...


@dataclass(frozen=True, slots=True)
class Progress:
    now: datetime
    share: float  #: of the time that the campaign can take, 0–1
    accepted: int  #: messages so far


def simulate(
    playbook: Playbook,
    *,
    provider: Reporting,
    customers: int,
    seed: int,
    folder: Path,
    preset: str = "gift",
    effect: float = 0.03,
    responses: ResponseModel = USUAL,
    shop: Shop | None = None,
    start: datetime | None = None,
    url: str | None = None,
    step: timedelta = STEP,
    progress: Callable[[Progress], None] = lambda _: None,
) -> SimulationReport:
    """
    Generate a shop, launch the playbook in it and play until everything is evaluated.

    A longer ``step`` makes fewer, larger batches and is faster.
    The database is a new file in the folder, or the empty one of ``url``. ``effect`` 0 is the null; ``responses`` says the rest of how customers answer.
    Starts when the event days are over, or at ``start``. Raises ShopNotEmptyError, NoEventDayError.
    """
    definition = playbook.definition
    shop = shop or generated_shop(
        definition.timezone, definition.locales[0], currency_of(definition) or "CNY"
    )
    parameters = parameters_for(
        definition, customers=customers, preset=preset, currency=shop.currency
    )
    population = make_shop(parameters, seed)
    start = start or _after_the_event(population)
    window = definition.evaluate.sends.timedelta / timedelta(days=1)
    model = replace(responses, effect=effect, window_days=window)
    database = Database(url or f"sqlite:///{folder / f'simulation-{seed}.db'}")
    try:
        upgrade(database, start)
        run = write_shop(database, population)
        # Its clocks stand still: time here is what each step is told. Nor does it remember others.
        machine = Machine("simulation", "virtual", lambda: 0.0, lambda: start)
        with TemporaryDirectory() as lives, begin_life(Path(lives), machine) as life:
            show = _Show(
                playbook, database, life, Behaviour(population, model), provider, run, step
            )
            show.open(shop, start)
            show.play(start + timedelta(days=parameters.days_after), progress)
            return show.close(start)
    finally:
        database.close()


def generated_shop(timezone: str, locale: str, currency: str = "CNY") -> Shop:
    return Shop(
        name="云裳",
        url="https://shop.example.com",
        postal_address="1 Example Road, Hangzhou",
        unsubscribe_url="https://shop.example.com/stop",
        currency=currency,
        country="CN",
        timezone=timezone,
        locale=locale,
        sms_price=5_000,
        email_price=500,
    )


@dataclass(slots=True)
class _Show:
    playbook: Playbook
    database: Database
    life: Life
    behaviour: Behaviour
    provider: Reporting
    import_id: int
    step: timedelta
    campaign: StoredCampaign = field(init=False)
    world: World = field(init=False)
    now: datetime = field(init=False)
    ticks: int = 0
    accepted: int = 0
    unfinished: str | None = None
    _news_waits: bool = False
    _last_heard: int = 0
    _waiting: list[int] = field(default_factory=list)

    @property
    def seed(self) -> int:
        return self.behaviour.population.seed

    def open(self, shop: Shop, start: datetime) -> None:
        definition = self.playbook.definition
        self.now = start
        self.world = World(self.behaviour, definition)
        self.campaign = launch(
            self.database,
            self.playbook,
            name=f"{definition.playbook}-{self.seed}",
            shop=shop,
            now=start,
            actor="simulation",
            random_bytes=np.random.default_rng([self.seed, 1]).bytes,
        )

    def play(self, horizon: datetime, progress: Callable[[Progress], None]) -> None:
        """Jump from moment to moment until nothing is due any more."""
        providers = dict.fromkeys(Channel, self.provider)
        texts, codes = OpenedTexts(), np.random.default_rng([self.seed, 2])
        start, moment = self.now, self.now
        while moment <= horizon:
            self._place_orders(moment)
            self.now = moment
            report = advance(
                self.database,
                providers,
                now=lambda: self.now,
                life=self.life,
                texts=texts,
                random_bytes=codes.bytes,
            )
            self.ticks += 1
            self.accepted += report.dispatched.accepted
            self._hear()
            progress(Progress(moment, (moment - start) / (horizon - start), self.accepted))
            following = self._next_moment()
            if following is None:
                return
            moment = following
        self.unfinished = self._state_reason() or "something was still due when the time was over"

    def close(self, start: datetime) -> SimulationReport:
        definition, population = self.playbook.definition, self.behaviour.population
        with self.database.write() as connection:
            finish_import(connection, population, self.import_id, self.now)
        with self.database.read() as connection:
            judged = judge(connection, self.campaign, definition, self.behaviour, self.world)
            return sum_up(
                connection,
                self.campaign,
                seed=self.seed,
                customers=len(population),
                began_at=start,
                ended_at=self.now,
                ticks=self.ticks,
                unfinished=self.unfinished,
                orders_caused=self.world.orders_caused,
                judged=judged,
            )

    def _place_orders(self, until: datetime) -> None:
        batches = self.world.orders_until(until)
        if batches:
            population = self.behaviour.population
            with self.database.write() as connection:
                write_orders(connection, population, batches, self.import_id, until)

    def _hear(self) -> None:
        with self.database.read() as connection:
            messages = simulation.messages_since(connection, self._last_heard, self._waiting)
        self._last_heard = max(self._last_heard, *(m.message_id for m in messages), 0)
        self._waiting = [m.message_id for m in messages if m.state in _OPEN]
        news = self.world.hear([message for message in messages if _is_heard(message)])
        self.provider.add_news(news)
        self._news_waits = bool(news)

    def _next_moment(self) -> datetime | None:
        if self._state_reason() is not None:
            return None
        with self.database.read() as connection:
            due = simulation.next_due(connection, self.campaign.id)
        return next_moment(self.now, self.step, due, news=self._news_waits)

    def _state_reason(self) -> str | None:
        with self.database.read() as connection:
            stored = campaigns.get(connection, self.campaign.id)
        return None if stored.state in ("running", "done") else stored.state


def next_moment(now: datetime, step: timedelta, due: Due, *, news: bool) -> datetime | None:
    """
    Return the next moment to look at, at least a step away; None when nothing is to come.

    A planned message is met within the hour whatever the step: looked at once a day, at night, it
    would be put off to every next morning for good.
    """
    candidates = [now + step] if news else []
    if due.other is not None:
        candidates.append(max(now + step, due.other))
    if due.message is not None:
        candidates.append(max(now + min(step, STEP), due.message))
    return min(candidates, default=None)


def _is_heard(message: Heard) -> bool:
    return message.accepted_at is not None or message.state is MessageState.WITHHELD


def _after_the_event(population: Population) -> datetime:
    last = int(population.event.placed.max())
    return datetime.fromtimestamp(last - last % 3600, UTC) + STEP
