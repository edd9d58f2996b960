"""The rejects file: every row that did not go in, as it stood, with its reason and what to do."""

import csv
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import polars as pl

from orchestrator.services.intake.reading import LINE, Batch, SourceFile
from orchestrator.services.intake.refusals import REMEDIES, ImportFileError, Refusal

HEADER = ("line", "reason", "field", "imported", "remedy")
# What a spreadsheet would take for a formula, in both widths.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")  # meant


@dataclass(slots=True)
class Rejects:
    """Lines that are refused, and lines that went in without a cell (``reason field`` each)."""

    _refused: list[pl.DataFrame] = field(default_factory=list)
    _emptied: list[pl.DataFrame] = field(default_factory=list)

    def refuse(self, frame: pl.DataFrame) -> None:
        """Take the columns ``line`` and ``refusal``."""
        _take(self._refused, frame, "refusal")

    def empty(self, frame: pl.DataFrame) -> None:
        """Take the columns ``line`` and ``emptied``."""
        _take(self._emptied, frame, "emptied")

    def by_line(self) -> pl.DataFrame:
        """Return line, reason, field and imported, each line once; what is refused comes first."""
        every = pl.concat(
            [
                _EMPTY.with_columns(imported=pl.lit("no")),
                *(frame.with_columns(imported=pl.lit("no")) for frame in self._refused),
                *(frame.with_columns(imported=pl.lit("yes")) for frame in self._emptied),
            ]
        )
        parts = pl.col("why").str.split(" ").list
        return (
            every.unique("line", keep="first", maintain_order=True)
            .sort("line")
            .select("line", parts.get(0).alias("reason"), parts.get(1).alias("field"), "imported")
        )


_EMPTY = pl.DataFrame(schema={"line": pl.Int64, "why": pl.String})


def _take(taken: list[pl.DataFrame], frame: pl.DataFrame, column: str) -> None:
    noted = frame.filter(pl.col(column).is_not_null())
    if not noted.is_empty():
        taken.append(noted.select("line", pl.col(column).alias("why")))


def rejects_path(source: SourceFile, folder: Path, import_id: int) -> Path:
    ending = "jsonl" if source.has_documents else "csv"
    return folder / f"{source.path.name.split('.')[0]}.rejects-{import_id}.{ending}"


def write_rejects(
    path: Path, source: SourceFile, listed: pl.DataFrame, headers: dict[str, str]
) -> None:
    """Read the source again and write the listed rows; ``headers`` names the column of a field."""
    encoding = "utf-8" if source.has_documents else "utf-8-sig"
    try:
        with open(  # Path.open takes no opener
            path, "w", encoding=encoding, errors="backslashreplace", newline="", opener=_private
        ) as file:
            if source.has_documents:
                file.writelines(_documents(source, listed, headers))
            else:
                _write_table(file, source, listed, headers)
    except OSError as error:
        raise ImportFileError(
            str(path),
            f"the rejects file cannot be written ({error.strerror}); nothing was imported",
            "Make room, or name another folder for it",
        ) from error


def _write_table(
    file: IO[str], source: SourceFile, listed: pl.DataFrame, headers: dict[str, str]
) -> None:
    writer = csv.writer(file)
    kept = [at for at, name in enumerate(source.header) if name not in HEADER]
    writer.writerow([*HEADER, *(source.header[at] for at in kept)])
    for batch in source.batches():
        for note, cells in _noted(batch, listed):
            writer.writerow(_row(note, cells, kept, len(source.header), headers))


def _documents(source: SourceFile, listed: pl.DataFrame, headers: dict[str, str]) -> Iterator[str]:
    notes = {row["line"]: row for row in listed.iter_rows(named=True)}
    for line, text in source.texts() if source.texts else ():
        if note := notes.get(line):
            own = dict(zip(HEADER, _own(note, headers), strict=True)) | {"line": line}
            yield json.dumps(own | _document(text), ensure_ascii=False) + "\n"


def _document(text: str) -> dict[str, Any]:
    """The document but for the notes of an import before; what is none stands as its text."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        return {"document": text.strip()}
    return {name: value for name, value in document.items() if name not in HEADER}


def _private(path: str, flags: int) -> int:
    # The rows hold names and phones: nobody else on this machine reads them.
    return os.open(path, flags, 0o600)


def _noted(batch: Batch, listed: pl.DataFrame) -> Iterator[tuple[dict[str, str], list[str]]]:
    notes = {row["line"]: row for row in _within(batch, listed).iter_rows(named=True)}
    rows = batch.rows.filter(pl.col(LINE).is_in(list(notes)))
    texts = rows.select(pl.exclude(LINE).cast(pl.String).fill_null(""))
    found = {line: list(cells) for line, cells in zip(rows[LINE], texts.iter_rows(), strict=True)}
    found |= {record.line: record.cells for record in batch.broken if record.line in notes}
    for line in sorted(found):
        yield notes[line], found[line]


def _within(batch: Batch, listed: pl.DataFrame) -> pl.DataFrame:
    lines = [*batch.rows[LINE][:1], *batch.rows[LINE][-1:], *(one.line for one in batch.broken)]
    return listed.filter(pl.col("line").is_between(min(lines), max(lines)))


def _row(
    note: dict[str, str], cells: list[str], kept: list[int], width: int, headers: dict[str, str]
) -> list[str]:
    original = [cells[at] for at in kept if at < len(cells)] + cells[width:]
    own = _own(note, headers)
    return [*own[:2], _harmless(own[2]), *own[3:], *map(_harmless, original)]


def _own(note: dict[str, str], headers: dict[str, str]) -> list[str]:
    shown = headers.get(note["field"], note["field"])
    remedy = REMEDIES[Refusal(note["reason"])]
    return [str(note["line"]), note["reason"], shown, note["imported"], remedy]


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
