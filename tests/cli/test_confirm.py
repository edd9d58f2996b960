"""A database that looks restored: nothing is sent until a person says that it is the right one."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from typer.testing import Result

Run = Callable[..., Result]


def test_a_restored_database_sends_nothing_until_it_is_confirmed(shop: Run, home: Path) -> None:
    backup = home / "backup.db"
    shutil.copy(home / "orchestrator.db", backup)
    assert shop("advance").exit_code == 0
    for file in home.glob("orchestrator.db*"):
        file.unlink()
    backup.rename(home / "orchestrator.db")

    refused = shop("advance", "--json")
    doubted = shop("doctor", "--json")
    confirmed = shop("confirm", "--json")

    assert refused.exit_code == 4
    assert "run on this host: orchestrator confirm" in json.loads(refused.stdout)["quarantined"]
    assert [one["kind"] for one in json.loads(doubted.stdout)] == ["dispatch_quarantined"]
    assert json.loads(confirmed.stdout) == {"confirmed": "restored"}
    assert shop("advance").exit_code == 0


def test_where_nothing_is_wrong_there_is_nothing_to_confirm(shop: Run) -> None:
    result = shop("confirm")

    assert result.exit_code == 0
    assert "nothing to confirm" in result.stderr
