"""Files of a shop, written and imported."""

from pathlib import Path
from typing import Any

import pytest

from intake_shop import NOON, SHOP, Importing
from orchestrator.services.intake import ImportReport, import_file
from orchestrator.store.database import Database


@pytest.fixture
def import_text(database: Database, tmp_path: Path) -> Importing:
    """Write the text (or bytes) as a file and import it."""

    def run(content: str | bytes, *, name: str = "orders.csv", **given: Any) -> ImportReport:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return import_file(database, path, now=NOON, shop=SHOP, **given)

    return run
