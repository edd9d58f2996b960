"""The outbox: a folder that people can read and dispatchers can trust."""

import json
import os
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestrator.domain.messages import Channel
from orchestrator.domain.providers import Handover, Outcome, Outgoing
from orchestrator.providers import UnknownProviderError, load_provider, provider_names
from orchestrator.providers.outbox import OutboxProvider

NOON = datetime(2025, 11, 12, 12, 0, tzinfo=UTC)


def outgoing(message_id: int = 1, channel: Channel = Channel.SMS, **more: Any) -> Outgoing:
    return Outgoing(
        **{
            "message_id": message_id,
            "token": 1,
            "channel": channel,
            "address": "+8613900000001",
            "text": "你好",
            "campaign": "short",
            "wave": "promo",
            **more,
        }
    )


@pytest.fixture
def outbox(tmp_path: Path) -> OutboxProvider:
    return OutboxProvider(tmp_path / "outbox")


def test_a_line_says_what_would_have_gone_out(outbox: OutboxProvider) -> None:
    answers = outbox.send([outgoing(7)], NOON)

    file = outbox.folder / "2025-11-12" / "sms.jsonl"
    assert answers == [Handover(message_id=7, outcome=Outcome.ACCEPTED, provider_id="outbox-7")]
    assert "你好" in file.read_text(encoding="utf-8")
    assert json.loads(file.read_text(encoding="utf-8")) == {
        "message_id": 7,
        "token": 1,
        "at": "2025-11-12T12:00:00+00:00",
        "channel": "sms",
        "campaign": "short",
        "wave": "promo",
        "to": "+8613900000001",
        "text": "你好",
    }


def test_nobody_else_may_read_it(outbox: OutboxProvider) -> None:
    outbox.send([outgoing()], NOON)

    file = outbox.folder / "2025-11-12" / "sms.jsonl"
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_it_knows_what_it_has_and_what_it_has_not(outbox: OutboxProvider) -> None:
    outbox.send([outgoing(1), outgoing(2, Channel.EMAIL)], NOON)
    outbox.send([outgoing(3)], NOON + timedelta(days=1))

    assert outbox.find([1, 2, 3, 4], NOON) == {
        1: "outbox-1",
        2: "outbox-2",
        3: "outbox-3",
        4: None,
    }


def test_a_line_that_its_writer_never_finished_is_not_there(outbox: OutboxProvider) -> None:
    outbox.send([outgoing(1), outgoing(2)], NOON)
    file = outbox.folder / "2025-11-12" / "sms.jsonl"
    os.truncate(file, file.stat().st_size - 5)

    assert outbox.find([1, 2], NOON) == {1: "outbox-1", 2: None}
    outbox.send([outgoing(3)], NOON)
    written = [json.loads(line)["message_id"] for line in file.read_text().splitlines()]
    assert written == [1, 3]


def test_writers_side_by_side_do_not_mix_their_lines(outbox: OutboxProvider) -> None:
    def write(first: int) -> None:
        for number in range(20):
            outbox.send([outgoing(first + number, text="x" * 5_000)], NOON)

    threads = [threading.Thread(target=write, args=(first,)) for first in (0, 100, 200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    lines = (outbox.folder / "2025-11-12" / "sms.jsonl").read_text().splitlines()
    assert len({json.loads(line)["message_id"] for line in lines}) == len(lines) == 60


def test_a_full_disk_takes_nothing_and_says_so(tmp_path: Path) -> None:
    class Full(OutboxProvider):
        def _sync(self, handle: int) -> None:  # noqa: ARG002  # as the provider calls it
            raise OSError(28, "No space left on device")

    full = Full(tmp_path)
    answers = full.send([outgoing(1)], NOON)

    assert [(one.outcome, one.code) for one in answers] == [
        (Outcome.RETRY, "No space left on device")
    ]
    assert full.find([1], NOON) == {1: None}


def test_providers_are_found_by_name(tmp_path: Path) -> None:
    assert {"outbox", "simulated"} <= set(provider_names())
    assert load_provider("outbox", {"folder": tmp_path}).name == "outbox"
    with pytest.raises(UnknownProviderError, match=r"no provider 'fax'; there are .*outbox"):
        load_provider("fax", {})
