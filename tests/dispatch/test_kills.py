"""Dispatchers killed at random moments: nothing twice, nothing lost, nothing left open."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "bench" / "kills.py"


@pytest.mark.slow
def test_killed_dispatchers_send_nothing_twice_and_lose_nothing(database_url: str) -> None:
    where = [] if database_url.startswith("sqlite") else ["--database", database_url]

    done = subprocess.run(
        [sys.executable, str(BENCH), "--kills", "10", *where],
        capture_output=True,
        check=True,
        text=True,
    )

    figures = json.loads(done.stdout)
    counted = {name: figures[name] for name in ("kills", "sent_twice", "lost", "open")}
    assert counted == {"kills": 10, "sent_twice": 0, "lost": 0, "open": 0}
    assert figures["ledger_adds_up"]
    assert figures["spent_adds_up"]
