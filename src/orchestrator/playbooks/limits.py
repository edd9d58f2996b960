"""Whether the rules of audience and tracks can hold for anybody."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import combinations

from orchestrator.domain.calendar import Span
from orchestrator.playbooks.document import Document, Location
from orchestrator.playbooks.model import Definition
from orchestrator.playbooks.problems import Problem
from orchestrator.playbooks.rules import BOUNDS, Bounded, Rule
from orchestrator.playbooks.schedule import LONGEST_MONTH, SHORTEST_MONTH
from orchestrator.playbooks.sequence import length_of

Bound = int | Decimal | Span


def check_rules(definition: Definition, document: Document, problems: list[Problem]) -> None:
    """Add the ranges that nothing lies in and the tracks that nobody gets into."""
    rules: list[tuple[Location, Rule]] = [(("audience",), definition.audience)]
    rules += [(("tracks", name), rule) for name, rule in definition.tracks.items()]
    for place, rule in rules:
        for location in _empty_ranges(place, rule):
            problem = f"{location[-1]}: nothing lies between its bounds"
            problems.append(
                Problem(document.file, document.line(*location), problem, "Move one of them.")
            )
    problems += _hidden_tracks(definition, document)


def _empty_ranges(place: Location, rule: Rule) -> Iterator[Location]:
    for name, field in Rule.model_fields.items():
        value = getattr(rule, name)
        here = (*place, field.alias or name)
        if isinstance(value, Bounded) and _is_empty(value):
            yield here
        elif isinstance(value, Rule):
            yield from _empty_ranges(here, value)
        elif isinstance(value, tuple):
            for position, inner in enumerate(value):
                yield from _empty_ranges((*here, position), inner)


def _is_empty(range_: Bounded) -> bool:
    least, most, below = (getattr(range_, name, None) for name in BOUNDS)
    if least is None:
        return False
    # A month's length is open: only what is empty for all of them counts.
    return all(
        (most is not None and _size(least, month) > _size(most, month))
        or (below is not None and _size(least, month) >= _size(below, month))
        for month in (SHORTEST_MONTH, LONGEST_MONTH)
    )


def _size(bound: Bound, month: int) -> int | Decimal:
    return length_of(bound, month) if isinstance(bound, Span) else bound


def _hidden_tracks(definition: Definition, document: Document) -> Iterator[Problem]:
    """A customer is in the first track whose rule holds."""
    seen = set()
    for (name, rule), (other, later) in combinations(definition.tracks.items(), 2):
        if document.is_made_up("tracks", name) or document.is_made_up("tracks", other):
            continue
        if rule in (later, Rule()) and other not in seen:
            seen.add(other)
            yield Problem(
                document.file,
                document.line("tracks", other),
                f"nobody gets into track {other}: {name} above it takes them all",
                "Change its rule or remove it.",
            )
