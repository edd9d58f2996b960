"""The one place that joins the parts: settings from the environment, the database, the providers."""

import re
import secrets
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from orchestrator.domain.messages import Channel
from orchestrator.domain.providers import Provider
from orchestrator.domain.shop import Shop
from orchestrator.playbooks import Playbook
from orchestrator.playbooks.model import Locale, Zone
from orchestrator.playbooks.reading import MAIN_FILE
from orchestrator.providers import load_provider
from orchestrator.providers.simulated import SimulatedProvider
from orchestrator.services import lives
from orchestrator.services.advance import AdvanceReport, Clock, advance
from orchestrator.services.dispatch import OpenedTexts, stop_on_signals
from orchestrator.services.launch import launch
from orchestrator.services.lives import Life, Machine
from orchestrator.services.simulate.play import Progress, simulate
from orchestrator.services.simulate.report import SimulationReport
from orchestrator.store import schema
from orchestrator.store.campaigns import StoredCampaign
from orchestrator.store.database import Database, is_known

# Versions never change, and compiling one takes longer than a tick that finds nothing to do.
_TEXTS = OpenedTexts()

random_bytes: Callable[[int], bytes] = secrets.token_bytes
_OF_THE_SHOP = ("shop_name", "shop_url", "shop_postal_address", "shop_unsubscribe_url")
_REACHES_NOBODY = frozenset({"outbox", "simulated"})  #: providers
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class UnknownPlaybookError(LookupError):
    """Neither a folder of that path nor a playbook of that name exists."""


class DemonstrationShopError(ValueError):
    """Customers would read of the demonstration's shop, and could not leave it."""


class UnreadableMomentError(ValueError):
    """A moment is not written in ISO 8601."""


def _absolute(path: Path) -> Path:
    # Flows and their workers may run in another folder than the one the settings were meant for.
    return path.expanduser().absolute()


def _known_kind(url: str) -> str:
    # The message must not repeat what is given: it may hold a password.
    if url and not is_known(url):
        raise ValueError("is neither sqlite:///FILE nor postgresql://USER:PASSWORD@HOST/NAME")
    return url


Folder = Annotated[Path, AfterValidator(_absolute)]


class Settings(BaseSettings):
    """Everything that differs between installations; each field is ``ORCHESTRATOR_<NAME>``."""

    model_config = SettingsConfigDict(env_prefix="ORCHESTRATOR_", frozen=True)

    home: Folder = Field(
        default=Path(".orchestrator"),
        validate_default=True,
        description="Where this shop's files lie",
    )
    database_url: Annotated[str, AfterValidator(_known_kind)] = Field(
        default="", description="sqlite:///FILE or postgresql://…; SQLite in the home where empty"
    )
    playbooks: Folder = Field(
        default=Path("templates"), validate_default=True, description="Where playbooks lie"
    )
    sms_provider: str = "outbox"
    email_provider: str = "outbox"
    provider_options: dict[str, dict[str, Any]] = Field(
        default={}, description="By provider, as JSON: what its constructor takes"
    )

    shop_name: str = "Willow Lane"
    shop_url: str = "https://shop.example/"
    shop_postal_address: str = "12 Garden Road, Hangzhou 310000, China"
    shop_unsubscribe_url: str = "https://shop.example/unsubscribe"
    shop_currency: str = Field(default="CNY", pattern="^[A-Z]{3}$")
    shop_country: str = Field(default="CN", pattern="^[A-Z]{2}$")
    shop_timezone: Zone = "Asia/Shanghai"
    shop_locale: Locale = "zh-CN"
    shop_sms_price: int = Field(
        default=5000, ge=0, description="Per part, in thousandths of a minor unit: 5000 is 5 fen"
    )
    shop_email_price: int = Field(
        default=500, ge=0, description="Per message, in thousandths of a minor unit"
    )
    shop_margin: float = Field(default=0.35, ge=0, le=1, description="Gross profit's share, 0–1")

    @property
    def url(self) -> str:
        return self.database_url or f"sqlite:///{self.home / 'orchestrator.db'}"

    @property
    def outbox_folder(self) -> Path:
        return self.home / "outbox"

    @property
    def rejects_folder(self) -> Path:
        return self.home / "rejects"

    @property
    def reports_folder(self) -> Path:
        return self.home / "reports"

    @property
    def life_folder(self) -> Path:
        """Lock files that show which dispatchers of this machine are alive."""
        return self.home / "lives"

    @property
    def made_up(self) -> list[str]:
        """The variables that customers would be told the demonstration's values of."""
        if {self.sms_provider, self.email_provider} <= _REACHES_NOBODY:
            return []
        fields = type(self).model_fields
        return [
            f"ORCHESTRATOR_{name.upper()}"
            for name in _OF_THE_SHOP
            if getattr(self, name) == fields[name].default
        ]

    def assert_own_shop(self) -> None:
        if self.made_up:
            raise DemonstrationShopError(
                f"customers would read what is the demonstration's. Set {', '.join(self.made_up)} "
                "to the shop's own, or the provider to outbox"
            )

    def shop(self) -> Shop:
        return Shop(
            name=self.shop_name,
            url=self.shop_url,
            postal_address=self.shop_postal_address,
            unsubscribe_url=self.shop_unsubscribe_url,
            currency=self.shop_currency,
            country=self.shop_country,
            timezone=self.shop_timezone,
            locale=self.shop_locale,
            sms_price=self.shop_sms_price,
            email_price=self.shop_email_price,
            margin=self.shop_margin,
        )

    def playbook_folder(self, name: str) -> Path:
        """Return the folder of a playbook given by its path or by its name."""
        for folder in (Path(name), self.playbooks / name):
            if folder.is_dir():
                return folder
        known = ", ".join(folder.name for folder in self.playbook_folders()) or "none"
        raise UnknownPlaybookError(
            f"there is no playbook {name!r}. In {self.playbooks} there are: {known}"
        )

    def playbook_folders(self) -> list[Path]:
        return sorted(file.parent for file in self.playbooks.glob(f"*/{MAIN_FILE}"))


@dataclass(frozen=True)
class Installation:
    """One shop: its database, providers and compiled playbooks, for as long as a process lives."""

    settings: Settings
    database: Database
    texts: OpenedTexts = _TEXTS

    @cached_property
    def providers(self) -> Mapping[Channel, Provider]:
        return load_providers(self.settings)

    @contextmanager
    def life(self) -> Iterator[Life]:
        """Be alive as a dispatcher while the block runs."""
        with lives.begin_life(self.settings.life_folder, this_machine()) as life:
            yield life

    def launch(self, playbook: Playbook, *, name: str, now: datetime, actor: str) -> StoredCampaign:
        """Launch for this shop; DemonstrationShopError where customers would be told of another."""
        self.settings.assert_own_shop()
        return launch(
            self.database,
            playbook,
            name=name,
            shop=self.settings.shop(),
            now=now,
            actor=actor,
            random_bytes=random_bytes,
        )

    def advance(self, clock: Clock, progress: Callable[[int], None] | None = None) -> AdvanceReport:
        """
        Do all that is due.

        Ctrl-C and SIGTERM end it behind the provider's call in hand, with KeyboardInterrupt.
        """
        with self.life() as life, stop_on_signals() as stopping:
            report = advance(
                self.database,
                self.providers,
                now=clock,
                life=life,
                texts=self.texts,
                random_bytes=random_bytes,
                progress=progress,
                stopping=stopping,
            )
            if stopping():
                raise KeyboardInterrupt
        return report

    def close(self) -> None:
        # Asked for in the dict: closing must not be what loads them.
        for provider in set(self.__dict__.get("providers", {}).values()):
            provider.close()
        self.database.close()


def load_providers(settings: Settings) -> dict[Channel, Provider]:
    """Return the provider of each channel; one that serves both is made once."""
    names = {Channel.SMS: settings.sms_provider, Channel.EMAIL: settings.email_provider}
    options: dict[str, dict[str, Any]] = {"outbox": {"folder": settings.outbox_folder}}
    options |= settings.provider_options
    made = {
        name: load_provider(name, options.get(name, {})) for name in sorted(set(names.values()))
    }
    return {channel: made[name] for channel, name in names.items()}


@contextmanager
def open_installation(settings: Settings | None = None) -> Iterator[Installation]:
    """Open a database of this version; SchemaOutdatedError where ``init`` has to run first."""
    settings = settings or Settings()
    installation = Installation(settings, Database(settings.url))
    try:
        schema.assert_current(installation.database)
        yield installation
    finally:
        installation.close()


def initialise(settings: Settings) -> Database:
    """Make the folders and the database of an installation, or bring them to this version."""
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    database = Database(settings.url)
    schema.upgrade(database, now())
    return database


def simulate_playbook(
    settings: Settings,
    playbook: Playbook,
    *,
    customers: int,
    seed: int,
    effect: float,
    folder: Path | None = None,
    progress: Callable[[Progress], None] = lambda _: None,
) -> SimulationReport:
    """Play the playbook in a generated shop; its database, made afresh, lies in the folder."""
    folder = folder or settings.home / "simulations"
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob(f"simulation-{seed}.db*"):
        left.unlink()
    return simulate(
        playbook,
        provider=SimulatedProvider(seed),
        customers=customers,
        seed=seed,
        folder=folder,
        effect=effect,
        progress=progress,
    )


def this_machine() -> Machine:
    """The host and its boot; where the system names no boot, each process counts as one of its own."""
    host = socket.gethostname()
    if not _BOOT_ID.exists():
        return Machine(host, secrets.token_hex(8), time.monotonic, now)
    boot_clock = partial(time.clock_gettime, time.CLOCK_BOOTTIME)
    return Machine(host, _BOOT_ID.read_text().strip(), boot_clock, now)


def now() -> datetime:
    """The clock: entry points read it here, nothing below them does."""
    return datetime.now(UTC)


def clock(at: str) -> Clock:
    """Return the clock, or one that stands at the moment asked for."""
    if not at:
        return now
    standing = moment(at)
    return lambda: standing


def moment(at: str) -> datetime:
    """Return the moment asked for in ISO 8601 (UTC without an offset), or now where it is empty."""
    if not at:
        return now()
    try:
        given = datetime.fromisoformat(at)
    except ValueError as error:
        raise UnreadableMomentError(
            f"{at!r} is not a moment. Write it as 2026-11-12T10:00+08:00"
        ) from error
    return given.replace(tzinfo=UTC) if given.tzinfo is None else given.astimezone(UTC)


def artifact_key(name: str) -> str:
    """Return the name as Prefect wants keys: lowercase letters, digits and dashes."""
    return re.sub("[^a-z0-9]+", "-", name.lower()).strip("-") or "campaign"
