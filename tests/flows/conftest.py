"""One test server for all flow tests, started only when one of them runs."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.settings import (
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
    PREFECT_LOGGING_TO_API_ENABLED,
    PREFECT_SERVER_DATABASE_CONNECTION_URL,
    temporary_settings,
)
from prefect.testing.utilities import prefect_test_harness

from orchestrator import wiring

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def server() -> Iterator[Path]:
    """A Prefect server for all flow tests; the path of its database."""
    with (
        prefect_test_harness(server_startup_timeout=180),
        temporary_settings(
            {PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None, PREFECT_LOGGING_TO_API_ENABLED: False}
        ),
    ):
        url = str(PREFECT_SERVER_DATABASE_CONNECTION_URL.value())
        yield Path(url.partition("///")[2])


@pytest.fixture
def shop(server: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> wiring.Settings:
    """The settings of a shop with an empty database, as every flow of the test finds them."""
    monkeypatch.setenv("ORCHESTRATOR_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ORCHESTRATOR_PLAYBOOKS", str(PROJECT / "templates"))
    monkeypatch.delenv("ORCHESTRATOR_DATABASE_URL", raising=False)
    settings = wiring.Settings()
    wiring.initialise(settings).close()
    return settings
