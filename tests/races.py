"""Several at once, each in a thread with a connection of its own."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from builders import DUE, a_life
from orchestrator.domain.messages import Channel
from orchestrator.services.dispatch import Settings, dispatch
from orchestrator.store.database import Database

FEW = Settings(batch=10, canary_from=10**9)


def at_once(*acts: Callable[[], Any]) -> None:
    """Run each in a thread of its own, all of them to their end."""
    failures: list[BaseException] = []

    def guarded(act: Callable[[], Any]) -> None:
        try:
            act()
        except BaseException as error:  # noqa: BLE001  # a thread's failure must not be silent
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def sender(url: str, folder: Path, name: str, provider: Any) -> Callable[[], None]:
    def run() -> None:
        database = Database(url)
        with a_life(folder, name) as life:
            for _ in range(3):
                dispatch(
                    database,
                    dict.fromkeys(Channel, provider),
                    now=lambda: DUE,
                    life=life,
                    settings=FEW,
                )
        database.close()

    return run
