"""What a schema error means for the person who wrote the file: line, sentence, remedy."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from orchestrator.playbooks.document import Document, Location
from orchestrator.playbooks.problems import Problem, closest, did_you_mean

UNKNOWN_KEY = "extra_forbidden"
FORMAT = "See docs/playbook-format.md."

_SHAPES = {
    "model_type": ("is not a mapping", "Write it as {key: value}."),
    "dict_type": ("is not a mapping", "Write it as {name: value}."),
    "tuple_type": ("is not a list", "Write it as [one, two] or one line each, begun with '- '."),
    "string_type": ("is not text", "Put it into quotes."),
    "int_type": ("is not a whole number", "Write digits only."),
    "int_parsing": ("is not a whole number", "Write digits only."),
    "int_from_float": ("is not a whole number", "Write digits only."),
    "decimal_parsing": ("is not a number", "Write it like 299 or 299.50."),
    "decimal_type": ("is not a number", "Write it like 299 or 299.50."),
    "bool_parsing": ("is neither true nor false", "Write true or false."),
    "bool_type": ("is neither true nor false", "Write true or false."),
    "date_from_datetime_parsing": ("is not a date", "Write it like 2026-11-11."),
    "date_parsing": ("is not a date", "Write it like 2026-11-11."),
    "date_type": ("is not a date", "Write it like 2026-11-11."),
    "too_short": ("is empty", "Give it at least one entry or remove the key."),
    "string_too_short": ("is empty", "Write something or remove the key."),
}
_SPELLINGS = {
    "name": "Use letters, digits, spaces, - and _.",
    "category": "Leave out dots, slashes and spaces at its ends: files are named after it.",
    "question": "Write it on one line.",
    "answer": "Write it on one line.",
    "curator": "Write it on one line.",
}
_SUBJECT = re.compile(r"^[A-Z][a-z ]* should ")
_LONGEST_SHOWN = 60
_NAME = "Use lower-case letters, digits and hyphens, at most 40."


def problems_of(
    error: ValidationError, document: Document, schema: dict[str, Any]
) -> list[Problem]:
    """Return one problem for each place; the schema knows which keys and words stand where."""
    found: dict[Location, Problem] = {}
    details = error.errors(include_url=False)
    misspelled = {meant_by(one["loc"], schema) for one in details if one["type"] == UNKNOWN_KEY}
    for detail in details:
        if detail["type"] == "too_short" and _any_inside(details, detail["loc"]):
            # A list whose entries are wrong counts as empty too.
            continue
        if detail["type"] == "missing" and detail["loc"] in misspelled:
            continue
        location = _written(detail["loc"], document)
        message, remedy = _sentence(dict(detail), schema)
        line = document.line(*location)
        # A union reports each of its branches; one sentence is enough for one place.
        found.setdefault(
            (*location, detail["type"] == "missing" and message),
            Problem(document.file, line, message, remedy),
        )
    return list(found.values())


def meant_by(unknown: Location, schema: dict[str, Any]) -> Location | None:
    """Return the place of the key that an unknown one resembles."""
    *around, key = unknown
    meant = closest(str(key), _keys_at(schema, tuple(around)))
    return (*around, meant) if meant else None


def _any_inside(details: Sequence[Mapping[str, Any]], location: Location) -> bool:
    length = len(location)
    return any(
        len(other["loc"]) > length and other["loc"][:length] == location for other in details
    )


def _sentence(detail: dict[str, Any], schema: dict[str, Any]) -> tuple[str, str]:
    kind, location = detail["type"], detail["loc"]
    name = _name(location)
    if kind == UNKNOWN_KEY:
        return f"unknown key {name}", did_you_mean(name, _keys_at(schema, location[:-1]))
    if kind == "missing":
        return f"{name} is missing", f"Add a line '{name}: …'. {FORMAT}"
    if kind in ("enum", "literal_error"):
        return _not_among(name, detail)
    if kind == "value_error":
        return _own_words(name, str(detail["ctx"]["error"]))
    if kind == "string_pattern_mismatch":
        return f"{name} cannot be written as {_shown(detail['input'])}", _SPELLINGS.get(name, _NAME)
    limit = _SUBJECT.sub("It should ", detail["msg"])
    message, remedy = _SHAPES.get(kind, ("does not fit", f"{limit}."))
    return f"{name}: {_shown(detail['input'])} {message}", remedy


def _not_among(name: str, detail: dict[str, Any]) -> tuple[str, str]:
    expected = [
        word.strip(" '") for word in detail["ctx"]["expected"].replace(" or ", ",").split(",")
    ]
    remedy = did_you_mean(str(detail["input"]), expected)
    return f"{name}: {_shown(detail['input'])} is not one of {', '.join(expected)}", remedy


def _own_words(name: str, text: str) -> tuple[str, str]:
    """Split what our validators say, ``message; remedy`` or ``message, such as example``."""
    if "; " in text:
        message, _, remedy = text.partition("; ")
        return f"{name}: {message}", f"{remedy[0].upper()}{remedy[1:]}."
    message, _, example = text.partition(", such as ")
    return f"{name}: {message}", f"Write it like {example}." if example else FORMAT


def _shown(value: Any) -> str:
    text = repr(value) if isinstance(value, str | int | float | bool) else "this"
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def _name(location: Location) -> str:
    words = [str(part) for part in location if isinstance(part, str) and part != "[key]"]
    return words[-1] if words else "the file"


def _written(location: Location, document: Document) -> Location:
    """Cut off what stands in no file: branches of a union, the mark of a key, a missing key."""
    for length in range(len(location), 0, -1):
        if location[:length] in document.lines:
            return location[:length]
    return ()


def _keys_at(schema: dict[str, Any], location: Location) -> list[str]:
    nodes = [schema]
    for part in location:
        nodes = [step for node in _resolve(nodes, schema) for step in _into(node, part)] or nodes
    return sorted({key for node in _resolve(nodes, schema) for key in node.get("properties", ())})


def _into(node: dict[str, Any], part: str | int) -> list[dict[str, Any]]:
    if isinstance(part, int):
        return [node["items"]] if "items" in node else []
    if part in node.get("properties", ()):
        return [node["properties"][part]]
    named = [node.get("additionalProperties"), *node.get("patternProperties", {}).values()]
    return [rest for rest in named if isinstance(rest, dict)]


def _resolve(nodes: list[dict[str, Any]], schema: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for node in nodes:
        if "$ref" in node:
            found += _resolve([schema["$defs"][node["$ref"].rpartition("/")[2]]], schema)
        elif "anyOf" in node:
            found += _resolve(node["anyOf"], schema)
        else:
            found.append(node)
    return found
