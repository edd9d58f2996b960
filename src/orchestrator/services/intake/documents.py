"""JSON documents as rows: one a line of a file, or as a shop's webhook brings them; lines as a list."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import IO, Any, NoReturn

import polars as pl

from orchestrator.services.intake.records import MAX_CELL, Record, damage
from orchestrator.services.intake.refusals import Refusal

MAX_DOCUMENT = 1 << 20  #: characters
_LONGEST_NUMBER = 30  # digits before or behind the point

Cells = dict[str, str]


@dataclass(frozen=True, slots=True)
class Shape:
    """How a shop's documents are built, as the mapping says it."""

    lines_in: str = "lines"  #: the list whose entries are the order's lines
    decimal: str = "."  #: of amounts that are written as text; JSON numbers are turned into it


class _UnreadableError(ValueError):
    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal)
        self.refusal = refusal


def numbered_texts(stream: IO[str]) -> Iterator[tuple[int, str | None]]:
    """Yield each line that is not blank with its number; None for one that is too long to be read."""
    number = 0
    while text := stream.readline(MAX_DOCUMENT + 1):
        number += 1
        if len(text) > MAX_DOCUMENT and not text.endswith(("\n", "\r")):
            while (rest := stream.readline(MAX_DOCUMENT)) and not rest.endswith(("\n", "\r")):
                pass
            yield number, None
        elif text.strip():
            yield number, text


def read_text(text: str | None, shape: Shape) -> list[Cells] | Refusal:
    """Return the rows of one document's text, or why it has none."""
    if text is None:
        return Refusal.CELL_TOO_LONG
    try:
        document = json.loads(text, parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return damage(text) or Refusal.NOT_A_DOCUMENT
    return read_document(document, shape)


def read_document(document: object, shape: Shape) -> list[Cells] | Refusal:
    """Return one row for each of its lines, or one where it has none; every cell as text."""
    if not isinstance(document, Mapping):
        return Refusal.NOT_A_DOCUMENT
    head = {name: value for name, value in document.items() if name != shape.lines_in}
    try:
        cells = dict(_flat(head, shape))
        lines = [
            dict(_flat(line, shape, f"{shape.lines_in}."))
            for line in _entries(document.get(shape.lines_in))
        ]
    except _UnreadableError as error:
        return error.refusal
    except RecursionError:
        return Refusal.NOT_A_DOCUMENT
    return [{**cells, **line} for line in lines] or [cells]


def as_rows(
    documents: Iterable[tuple[int, list[Cells] | Refusal]], line: str
) -> tuple[pl.DataFrame, list[Record]]:
    """Return all rows as a frame with the number of their document, and the unreadable documents."""
    rows: list[Cells] = []
    numbers: list[int] = []
    broken: list[Record] = []
    for number, read in documents:
        if isinstance(read, Refusal):
            broken.append(Record(number, [], read))
            continue
        rows += read
        numbers += [number] * len(read)
    names = {name: None for row in rows for name in row}
    columns = [
        pl.Series(name, [row.get(name) for row in rows], dtype=pl.String)
        for name in names
        if name != line
    ]
    return pl.DataFrame([pl.Series(line, numbers, dtype=pl.Int64), *columns]), broken


def _entries(lines: object) -> list[Mapping[str, Any]]:
    if lines is None:
        return []
    if not isinstance(lines, list) or not all(isinstance(line, Mapping) for line in lines):
        raise _UnreadableError(Refusal.NOT_A_DOCUMENT)
    return lines


def _flat(document: Mapping[str, Any], shape: Shape, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield ``customer.phone`` for the phone in the customer; other lists are no cells."""
    for name, value in document.items():
        if isinstance(value, Mapping):
            yield from _flat(value, shape, f"{prefix}{name}.")
        elif value is not None and not isinstance(value, list):
            yield _readable(f"{prefix}{name}"), _cell(value, shape.decimal)


def _cell(value: object, decimal: str) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        value = Decimal(repr(value))
    if isinstance(value, Decimal):
        short = value.is_finite() and abs(value.adjusted()) <= _LONGEST_NUMBER
        return (format(value, "f") if short else str(value)).replace(".", decimal)
    return _readable(str(value))


def _readable(text: str) -> str:
    if len(text) > MAX_CELL:
        raise _UnreadableError(Refusal.CELL_TOO_LONG)
    if refusal := damage(text):
        raise _UnreadableError(refusal)
    return text


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")
