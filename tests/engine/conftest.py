"""A short campaign, launched into the test's database."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from launched import Campaign, a_definition
from orchestrator.store.database import Database


@pytest.fixture
def launch(database: Database) -> Callable[..., Campaign]:
    def launch(launched_at: datetime, **more: Any) -> Campaign:
        return Campaign(database, a_definition(**more), launched_at)

    return launch
