"""
A playbook that does not fit the format, mended as far as it takes to look at the rest of it.

Nobody ever uses what is mended: it shows the problems that the first ones would hide.
"""

import re
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from pydantic import ValidationError

from orchestrator.playbooks.document import Document, Location
from orchestrator.playbooks.model import Definition
from orchestrator.playbooks.problems import Problem
from orchestrator.playbooks.schema import schema_of
from orchestrator.playbooks.wording import UNKNOWN_KEY, meant_by, problems_of

_ROUNDS = 8  # a key that is spelled right may have a wrong value, and a part then be wrong in all

_STAND_INS: dict[str, Any] = {
    "playbook": "unnamed",
    "title": "unnamed",
    "timezone": "UTC",
    "audience": {},
}
_WAVE = {"wave": "unnamed", "kind": "greeting", "after": "0 days"}
_NAMED: dict[str, Any] = {"offers": {"free_postage": True}, "tracks": {}}


class _BeyondMendingError(Exception):
    """What is wrong is a section as a whole."""


def mended(document: Document, problems: list[Problem]) -> tuple[Document, Definition] | None:
    """
    Return what the author may have meant, with the places that are made up; None where too little is there.

    Adds the problems that only show once others are mended.
    """
    first = True
    for _ in range(_ROUNDS):
        try:
            return document, Definition.model_validate(document.data, by_alias=True, by_name=False)
        except ValidationError as error:
            if not first:
                problems += problems_of(error, document, schema_of(Definition))
            first = False
            try:
                document = _Mender(document).mend(error)
            except _BeyondMendingError:
                return None
    return None


class _Mender:
    def __init__(self, document: Document) -> None:
        self.document = document
        self.data: dict[str, Any] = deepcopy(document.data)
        self.lines = dict(document.lines)
        self.made_up: set[Location] = set()

    def mend(self, error: ValidationError) -> Document:
        details = error.errors(include_url=False)
        unknown = [one["loc"] for one in details if one["type"] == UNKNOWN_KEY]
        wrong = [one["loc"] for one in details if one["type"] != UNKNOWN_KEY]
        wrong += [location for location in unknown if not self._spelled_right(location)]
        missing = {one["loc"] for one in details if one["type"] == "missing"}
        for location in wrong:
            if location not in missing or location not in self.lines:
                self._replaced(location)
        made_up = self.document.made_up | self.made_up
        return Document(self.document.file, self.data, self.lines, made_up)

    def _spelled_right(self, location: Location) -> bool:
        """Give an unknown key the name that it resembles; one that resembles none is left out."""
        *around, key = location
        inside, meant = _at(self.data, location[:-1]), meant_by(location, schema_of(Definition))
        if meant is not None and meant[-1] not in inside:
            inside[meant[-1]] = inside.pop(key)
            self.lines |= {
                (*meant, *place[len(meant) :]): line
                for place, line in self.document.lines.items()
                if place[: len(location)] == location
            }
            return True
        # Deeper, what is left could say nothing any more, or something else.
        aside = not around or (around[0] == "waves" and len(around) == len(("waves", 0)))
        if aside:
            del inside[key]
        return aside

    def _replaced(self, location: Location) -> None:
        top, rest = str(location[0]) if location else "", location[1:]
        if top == "waves":
            self._wave(rest)
        elif top in _NAMED:
            self._named(top, rest)
        elif top in ("audience", "evaluate") and rest and isinstance(self.data.get(top), dict):
            self._left_out((top, *rest[:1]))
        elif top in _STAND_INS:
            self._put((top,), _STAND_INS[top])
        else:
            self._left_out((top,))

    def _wave(self, rest: Location) -> None:
        if not rest:
            raise _BeyondMendingError
        here, key = ("waves", rest[0]), str(rest[1]) if rest[1:] else "variants"
        wave = _at(self.data, here)
        if not isinstance(wave, Mapping):
            self._put(here, dict(_WAVE))
            return
        if key in _WAVE:
            self._put((*here, key), _named_alike(wave.get(key)) if key == "wave" else _WAVE[key])
        else:
            self._left_out((*here, key))

    def _named(self, top: str, rest: Location) -> None:
        """An offer or a track stays known by its name, whatever is wrong with it."""
        if not rest:
            raise _BeyondMendingError
        section, name = self.data[top], str(rest[0])
        if rest[1:] == ("[key]",):
            section[_named_alike(name)] = section.pop(name, _NAMED[top])
        self._put((top, _named_alike(name) if rest[1:] == ("[key]",) else name), _NAMED[top])

    def _put(self, place: Location, value: Any) -> None:
        _at(self.data, place[:-1])[place[-1]] = value
        self.made_up.add(place)

    def _left_out(self, place: Location) -> None:
        _at(self.data, place[:-1]).pop(place[-1], None)
        self.made_up.add(place)


def _named_alike(name: Any) -> str:
    return re.sub("[^a-z0-9]+", "-", str(name or "").lower()).strip("-")[:40] or "unnamed"


def _at(data: Any, place: Location) -> Any:
    for part in place:
        data = data[part]
    return data
