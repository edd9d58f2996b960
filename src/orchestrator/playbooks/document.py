"""YAML with a line for every key: plain mappings, lists and values, and nothing that could surprise."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from orchestrator.playbooks.problems import Problem

Location = tuple[str | int, ...]

MAX_CHARACTERS = 256 * 1024
MAX_DEPTH = 24

_INTEGER = re.compile(r"[-+]?\d{1,18}")
_NUMBER = re.compile(r"[-+]?(\d+\.\d*|\.\d+)([eE][-+]?\d{1,2})?")
_TRUTH = {"true": True, "false": False}
_NOTHING = {"", "~", "null", "Null", "NULL"}


@dataclass(frozen=True, slots=True)
class Document:
    file: str
    data: dict[str, Any]
    lines: dict[Location, int] = field(default_factory=dict)
    made_up: frozenset[Location] = frozenset()  #: places that say what the author did not

    def is_made_up(self, *location: str | int | None) -> bool:
        """Whether that is so of anything at, above or below the location; None is any wave or name."""
        return any(
            all(part in (None, other) for part, other in zip(location, place, strict=False))
            for place in self.made_up
        )

    def line(self, *location: str | int) -> int:
        """Return the line of the key, or of the nearest one around it that was written."""
        for length in range(len(location), 0, -1):
            if (line := self.lines.get(location[:length])) is not None:
                return line
        return 1


def read_document(file: str, text: str, problems: list[Problem]) -> Document | None:
    """Return the mapping; None where there is none, with the reason in ``problems``."""
    if len(text) > MAX_CHARACTERS:
        problems.append(
            Problem(file, 1, f"longer than {MAX_CHARACTERS:,} characters", "Split or shorten it.")
        )
        return None
    reader = _Reader(file, problems)
    try:
        data = reader.read(YAML(typ="safe", pure=True).parse(text))
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        reader.complain(line, f"not YAML: {error.problem}", "Correct the spelling of this line.")
        return None
    except YAMLError:
        reader.complain(1, "contains a character that YAML does not allow", "Remove it.")
        return None
    if not isinstance(data, dict):
        reader.complain(1, "is not a mapping of keys to values", "Begin with a line 'key: value'.")
        return None
    return Document(file, data, reader.lines)


class _Reader:
    def __init__(self, file: str, problems: list[Problem]) -> None:
        self.file = file
        self.problems = problems
        self.lines: dict[Location, int] = {}

    def complain(self, line: int, message: str, remedy: str) -> None:
        self.problems.append(Problem(self.file, line, message, remedy))

    def read(self, events: Iterator[Event]) -> Any:
        documents = 0
        data: Any = None
        for event in events:
            if isinstance(event, DocumentStartEvent):
                documents += 1
                value = self._value(next(events), events, ())
                data = data if documents > 1 else value
                if documents > 1:
                    self.complain(
                        _line(event), "a second document begins", "Use one file for each."
                    )
        return data

    def _value(self, event: Event, events: Iterator[Event], at: Location) -> Any:
        if len(at) > MAX_DEPTH:
            raise MarkedYAMLError(
                problem=f"nested more than {MAX_DEPTH} levels deep", problem_mark=event.start_mark
            )
        if isinstance(event, AliasEvent):
            self.complain(_line(event), "aliases are not part of the format", "Write it out.")
            return None
        if (tag := getattr(event, "tag", None)) is not None:
            self.complain(_line(event), f"the tag {tag} is not part of the format", "Remove it.")
        if isinstance(event, MappingStartEvent):
            return self._mapping(events, at)
        if isinstance(event, SequenceStartEvent):
            return self._sequence(events, at)
        return self._scalar(event, at)

    def _scalar(self, event: Event, at: Location) -> Any:
        text = str(event.value) if isinstance(event, ScalarEvent) else ""
        if getattr(event, "style", None) is not None:
            return text
        if text in _NOTHING:
            # An empty value would read as "left out" and switch a rule off in silence.
            name = at[-1] if at else "the file"
            self.complain(_line(event), f"{name} has no value", "Give it one or remove the key.")
            return None
        return _plain(text)

    def _mapping(self, events: Iterator[Event], at: Location) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for event in events:
            if isinstance(event, MappingEndEvent):
                break
            key = self._key(event, events, at)
            line = _line(event)
            if key in found:
                first = self.lines[*at, key]
                self.complain(line, f"{key} is here twice, first on line {first}", "Keep one.")
            self.lines.setdefault((*at, key), line)
            found[key] = self._value(next(events), events, (*at, key))
        return found

    def _key(self, event: Event, events: Iterator[Event], at: Location) -> str:
        if isinstance(event, ScalarEvent) and event.value:
            return str(event.value)
        self.complain(_line(event), "a key must be a word", "Quote text that begins with { or [.")
        if not isinstance(event, ScalarEvent):
            self._value(event, events, (*at, "?"))
        return "?"

    def _sequence(self, events: Iterator[Event], at: Location) -> list[Any]:
        found: list[Any] = []
        for event in events:
            if isinstance(event, SequenceEndEvent):
                break
            here = (*at, len(found))
            self.lines[here] = _line(event)
            found.append(self._value(event, events, here))
        return found


def _plain(text: str) -> str | int | float | bool:
    if text in _TRUTH:
        return _TRUTH[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text


def _line(event: Event) -> int:
    return int(event.start_mark.line) + 1
