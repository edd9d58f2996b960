"""Imports a file in small chunks and says so after each: a program to be killed."""

import sys
import time
from pathlib import Path

from intake_shop import NOON, SHOP
from orchestrator.services.intake import Progress, import_file, merging
from orchestrator.store.database import Database

merging.CHUNK_ROWS = 20


def tell(progress: Progress) -> None:
    print(progress.step, flush=True)  # noqa: T201  # the test reads it
    time.sleep(0.02)


if __name__ == "__main__":
    import_file(Database(sys.argv[1]), Path(sys.argv[2]), now=NOON, shop=SHOP, progress=tell)
