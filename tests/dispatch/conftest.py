"""A desk: one dispatcher with an outbox, whose clock moves by hand."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from builders import DUE, Uptime, a_life, add_campaign, add_messages
from orchestrator.domain.messages import Channel
from orchestrator.domain.providers import Provider
from orchestrator.providers.simulated import SimulatedProvider
from orchestrator.services.dispatch import DispatchReport, Settings, dispatch
from orchestrator.services.lives import Life
from orchestrator.services.reconcile import Patience, ReconcileReport, reconcile
from orchestrator.store.database import Database


@dataclass
class Desk:
    database: Database
    life: Life
    uptime: Uptime
    provider: Provider = field(default_factory=SimulatedProvider)
    now: datetime = DUE

    @property
    def providers(self) -> Mapping[Channel, Provider]:
        return dict.fromkeys(Channel, self.provider)

    def dispatch(self, settings: Settings = Settings(), **more: Any) -> DispatchReport:  # noqa: B008  # frozen
        return dispatch(
            self.database,
            self.providers,
            now=lambda: self.now,
            life=self.life,
            settings=settings,
            **more,
        )

    def reconcile(self, **more: Any) -> ReconcileReport:
        return reconcile(
            self.database, self.providers, now=self.now, life=self.life, patience=Patience(**more)
        )


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Iterator[Desk]:
    uptime = Uptime()
    with a_life(tmp_path / "lives", uptime=uptime) as life:
        yield Desk(database, life, uptime)


@pytest.fixture
def a_message(database: Database) -> Callable[..., int]:
    """A message that is due, in a campaign whose playbook has ``playbook`` more."""

    def make(
        playbook: str = "",
        name: str = "short",
        files: Mapping[str, str] | None = None,
        **more: Any,
    ) -> int:
        with database.write() as connection:
            campaign_id = add_campaign(connection, name, playbook, files)
            return add_messages(connection, campaign_id, **more)[0]

    return make
