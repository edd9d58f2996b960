"""What goes wrong is one clear line and an exit code, never a traceback."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

Run = Callable[..., Result]
ORCHESTRATOR = str(Path(sys.executable).parent / "orchestrator")


def environment(home: Path, **more: str) -> dict[str, str]:
    return {**os.environ, "ORCHESTRATOR_HOME": str(home), **more}


def call(home: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ORCHESTRATOR, *arguments],
        env=environment(home, **more),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_without_a_database_the_remedy_is_init(run: Run) -> None:
    result = run("campaigns")
    assert result.exit_code == 4
    assert result.stderr.strip().endswith("has no tables yet. Run: orchestrator init")


def test_a_database_that_is_away_is_named_without_its_password(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORCHESTRATOR_DATABASE_URL", "postgresql://shop:secret@127.0.0.1:1/shop")
    result = run("campaigns")
    assert result.exit_code == 4
    assert "cannot reach postgresql" in result.stderr
    assert "secret" not in result.stderr


def test_a_file_that_is_no_database_is_refused(run: Run, home: Path) -> None:
    home.mkdir()
    (home / "orchestrator.db").write_text("these are not the tables you are looking for" * 100)
    result = run("campaigns")
    assert result.exit_code == 4
    assert "file is not a database" in result.stderr


def test_a_wrong_setting_names_its_variable(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORCHESTRATOR_SHOP_CURRENCY", "yuan")
    result = run("campaigns")
    assert result.exit_code == 2
    assert "ORCHESTRATOR_SHOP_CURRENCY" in result.stderr


@pytest.mark.parametrize(
    "url", ["mysql://shop:secret@host/shop", "nonsense", "postgresql+asyncpg://x"]
)
def test_a_database_of_another_kind_is_a_wrong_setting(
    run: Run, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("ORCHESTRATOR_DATABASE_URL", url)
    result = run("campaigns")
    assert result.exit_code == 2
    assert "ORCHESTRATOR_DATABASE_URL: is neither sqlite:///FILE nor postgresql:" in result.stderr
    assert "secret" not in result.stderr


def test_a_rehearsal_without_room_for_its_copy_names_the_folder(
    shop: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A link that leads nowhere: what a full disk answers, without filling one.
    monkeypatch.setattr("orchestrator.store.database.TemporaryDirectory", _NoRoom)
    result = shop("plan", "womenswear-double11")
    assert result.exit_code == 4
    assert result.stderr.strip().endswith("Make room in the temporary folder (TMPDIR)")


class _NoRoom:
    def __init__(self, prefix: str) -> None:
        pass

    def __enter__(self) -> str:
        return "/proc/none"

    def __exit__(self, *_: object) -> None:
        pass


def test_an_unknown_provider_is_told_with_those_there_are(
    shop: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORCHESTRATOR_SMS_PROVIDER", "pigeon")
    result = shop("advance")
    assert result.exit_code == 2
    assert "no provider 'pigeon'; there are outbox, simulated" in result.stderr


def test_a_moment_that_cannot_be_read_shows_how_to_write_one(shop: Run) -> None:
    result = shop("advance", "--at", "tomorrow")
    assert result.exit_code == 2
    assert "2026-11-12T10:00+08:00" in result.stderr


def test_a_broken_playbook_is_not_launched(shop: Run, tmp_path: Path) -> None:
    (tmp_path / "playbook.yaml").write_text("playbook: broken\n")
    result = shop("launch", tmp_path)
    assert result.exit_code == 3
    assert "playbook.yaml:1:" in result.stderr


@pytest.mark.parametrize("name", ["x" * 81, "two\nlines", "\x1b[31m"])
def test_a_campaign_is_named_so_that_it_can_be_shown(shop: Run, name: str) -> None:
    result = shop("launch", "womenswear-double11", "--name", name)
    assert result.exit_code == 2
    assert "at most 80 characters that can be shown" in result.stderr


def test_texts_in_a_language_that_there_is_not_are_not_another_languages(run: Run) -> None:
    result = run("preview", "mother-baby", "care", "--locale", "fr")
    assert result.exit_code == 2
    assert "mother-baby has no texts in fr. It has: zh-CN, en" in result.stderr


@pytest.mark.parametrize("event", ["x", "2010-11-28..2010-11-22", "..2010-11-22"])
def test_event_days_that_are_none_are_one_line(run: Run, tmp_path: Path, event: str) -> None:
    result = run("demo", "--event", event, "--folder", tmp_path / "demo")
    assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1)
    assert "2010-11-22..2010-11-28" in result.stderr
    assert not (tmp_path / "demo").exists()


def test_an_unknown_command_is_a_matter_of_usage(home: Path) -> None:
    assert call(home, "advanec").returncode == 2


def test_a_failure_shows_its_traceback_only_when_asked(home: Path) -> None:
    plain, debug = call(home, "campaigns"), call(home, "--debug", "campaigns")
    assert (plain.returncode, len(plain.stderr.strip().splitlines())) == (4, 1)
    assert "Traceback" in debug.stderr


def test_says_nothing_where_nobody_reads_any_more(home: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with subprocess.Popen(
        [ORCHESTRATOR, "schema"],
        env=environment(home),
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        os.close(writer)
        _, said = process.communicate(timeout=120)
    assert (process.returncode, said) == (141, "")


def test_ctrl_c_says_what_is_kept(home: Path) -> None:
    command = [ORCHESTRATOR, "simulate", "womenswear-double11", "--customers", "200000"]
    with subprocess.Popen(
        command, env=environment(home), stderr=subprocess.PIPE, text=True
    ) as process:
        wait_for_file(home / "simulations", "*.db", process)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "Interrupted. The simulation's database is left as it is" in said


def test_ctrl_c_ends_the_demo_with_all_that_it_started(home: Path, tmp_path: Path) -> None:
    command = [ORCHESTRATOR, "demo", "--customers", "100", "--folder", str(tmp_path / "demo")]
    # Told to the command alone, as a service manager does: a terminal tells every process.
    with subprocess.Popen(
        command, env=environment(home), stderr=subprocess.PIPE, text=True
    ) as process:
        wait_for_file(tmp_path / "demo" / "prefect", "prefect.db", process)
        process.send_signal(signal.SIGINT)
        # Standard error ends when the last that holds it has ended.
        _, said = process.communicate(timeout=200)
    assert process.returncode == 130
    assert "the next demo begins afresh" in said


def wait_for_file(folder: Path, pattern: str, process: subprocess.Popen[str]) -> None:
    while process.poll() is None and not list(folder.glob(pattern)):
        time.sleep(0.05)


OWN_SHOP = {
    "NAME": "Linen & Co",
    "URL": "https://linen.test/",
    "POSTAL_ADDRESS": "1 Mill Lane, Leeds",
    "UNSUBSCRIBE_URL": "https://linen.test/stop",
}


@pytest.mark.parametrize("left", OWN_SHOP)
def test_nobody_real_is_written_to_in_the_demonstrations_name(
    shop: Run, monkeypatch: pytest.MonkeyPatch, left: str
) -> None:
    monkeypatch.setenv("ORCHESTRATOR_EMAIL_PROVIDER", "sendgrid")
    for name, value in OWN_SHOP.items():
        if name != left:
            monkeypatch.setenv(f"ORCHESTRATOR_SHOP_{name}", value)

    planned = shop("plan", "womenswear-double11")
    refused = shop("launch", "womenswear-double11")

    assert planned.exit_code == 0
    assert f"launch will refuse: customers would read what is the demonstration's. Set ORCHESTRATOR_SHOP_{left}\n" in planned.stderr  # fmt: skip
    assert refused.exit_code == 2
    assert f"Set ORCHESTRATOR_SHOP_{left} to the shop's own" in refused.stderr
    assert json.loads(shop("campaigns", "--json").stdout) == []

    monkeypatch.setenv(f"ORCHESTRATOR_SHOP_{left}", OWN_SHOP[left])
    assert "launch will refuse" not in shop("plan", "womenswear-double11").stderr
    assert shop("launch", "womenswear-double11").exit_code == 0


def test_the_demonstrations_shop_may_write_to_nobody(
    shop: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORCHESTRATOR_SMS_PROVIDER", "simulated")

    assert shop("plan", "womenswear-double11").stderr == ""
    assert shop("launch", "womenswear-double11").exit_code == 0


def test_amounts_in_another_currency_are_told_with_file_and_line(
    shop: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORCHESTRATOR_SHOP_CURRENCY", "EUR")

    for command in ("plan", "launch"):
        result = shop(command, "womenswear-double11")
        assert result.exit_code == 3
        assert "playbook.yaml:31: amount is 20.00 CNY, and the shop's currency is EUR" in result.stderr  # fmt: skip
