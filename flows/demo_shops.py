"""The two shops of the demonstration: a generated one that answers, and a real export that does not."""

import csv
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from orchestrator import wiring
from orchestrator.domain.messages import MessageState
from orchestrator.domain.providers import ProviderEvent
from orchestrator.playbooks import Definition, read_playbook
from orchestrator.services.adapt import adapt_playbook
from orchestrator.services.intake.presets import recognise
from orchestrator.services.intake.reading import open_source
from orchestrator.services.simulate.behaviour import Behaviour, ResponseModel
from orchestrator.services.simulate.export import write_export, write_orders_file
from orchestrator.services.simulate.parameters import (
    NoEventDayError,
    find_event_day,
    parameters_for,
)
from orchestrator.services.simulate.population import make_shop
from orchestrator.services.simulate.truth import Judged, judge
from orchestrator.services.simulate.world import World
from orchestrator.services.track import track
from orchestrator.store import campaigns, simulation, unreachable
from orchestrator.wiring import Installation, Settings

_BLACK_FRIDAY_2010 = (date(2010, 11, 22), date(2010, 11, 28))
ONLINE_RETAIL = "online-retail-ii"
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_NEVER = datetime.max.replace(tzinfo=UTC)
_OPENS = time(10)  #: of the first tick, the morning after the event


def fresh_settings(folder: Path, **values: str) -> Settings:
    """Empty the demo's folder and let every flow of this process work in it."""
    for part in ("home", "export", "playbooks"):
        shutil.rmtree(folder / part, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    values = {"home": str(folder / "home"), "database_url": "", **values}
    values |= {"sms_provider": "outbox", "email_provider": "outbox"}
    os.environ.update({f"ORCHESTRATOR_{name.upper()}": value for name, value in values.items()})
    return Settings()


@dataclass(slots=True)
class GeneratedShop:
    """Customers with a known behaviour, exported as a shop would, asked after every run."""

    folder: Path
    customers: int
    seed: int
    playbook: str = ""
    starts_at: datetime = _NEVER
    note: str = ""
    _definition: Definition = field(init=False)
    _world: World = field(init=False)
    _behaviour: Behaviour = field(init=False)
    _exported_at: datetime = _LONG_AGO
    _heard_to: int = 0
    _open: list[int] = field(default_factory=list)
    _news: list[ProviderEvent] = field(default_factory=list)

    @property
    def campaign(self) -> str:
        return f"{self.playbook}-demo"

    @property
    def imported_at(self) -> str:
        return self.starts_at.isoformat()

    def prepare(self, playbook: str) -> Settings:
        settings = fresh_settings(self.folder)
        self._definition = read_playbook(settings.playbook_folder(playbook)).definition
        self.playbook = self._definition.playbook
        parameters = parameters_for(
            self._definition,
            customers=self.customers,
            preset="gift",
            currency=settings.shop_currency,
        )
        self.starts_at = _morning_after(parameters.event_last, parameters.timezone)
        window = self._definition.evaluate.sends.timedelta / timedelta(days=1)
        self._behaviour = Behaviour(
            make_shop(parameters, self.seed), ResponseModel(window_days=window)
        )
        self._world = World(self._behaviour, self._definition)
        return settings

    def files(self) -> Iterator[tuple[list[str], str]]:
        """Customers, products and all orders up to the launch."""
        population, folder = self._behaviour.population, self.folder / "export"
        customers, products, orders = write_export(population, folder)
        known = [population.past, population.event, *self._world.orders_until(self.starts_at)]
        write_orders_file(population, known, orders)
        yield [str(customers), str(products), str(orders)], "auto"

    def orders_until(self, moment: datetime) -> list[str]:
        """The export of what was ordered since the last one, once a day."""
        if moment < self._exported_at + timedelta(days=1):
            return []
        self._exported_at = moment
        batches = self._world.orders_until(moment)
        if not batches:
            return []
        path = self.folder / "export" / f"orders-{moment:%Y%m%d-%H%M}.csv"
        write_orders_file(self._behaviour.population, batches, path)
        return [str(path)]

    def answer(self, installation: Installation, moment: datetime) -> None:
        """Let customers hear what was accepted for them, and tell what a provider would."""
        with installation.database.read() as connection:
            messages = simulation.messages_since(connection, self._heard_to, self._open)
        self._heard_to = max([self._heard_to, *(one.message_id for one in messages)])
        heard = [m for m in messages if m.accepted_at or m.state is MessageState.WITHHELD]
        self._open = [
            m.message_id
            for m in messages
            if m.state in {MessageState.PLANNED, MessageState.CLAIMED, MessageState.UNKNOWN}
        ]
        self._news += self._world.hear(heard)
        ripe = [event for event in self._news if event.at <= moment]
        self._news = [event for event in self._news if event.at > moment]
        track(installation.database, "outbox", ripe, moment)

    def judge(self, installation: Installation) -> list[Judged]:
        """Put each recorded evaluation beside the truth, which this shop knows."""
        with installation.database.read() as connection:
            campaign = campaigns.find(connection, self.campaign)
            assert campaign is not None  # noqa: S101  # the demo has launched it
            return judge(connection, campaign, self._definition, self._behaviour, self._world)


@dataclass(slots=True)
class RealShop:
    """A real export: its customers do what they did, whatever would have been sent."""

    folder: Path
    orders: Path
    preset: str
    event: tuple[date, date] | None
    playbook: str = ""
    starts_at: datetime = _NEVER
    imported_at: str = ""  #: now: the file tells of years that are over
    note: str = (
        "Nobody was sent anything, and the orders are what these customers really did: "
        "a sound evaluation finds no effect beyond chance."
    )

    @property
    def campaign(self) -> str:
        return f"{self.playbook}-demo"

    def prepare(self, playbook: str) -> Settings:
        if self._is_online_retail():
            return self._prepare_online_retail(playbook)
        settings = fresh_settings(self.folder)
        definition = read_playbook(settings.playbook_folder(playbook)).definition
        event = find_event_day(definition.audience)
        if event is None:
            raise NoEventDayError(f"{playbook} names no event_day, so nothing says when to begin")
        self.playbook = playbook
        self.starts_at = _morning_after(event.last, definition.timezone)
        return settings

    def files(self) -> Iterator[tuple[list[str], str]]:
        """The orders; then, once they are in, addresses for those who have none."""
        yield [str(self.orders)], self.preset
        with wiring.open_installation() as installation, installation.database.read() as connection:
            nameless = unreachable.without_address(connection)
        if nameless:
            yield [str(self._write_addresses(nameless))], "customers"

    def orders_until(self, moment: datetime) -> list[str]:  # noqa: ARG002  # all of them are in
        return []

    def answer(self, installation: Installation, moment: datetime) -> None:
        """Nobody answers."""

    def judge(self, installation: Installation) -> None:
        """What they would have done is not known, but that nothing was caused."""

    def _is_online_retail(self) -> bool:
        if self.preset != "auto":
            return self.preset == ONLINE_RETAIL
        header = open_source(self.orders, None).header
        return recognise(self.orders.name, header, None).mapping == ONLINE_RETAIL

    def _prepare_online_retail(self, playbook: str) -> Settings:
        event = self.event or _BLACK_FRIDAY_2010
        source = Settings().playbook_folder(playbook)
        settings = fresh_settings(
            self.folder,
            playbooks=str(self.folder / "playbooks"),
            shop_name="Gift Shop",
            shop_postal_address="1 Example Street, London",
            shop_currency="GBP",
            shop_country="GB",
            shop_timezone="Europe/London",
            shop_locale="en",
        )
        self.playbook = "black-friday-2010"
        adapt_playbook(
            source,
            settings.playbooks / self.playbook,
            name=self.playbook,
            title="Black Friday week, five times back",
            event=event,
            timezone="Europe/London",
            order_at_least=100,
            coupon="10 GBP",
            coupon_from="100 GBP",
        )
        self.starts_at = _morning_after(event[1], "Europe/London")
        return settings

    def _write_addresses(self, customers: list[str]) -> Path:
        """Made-up addresses at a domain that is reserved for examples: the outbox needs one for each."""
        path = self.folder / "export" / "addresses.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(
                ["customer_id", "name", "phone", "email", "email_marketing", "email_service"]
            )
            writer.writerows(
                [c, "", "", f"customer{c}@example.com", "yes", "yes"] for c in customers
            )
        return path


def _morning_after(day: date, timezone: str) -> datetime:
    return datetime.combine(day + timedelta(days=1), _OPENS, ZoneInfo(timezone)).astimezone(UTC)
