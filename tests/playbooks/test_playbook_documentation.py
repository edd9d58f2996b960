import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from orchestrator.playbooks import (
    CONTEXT,
    Definition,
    Given,
    Offer,
    PlaybookError,
    Wave,
    playbook_from_files,
    read_playbook,
)
from orchestrator.playbooks.model import LadderStep
from orchestrator.playbooks.template import FILTERS

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "playbook-format.md").read_text(encoding="utf-8")
GIVEN = {
    Given.ALWAYS: "every wave",
    Given.OFFER: "waves with an offer",
    Given.CATEGORY: "waves `by: category`",
}


def test_lists_every_variable_as_it_is() -> None:
    rows = [
        f"| `{name}` | {variable.type.value} | {variable.example} | {variable.meaning} "
        f"| {GIVEN[variable.given]} | {'yes' if variable.optional else 'no'} |"
        for name, variable in CONTEXT.items()
    ]

    assert "\n".join(rows) in TEXT


@pytest.mark.parametrize("name", sorted(FILTERS))
def test_names_every_filter(name: str) -> None:
    assert re.search(rf"`{name}[(`]", TEXT)


@pytest.mark.parametrize(
    ("model", "key"),
    [
        (model, field.alias or name)
        for model in (Definition, Wave, Offer, LadderStep)
        for name, field in model.model_fields.items()
    ],
)
def test_names_every_key(model: type[BaseModel], key: str) -> None:
    assert f"`{key}`" in TEXT or re.search(rf"`{key}: ", TEXT)


def test_its_example_is_the_shipped_playbook() -> None:
    shipped = read_playbook(ROOT / "templates" / "womenswear-double11")
    example = next(
        block for block in re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL) if "waves:" in block
    )

    read = playbook_from_files({**shipped.files, "playbook.yaml": example})

    assert read.definition == shipped.definition


def test_its_concern_can_be_read() -> None:
    concern = re.findall(r"```yaml\n(concerns:.*?)```", TEXT, re.DOTALL)[0]

    with pytest.raises(PlaybookError) as raised:
        playbook_from_files({"concerns/en.yaml": concern})

    assert {problem.file for problem in raised.value.problems} == {"playbook.yaml"}
