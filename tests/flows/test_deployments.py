"""prefect.yaml as people use it: a server, its deployments, a worker, and runs through the API."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from orchestrator import wiring

pytestmark = [
    pytest.mark.prefect, pytest.mark.slow, pytest.mark.enable_socket, pytest.mark.timeout(900),
]  # fmt: skip
PROJECT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
PATIENCE = 400  #: seconds for each step, on a machine that does ten other things
CUSTOMERS = """customer_id,name,phone,email,sms_marketing
C1,Zhao Qian,+8619900000001,zhao.qian@example.com,yes
C2,Sun Li,+8619900000002,,no phone
"""
PERSONAL = ("Zhao", "Sun Li", "19900000", "zhao.qian")
ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


class Api:
    """What the UI asks the server for."""

    def __init__(self, url: str) -> None:
        self.url = url

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self.url}/{path}", timeout=30) as answer:  # noqa: S310  # loopback
            return json.load(answer)

    def post(self, path: str, body: Any) -> Any:
        """Ask again where the server is too busy to answer, as its own client does."""
        request = urllib.request.Request(  # noqa: S310  # loopback
            f"{self.url}/{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        return until(lambda: self._answer(request))

    def _answer(self, request: urllib.request.Request) -> Any:
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310  # loopback
                return [json.load(answer)]
        except urllib.error.HTTPError as error:
            if error.code == 503:
                return None
            return [{"refused": error.code, "detail": error.read().decode()}]

    def run(self, deployment: str, form: dict[str, Any]) -> dict[str, Any]:
        """Start a run with the form filled in; return it at its end."""
        made = self.post(
            f"deployments/{deployment}/create_flow_run",
            {"parameters": {"form": form}, "state": {"type": "SCHEDULED"}},
        )
        if "refused" in made:
            return dict(made)
        return dict(until(lambda: self._ended(made["id"])))

    def _ended(self, run: str) -> list[dict[str, Any]] | None:
        found = self.get(f"flow_runs/{run}")
        return [found] if found["state"]["type"] in ENDED else None

    def kept(self, run: dict[str, Any]) -> str:
        """All that the server keeps of a run, as text."""
        logs = self.post("logs/filter", {"logs": {"flow_run_id": {"any_": [run["id"]]}}})
        artifacts = self.post(
            "artifacts/filter", {"artifacts": {"flow_run_id": {"any_": [run["id"]]}}}
        )
        return json.dumps([run, logs, artifacts])


def until(ask: Callable[[], Any]) -> Any:
    """Ask until there is an answer, a list of one."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if found := ask():
            return found[0]
        time.sleep(0.2)
    raise TimeoutError(ask)


def free_port() -> int:
    try:
        with socket.socket() as held:
            held.bind(("127.0.0.1", 0))
            return int(held.getsockname()[1])
    except OSError as error:
        pytest.skip(f"no loopback port can be bound: {error}")


@contextmanager
def running(log: Path, environment: dict[str, str], *command: str) -> Iterator[None]:
    """Keep one of Prefect's processes for as long as the block runs, and its children no longer."""
    with log.open("w") as file:
        process = subprocess.Popen(
            [str(BIN / "prefect"), *command],
            cwd=PROJECT, env=environment, stdout=file, stderr=subprocess.STDOUT,
            process_group=0,
        )  # fmt: skip
        try:
            yield
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=20)
            # What it had started may have outlived it.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """As docs/operating.md says, in folders of the test's own."""
    port = str(free_port())
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    return {
        **kept,
        "PREFECT_HOME": str(tmp_path / "prefect"),
        "PREFECT_SERVER_API_PORT": port,
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        "ORCHESTRATOR_PROJECT": str(PROJECT),
        "ORCHESTRATOR_HOME": str(tmp_path / "home"),
        "ORCHESTRATOR_PLAYBOOKS": str(PROJECT / "templates"),
        "ORCHESTRATOR_DATABASE_URL": "",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }


@pytest.fixture
def api(environment: dict[str, str], tmp_path: Path) -> Iterator[Api]:
    api = Api(environment["PREFECT_API_URL"])
    with running(tmp_path / "server.log", environment, "server", "start"):
        until(lambda: _is_up(api))
        prefect(environment, "work-pool", "create", "campaigns", "--type", "process")
        prefect(environment, "--no-prompt", "deploy", "--all")
        with running(
            tmp_path / "worker.log", environment, "worker", "start", "--pool", "campaigns"
        ):
            yield api


def _is_up(api: Api) -> list[bool] | None:
    try:
        return [True] if api.get("health") else None
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return None


def prefect(environment: dict[str, str], *arguments: str) -> None:
    done = subprocess.run(
        [str(BIN / "prefect"), *arguments],
        cwd=PROJECT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def shop(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ORCHESTRATOR_HOME", "ORCHESTRATOR_PLAYBOOKS", "ORCHESTRATOR_DATABASE_URL"):
        monkeypatch.setenv(name, environment[name])
    wiring.initialise(wiring.Settings()).close()


@pytest.mark.usefixtures("shop")
def test_deployments_run_and_schedules_are_kept(api: Api, tmp_path: Path) -> None:
    (tmp_path / "customers.csv").write_text(CUSTOMERS, encoding="utf-8")
    made = {one["name"]: one for one in api.post("deployments/filter", {})}

    imported = api.run(made["import-data"]["id"], {"files": [str(tmp_path / "customers.csv")]})
    advanced = api.run(made["advance"]["id"], {"at": "2026-11-12T10:30:00+08:00"})
    missing = api.run(made["import-data"]["id"], {"files": ["/none.csv"]})
    refused = api.run(made["launch-campaign"]["id"], {"playbook": "Not A Name"})

    assert [one["state"]["name"] for one in (imported, advanced)] == ["Completed", "Completed"]
    assert missing["state"]["message"].endswith("/none.csv: no such file. Correct the path")
    assert (refused["refused"], "form.playbook" in refused["detail"]) == (409, True)
    assert "2 rows, 1 rejected" in api.kept(imported)
    assert [word for word in PERSONAL if word in api.kept(imported)] == []
    slugs = {name: [each["slug"] for each in one["schedules"]] for name, one in made.items()}
    assert slugs == {
        "import-data": [], "launch-campaign": [], "simulate": [],
        "advance": ["every-five-minutes"], "evaluate": ["every-morning"],
    }  # fmt: skip
    assert until(lambda: _scheduled(api)) == {"advance", "evaluate"}


def _scheduled(api: Api) -> list[set[str]] | None:
    """The flows of which the server itself has planned runs."""
    runs = api.post("flow_runs/filter", {"flow_runs": {"tags": {"all_": ["auto-scheduled"]}}})
    flows = {one["id"]: one["name"] for one in api.post("flows/filter", {})}
    planned = {flows[run["flow_id"]] for run in runs}
    return [planned] if len(planned) > 1 else None
