"""Two connections at once, the second held up by the first."""

import threading
from collections.abc import Callable
from typing import Any

from sqlalchemy import text

from orchestrator.store.database import Database


def aside(act: Callable[[], Any]) -> Callable[[], Any]:
    """Begin in a thread; return what waits for its result."""
    results: list[Any] = []

    def run() -> None:
        try:
            results.append(act())
        except BaseException as error:  # noqa: BLE001  # a thread's failure must not be silent
            results.append(error)

    thread = threading.Thread(target=run)
    thread.start()

    def result() -> Any:
        thread.join()
        return results[0]

    return result


def wait_until_somebody_waits(database: Database) -> None:
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    while True:
        with database.read() as connection:
            if connection.execute(waiting).scalar_one():
                return
