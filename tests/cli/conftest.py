"""A shop of its own for each test: a home, an own environment, the command line as people call it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from orchestrator.cli import app

PROJECT = Path(__file__).parents[2]
Run = Callable[..., Result]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    monkeypatch.setenv("ORCHESTRATOR_HOME", str(folder))
    monkeypatch.setenv("ORCHESTRATOR_PLAYBOOKS", str(PROJECT / "templates"))
    monkeypatch.delenv("ORCHESTRATOR_DATABASE_URL", raising=False)
    return folder


@pytest.fixture
def run(home: Path) -> Run:
    runner = CliRunner()
    return lambda *arguments: runner.invoke(app, [str(each) for each in arguments])


@pytest.fixture
def shop(run: Run, home: Path, sqlite_template: Path) -> Run:
    """The command line of a shop whose database is made."""
    home.mkdir()
    shutil.copy(sqlite_template, home / "orchestrator.db")
    return run
