"""Rows of a CSV text with the physical line each begins on; a broken one never takes the next along."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from orchestrator.services.intake.refusals import Refusal

MAX_CELL = 131_072
MAX_LINES = 500  # of one row; an unclosed quote would otherwise swallow the file


@dataclass(frozen=True, slots=True)
class Record:
    line: int
    cells: list[str]
    refusal: Refusal | None = None


class _RunawayError(csv.Error):
    """A quoted cell runs over more lines than a cell has."""


class _Lines:
    """The lines of the file, each of which can be given back once."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._again: list[str] = []
        self.number = 0
        self.taken: list[str] = []
        self._size = 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._again.pop() if self._again else next(self._stream)
        self.taken.append(line)
        self.number += 1
        self._size += len(line)
        if len(self.taken) > MAX_LINES or self._size > MAX_LINES * MAX_CELL:
            raise _RunawayError
        return line

    def begin(self) -> int:
        self.taken.clear()
        self._size = 0
        return self.number + 1

    def give_back(self) -> str:
        """Keep the first line of the row and give back the others."""
        first, *others = self.taken
        self._again.extend(reversed(others))
        self.number -= len(others)
        return first


def read_records(stream: IO[str], delimiter: str, width: int) -> Iterator[Record]:
    """
    Yield every row that is not blank, whole or broken, with the line it begins on.

    A row whose quotes do not close gives up its first line alone; what follows is read afresh.
    """
    lines = _Lines(stream)
    while True:
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        try:
            yield from _whole(reader, lines, width)
        except csv.Error as error:
            line = lines.number - len(lines.taken) + 1
            first = lines.give_back()
            yield Record(line, _roughly(first, delimiter), _reason(error, first))
            continue
        return


def _whole(reader: Iterator[list[str]], lines: _Lines, width: int) -> Iterator[Record]:
    number = lines.begin()
    for cells in reader:
        refusal = None
        if len(cells) != width:
            if not any(cells):
                number = lines.begin()
                continue
            refusal = Refusal.TOO_FEW_CELLS if len(cells) < width else Refusal.TOO_MANY_CELLS
        for line in lines.taken:
            if not line.isascii() or "\0" in line:
                refusal = refusal or damage(line)
        yield Record(number, cells, refusal)
        number = lines.begin()


def damage(line: str) -> Refusal | None:
    if "\0" in line:
        return Refusal.NUL_CHARACTER
    # surrogateescape stands for a byte that could not be decoded
    damaged = any("\ud800" <= character <= "\udfff" for character in line)
    return Refusal.NOT_DECODABLE if damaged else None


def _reason(error: csv.Error, first: str) -> Refusal:
    too_long = "field larger than field limit" in str(error) and len(first) > MAX_CELL
    return Refusal.CELL_TOO_LONG if too_long else Refusal.BROKEN_QUOTES


def _roughly(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line.rstrip("\r\n")], delimiter=delimiter), [])
    except csv.Error:
        return line.rstrip("\r\n").split(delimiter)
