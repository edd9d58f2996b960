"""A million real lines go in as they are, twice, in bounded memory."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from orchestrator.store.database import Database

PARQUET = os.environ.get("ORCHESTRATOR_RETAIL_PARQUET", "")
PROGRAM = """
import json, resource, sys
from pathlib import Path
from intake_shop import NOON, SHOP
from orchestrator.services.intake import import_file
from orchestrator.store.database import Database
report = import_file(
    Database(sys.argv[1]), Path(sys.argv[2]), now=NOON, shop=SHOP, rejects_folder=Path(sys.argv[3])
)
counts = {table: [c.inserted, c.updated, c.unchanged] for table, c in report.counts.items()}
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([counts, report.rows_rejected, dict(report.left_out), peak]))
"""


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(
    not PARQUET, reason="set ORCHESTRATOR_RETAIL_PARQUET to the UCI Online Retail II Parquet file"
)
def test_online_retail_goes_in_as_it_is_in_under_500_mb(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    first, again = (_import(database_url, tmp_path) for _ in range(2))

    assert first[:3] == [
        {
            "customers": [5878, 0, 0],
            "products": [4631, 0, 0],
            "orders": [36969, 0, 0],
            "order_lines": [791044, 0, 0],
            "coupons": [0, 0, 0],
        },
        0,
        {
            "stands again in the second sheet": 22523,
            "no customer": 235287,
            "credit note": 18446,
            "price not above 0": 70,
        },
    ]
    assert again[0]["orders"] == [0, 0, 36969]
    assert again[0]["order_lines"] == [0, 0, 791044]
    assert max(first[3], again[3]) < 500_000  # kB


def _import(url: str, folder: Path) -> list[Any]:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(  # our own program
        [sys.executable, "-c", PROGRAM, url, PARQUET, str(folder)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return list(json.loads(done.stdout))
