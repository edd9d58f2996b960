"""A folder that shows what would have gone out: ``<day>/<channel>.jsonl``, one line a message."""

import fcntl
import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from orchestrator.domain.messages import Channel
from orchestrator.domain.providers import (
    Capabilities,
    Handover,
    Outcome,
    Outgoing,
    ProviderEvent,
)

_ID = re.compile(rb'^\{"message_id": (\d+), ')


class OutboxProvider:
    """
    Accepts everything, reaches nobody.

    A line is written in full or not at all: under a lock, with what a dead writer left unfinished
    cut off first, and on the disk before the answer. ``find`` is therefore exact.
    """

    name = "outbox"
    capabilities = Capabilities(
        channels=frozenset(Channel), batch_size=100, can_be_asked=True, intents=100
    )

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    def send(self, batch: Sequence[Outgoing], now: datetime) -> Sequence[Handover]:
        """Append the batch; where the disk takes none of it, it is to be tried again."""
        answers: list[Handover] = []
        for channel in sorted({one.channel for one in batch}):
            mine = [one for one in batch if one.channel is channel]
            lines = b"".join(_line(one, now) for one in mine)
            outcome, code = self._append(self._file(channel, now), lines)
            answers += [_handover(one.message_id, outcome, code) for one in mine]
        return answers

    def find(self, message_ids: Sequence[int], since: datetime) -> dict[int, str | None]:
        """Look into the files of ``since``'s day and later; the answer is certain for every id."""
        asked = set(message_ids)
        there: set[int] = set()
        for file in sorted(self.folder.glob("*/*.jsonl")):
            if file.parent.name >= f"{since:%Y-%m-%d}":
                there |= asked.intersection(_ids(file))
        return {one: _provider_id(one) if one in there else None for one in message_ids}

    def news(self, now: datetime) -> Sequence[ProviderEvent]:  # noqa: ARG002  # nobody answers from a folder
        return ()

    def close(self) -> None:
        """Nothing is held open."""

    def _file(self, channel: Channel, now: datetime) -> Path:
        day = self.folder / f"{now:%Y-%m-%d}"
        day.mkdir(parents=True, exist_ok=True, mode=0o700)
        return day / f"{channel.value}.jsonl"

    def _append(self, file: Path, lines: bytes) -> tuple[Outcome, str | None]:
        with _locked(file, os.O_RDWR | os.O_CREAT, fcntl.LOCK_EX) as handle:
            end = _end_of_lines(handle)
            os.ftruncate(handle, end)
            try:
                _write(handle, lines, end)
                self._sync(handle)
            except OSError as error:
                os.ftruncate(handle, end)
                return Outcome.RETRY, os.strerror(error.errno or 0)[:32]
        return Outcome.ACCEPTED, None

    def _sync(self, handle: int) -> None:
        os.fsync(handle)


def _handover(message_id: int, outcome: Outcome, code: str | None) -> Handover:
    provider_id = _provider_id(message_id) if outcome is Outcome.ACCEPTED else None
    return Handover(message_id=message_id, outcome=outcome, provider_id=provider_id, code=code)


def _provider_id(message_id: int) -> str:
    return f"outbox-{message_id}"


def _line(one: Outgoing, now: datetime) -> bytes:
    shown: dict[str, Any] = {
        "message_id": one.message_id,  # first, so that ``find`` reads no further
        "token": one.token,
        "at": now.isoformat(),
        "channel": one.channel.value,
        "campaign": one.campaign,
        "wave": one.wave,
        "to": one.address,
        "subject": one.subject,
        "text": one.text,
        "html": one.html,
        "expires_at": one.expires_at and one.expires_at.isoformat(),
    }
    said = {key: value for key, value in shown.items() if value is not None}
    return json.dumps(said, ensure_ascii=False).encode() + b"\n"


def _ids(file: Path) -> Iterator[int]:
    with (
        _locked(file, os.O_RDONLY, fcntl.LOCK_SH) as handle,
        os.fdopen(os.dup(handle), "rb") as rows,
    ):
        for row in rows:
            if row.endswith(b"\n") and (match := _ID.match(row)):
                yield int(match[1])


@contextmanager
def _locked(file: Path, flags: int, lock: int) -> Iterator[int]:
    handle = os.open(file, flags, 0o600)
    try:
        fcntl.flock(handle, lock)
        yield handle
    finally:
        os.close(handle)


def _end_of_lines(handle: int) -> int:
    """Where the last whole line ends."""
    size = os.fstat(handle).st_size
    position, step = size, 65_536
    while position > 0:
        start = max(0, position - step)
        newline = os.pread(handle, position - start, start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        position = start
    return 0


def _write(handle: int, lines: bytes, at: int) -> None:
    rest = memoryview(lines)
    while rest:
        written = os.pwrite(handle, rest, at)
        rest, at = rest[written:], at + written
