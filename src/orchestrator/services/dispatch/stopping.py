"""Ctrl-C and SIGTERM end a dispatch after the call in hand, not in the middle of it."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def stop_on_signals() -> Iterator[Callable[[], bool]]:
    """Yield a question that is answered with yes from the first signal on; the second one ends at once."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        # Only the main thread may listen; whoever runs us elsewhere ends us its own way.
        yield asked.is_set
        return

    def note(number: int, _frame: FrameType | None) -> None:
        asked.set()
        signal.signal(number, before[signal.Signals(number)])

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
