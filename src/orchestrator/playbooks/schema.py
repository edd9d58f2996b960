"""JSON Schema of the files, for editors that complete and check while one writes."""

from functools import cache
from typing import Any

from pydantic import BaseModel

from orchestrator.playbooks.concerns import ConcernFile
from orchestrator.playbooks.model import Definition

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """Return the schema of ``playbook.yaml``."""
    return {"$schema": DIALECT, **schema_of(Definition), "title": "Playbook"}


def concerns_schema() -> dict[str, Any]:
    """Return the schema of ``concerns/<locale>.yaml``."""
    return {"$schema": DIALECT, **schema_of(ConcernFile), "title": "Concerns"}


@cache
def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    schema: dict[str, Any] = _as_written(model.model_json_schema(by_alias=True))
    return schema


def _as_written(node: Any) -> Any:
    """Leave out defaults that nobody could write in YAML: a span is text there, not months and days."""
    if isinstance(node, list):
        return [_as_written(item) for item in node]
    if not isinstance(node, dict):
        return node
    unwritten = isinstance(node.get("default"), dict) or node.get("default", 0) is None
    return {
        key: _as_written(value)
        for key, value in node.items()
        if not (key == "default" and unwritten)
    }
