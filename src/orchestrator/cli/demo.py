"""The demonstration: a whole campaign through the real flows, on a virtual clock."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.failures import INTERRUPTED, UsageProblemError
from orchestrator.cli.session import session_of

_PATIENCE = 10  #: seconds
_PROJECT = Path(__file__).parents[3]
# A private server for the time of the demo, quiet, and with no word to anybody outside.
_PREFECT = {
    "PREFECT_API_URL": "",
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_INTERNAL_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_TO_API_ENABLED": "false",
}


def demo(
    ctx: typer.Context,
    orders: Annotated[
        Path | None, typer.Option(help="A real export instead of a generated shop.")
    ] = None,
    preset: Annotated[str, typer.Option(help="The export's format.")] = "auto",
    playbook: Annotated[str, typer.Option(help="Its name or folder.")] = "womenswear-double11",
    event: Annotated[
        str, typer.Option(help="With --orders: the event days, as 2010-11-22..2010-11-28.")
    ] = "",
    customers: Annotated[int, typer.Option(min=100, help="In the generated shop.")] = 2_000,
    seed: Annotated[int, typer.Option(min=0)] = 11,
    folder: Annotated[Path, typer.Option(help="Made afresh each time.")] = Path(".demo"),
) -> None:
    """Play a campaign through its months with the real Prefect flows, and report what it caused.

    SQLite and the outbox: nobody is written to. Without --orders a shop is generated, exported as CSV
    and imported; its customers answer as the simulation's do. With --orders everything is computed
    from what the customers in the file really bought.

    [dim]Examples:[/] orchestrator demo · orchestrator demo --orders online_retail_II.parquet
    """
    session = session_of(ctx)
    session.kept = f"What was played so far lies in {folder}; the next demo begins afresh."
    if not (_PROJECT / "flows" / "demo.py").exists():
        raise UsageProblemError("the demo needs the project's folder: clone it and run make demo")
    if orders is not None and not orders.is_file():
        raise UsageProblemError(f"{orders}: no such file. Correct the path")
    _assert_days(event)
    arguments = [
        *("--playbook", playbook, "--folder", str(folder.absolute()), "--seed", str(seed)),
        *("--customers", str(customers)),
        *(("--orders", str(orders.absolute()), "--preset", preset) if orders else ()),
        *(("--event", event) if event else ()),
    ]
    (folder / "prefect").mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, **_PREFECT, "PREFECT_HOME": str(folder.absolute() / "prefect")}
    command = [sys.executable, "-m", "flows.demo", *arguments]
    code = _play(command, environment)
    if code:
        raise typer.Exit(INTERRUPTED if code < 0 else code)


def _play(command: list[str], environment: dict[str, str]) -> int:
    with subprocess.Popen(command, cwd=_PROJECT, env=environment) as demo:  # noqa: S603  # our own program
        try:
            return demo.wait()
        except KeyboardInterrupt:
            _end(demo)
            raise


def _end(demo: subprocess.Popen[bytes]) -> None:
    """Let it end by itself, with the server that it has started; a terminal has told it already."""
    for signalled in (None, signal.SIGINT):
        if signalled is not None:
            demo.send_signal(signalled)
        with suppress(subprocess.TimeoutExpired):
            demo.wait(timeout=_PATIENCE)
            return
    demo.kill()


def _assert_days(event: str) -> None:
    """What cannot be read is told before anything is made."""
    first, _, last = event.partition("..")
    try:
        good = not event or date.fromisoformat(first) <= date.fromisoformat(last or first)
    except ValueError:
        good = False
    if not good:
        raise UsageProblemError(f"--event {event}: no days. Write them as 2010-11-22..2010-11-28")


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel="Run")(demo)
