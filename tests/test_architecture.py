"""What the layers, the packaging and the deployments promise."""

import ast
import importlib
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from ruamel.yaml import YAML

PROJECT = Path(__file__).parents[1]
SOURCES = sorted((PROJECT / "src" / "orchestrator").rglob("*.py"))
FLOWS = ["advance", "evaluate", "import_data", "launch_campaign", "simulate"]
_CLOCKS = {"now", "utcnow", "today"}
_PERSONAL = re.compile("phone|email|address|customer_?id|token|secret|password")


def below_the_entry_points() -> list[Path]:
    above = {PROJECT / "src" / "orchestrator" / "wiring.py"}
    return [path for path in SOURCES if path not in above and "cli" not in path.parts]


def clock_reads(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Attribute(attr=name, value=ast.Name(id="datetime" | "date")) if (
                name in _CLOCKS
            ):
                yield f"{path.relative_to(PROJECT)}:{node.lineno} datetime.{name}"
            case ast.Attribute(attr="time" | "time_ns", value=ast.Name(id="time")):
                yield f"{path.relative_to(PROJECT)}:{node.lineno} time.time"


def deployments() -> list[dict[str, Any]]:
    document = YAML(typ="safe").load((PROJECT / "prefect.yaml").read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = document["deployments"]
    return found


def test_the_clock_is_read_at_the_entry_points_alone() -> None:
    assert [read for path in below_the_entry_points() for read in clock_reads(path)] == []


def test_the_random_bytes_come_from_the_entry_points_alone() -> None:
    # A dispatcher's name must never come twice, whatever a virtual clock or a seed says.
    allowed = {"lives.py", "schema.py"}
    readers = [
        path.name
        for path in below_the_entry_points()
        if re.search(r"^import (secrets|random)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert set(readers) <= allowed


def test_the_server_of_prefect_can_be_imported() -> None:
    # Newer FastAPI versions break it: the pin in pyproject.toml is there for this.
    command = [sys.executable, "-c", "import prefect.server.api.server"]
    subprocess.run(command, check=True, timeout=120)


def test_the_command_line_starts_without_prefect_or_polars() -> None:
    program = (
        "import sys, orchestrator.cli\n"
        "print([name for name in ('prefect', 'polars', 'sqlalchemy', 'scipy') if name in sys.modules])"
    )
    command = [sys.executable, "-c", program]
    said = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    assert said.stdout.strip() == "[]"


@pytest.mark.parametrize("deployment", deployments(), ids=lambda one: one["name"])
def test_a_deployment_points_to_a_flow_and_can_be_paused_for_good(
    deployment: dict[str, Any],
) -> None:
    path, _, name = deployment["entrypoint"].partition(":")
    flow = getattr(importlib.import_module(path.removesuffix(".py").replace("/", ".")), name)
    assert flow.name == deployment["name"]
    assert deployment["description"]
    # Without a slug a schedule paused by a person runs again after the next deployment.
    assert all(schedule["slug"] for schedule in deployment.get("schedules", []))
    assert all("active" not in schedule for schedule in deployment.get("schedules", []))


@pytest.mark.parametrize("name", FLOWS)
def test_a_flow_takes_one_form_whose_fields_explain_themselves(name: str) -> None:
    flow = getattr(importlib.import_module(f"flows.{name}"), name)
    [(parameter, schema)] = flow.parameters.properties.items()
    assert parameter == "form"
    form = schema.get("$ref") or schema["allOf"][0]["$ref"]
    fields = flow.parameters.definitions[form.rsplit("/", 1)[1]]["properties"]
    assert [key for key, field in fields.items() if not field.get("description")] == []


@pytest.mark.parametrize("name", FLOWS)
def test_a_flow_is_given_no_personal_data(name: str) -> None:
    module = importlib.import_module(f"flows.{name}")
    forms = [
        each for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, BaseModel) and each is not BaseModel
    ]  # fmt: skip
    names = [field for form in forms for field in form.model_fields]
    assert names
    assert [field for field in names if _PERSONAL.search(field)] == []


def test_every_dependency_has_a_reason() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    names = {re.split(r"[<>=\[ ]", each)[0] for each in wanted}
    told = set(
        re.findall(
            r"^\| `([a-z0-9.-]+)",
            (PROJECT / "docs" / "dependencies.md").read_text(encoding="utf-8"),
            re.MULTILINE,
        )
    )
    assert names - told == set()


def test_the_lock_files_name_no_registry() -> None:
    for lock in (PROJECT / "requirements").glob("*.lock"):
        assert not re.search("https?://", lock.read_text(encoding="utf-8"))
