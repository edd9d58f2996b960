from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from orchestrator.playbooks import concerns_schema, json_schema

SHIPPED = Path(__file__).parents[2] / "templates"


def test_knows_the_keys_as_they_are_written() -> None:
    rule = json_schema()["$defs"]["Rule"]["properties"]

    assert {"event_day", "all", "any", "not"} < set(rule)
    assert {"type": "integer"} in rule["orders_before"]["anyOf"]


def test_offers_no_default_that_cannot_be_written() -> None:
    schema = json_schema()

    assert "default" not in schema["$defs"]["Evaluate"]["properties"]["sends"]
    assert schema["properties"]["locales"]["default"] == ["zh-CN", "en"]


@pytest.mark.parametrize("name", ["womenswear-double11", "mother-baby"])
def test_declares_every_key_of_the_shipped_playbooks(name: str) -> None:
    data: dict[str, Any] = YAML(typ="safe").load(SHIPPED / name / "playbook.yaml")

    assert set(data) <= set(json_schema()["properties"])
    assert set(json_schema()["required"]) <= set(data)


def test_concern_files_have_a_schema_too() -> None:
    entry = concerns_schema()["$defs"]["WrittenConcern"]

    assert entry["required"] == ["category", "question", "answer", "curator", "dated", "evidence"]
