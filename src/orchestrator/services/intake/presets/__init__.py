"""The formats that are known by name: mapping files that come with the package."""

import difflib
from collections.abc import Sequence
from functools import cache
from importlib import resources
from pathlib import Path

from orchestrator.services.intake.mapping import Kind, Mapping, load_mapping, parse_mapping
from orchestrator.services.intake.refusals import ImportFileError

AUTO = "auto"


@cache
def all_presets() -> dict[str, Mapping]:
    found = (parse_mapping(f"{name}.yaml", text) for name, text in _texts().items())
    return {mapping.mapping: mapping for mapping in found}


def preset_text(name: str) -> str:
    """Return a preset as it is written, to start a mapping file from."""
    _assert_known(name)
    return _texts()[name]


@cache
def _texts() -> dict[str, str]:
    files = sorted(resources.files(__package__).iterdir(), key=lambda one: one.name)
    return {
        file.name.removesuffix(".yaml"): file.read_text(encoding="utf-8")
        for file in files
        if file.name.endswith(".yaml")
    }


def find_mapping(preset: str | Path) -> Mapping | None:
    """Return the preset of that name or the mapping of that file; None for ``auto``."""
    if preset == AUTO:
        return None
    if isinstance(preset, Path) or preset.endswith((".yaml", ".yml")):
        return load_mapping(Path(preset), all_presets())
    _assert_known(preset)
    return all_presets()[preset]


def _assert_known(preset: str) -> None:
    presets = all_presets()
    if preset in presets:
        return
    close = difflib.get_close_matches(preset, presets, n=1)
    remedy = f"Did you mean {close[0]}?" if close else f"Known: {', '.join(presets)}"
    raise ImportFileError(preset, "no such preset", remedy)


def recognise(
    file: str, header: Sequence[str], kind: Kind | None, *, documents: bool = False
) -> Mapping:
    """Return the preset whose marks stand in the header; ImportFileError names the nearest."""
    columns = set(header)
    candidates = [
        one
        for one in all_presets().values()
        if kind in (None, one.kind) and one.is_for(documents=documents)
    ]
    fitting = [one for one in candidates if columns.issuperset(one.recognise)]
    if fitting:
        return max(fitting, key=lambda one: (len(one.recognise), one.mapping))
    nearest = max(candidates, key=lambda one: _likeness(one, columns))
    missing = ", ".join(name for name in nearest.recognise if name not in columns)
    raise ImportFileError(
        file,
        f"no preset knows this header; the nearest, {nearest.mapping}, misses {missing}",
        "Name a preset or write a mapping file (docs/importing.md)",
        line=1,
    )


def assert_fits(file: str, header: Sequence[str], mapping: Mapping) -> None:
    """Raise ImportFileError where the header misses a column that the mapping marks as its own."""
    if missing := [name for name in mapping.recognise if name not in header]:
        raise ImportFileError(
            file,
            f"the header has no {', '.join(missing)}, which {mapping.mapping} needs",
            "Choose another preset, or --preset auto",
            line=1,
        )


def _likeness(mapping: Mapping, columns: set[str]) -> float:
    return len(columns.intersection(mapping.recognise)) / max(1, len(mapping.recognise))
