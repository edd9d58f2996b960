"""A file as batches of columns, each row with its line: CSV, JSON lines, gzip and Parquet alike."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import polars as pl

from orchestrator.services.intake.decoding import (
    header_cells,
    is_json,
    is_parquet,
    open_text,
    sniff_delimiter,
)
from orchestrator.services.intake.documents import Shape, as_rows, numbered_texts, read_text
from orchestrator.services.intake.mapping import Mapping
from orchestrator.services.intake.records import Record, read_records
from orchestrator.services.intake.refusals import ImportFileError

LINE = "line "  # no header cell ends in a blank
CODE = "code"
BATCH_CELLS = 600_000
BATCH_ROWS = 50_000
BATCH_DOCUMENTS = 5_000
SAMPLE_DOCUMENTS = 1_000


@dataclass(frozen=True, slots=True)
class Batch:
    """
    Whole rows as a frame (column ``LINE`` and the file's own), broken ones as they are.

    Of documents several rows may have one ``LINE``: one for each line of the order.
    """

    rows: pl.DataFrame
    broken: list[Record] = field(default_factory=list)
    read: float = 0.0  #: share of the file, 0–1


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that was found readable; ``batches`` may be asked for again and gives the same."""

    path: Path
    header: Sequence[str]
    batches: Callable[[], Iterator[Batch]]
    #: the texts of the documents with their lines; none where the rows are no documents
    texts: Callable[[], Iterator[tuple[int, str]]] | None = None

    @property
    def has_documents(self) -> bool:
        return self.texts is not None


def open_source(path: Path, mapping: Mapping | None = None) -> SourceFile:
    """Look at the header; ImportFileError where there is none, or the file is of another kind."""
    try:
        if not path.exists():
            raise ImportFileError(str(path), "no such file", "Correct the path")
        if path.is_dir():
            raise ImportFileError(str(path), "is a folder", "Name one file in it")
        if path.stat().st_size == 0:
            raise ImportFileError(path.name, "is empty", "Export it again")
        if is_parquet(path):
            return _parquet(path)
        return _documents(path, mapping) if is_json(path) else _csv(path, mapping)
    except OSError as error:
        raise ImportFileError(
            path.name, f"cannot be read: {error.strerror}", "Check its permissions"
        ) from error


def _parquet(path: Path) -> SourceFile:
    try:
        scan = pl.scan_parquet(path)
        schema = scan.collect_schema()
        # Lists, structs and bytes are no cells.
        header = [
            name for name, kind in schema.items() if not (kind.is_nested() or kind == pl.Binary)
        ]
        total = scan.select(pl.len()).collect().item()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise ImportFileError(
            path.name, "the Parquet file is damaged or cut off", "Copy it again"
        ) from error
    if not total:
        raise ImportFileError(path.name, "has no rows", "Export it again")

    def batches() -> Iterator[Batch]:
        for start in range(0, total, BATCH_ROWS):
            rows = pl.scan_parquet(path).slice(start, BATCH_ROWS).select(header).collect()
            rows = rows.with_columns(pl.col(pl.Categorical, pl.Enum).cast(pl.String))
            numbers = pl.int_range(start + 1, start + 1 + rows.height, eager=True, dtype=pl.Int64)
            yield Batch(
                rows.insert_column(0, numbers.alias(LINE)), read=(start + rows.height) / total
            )

    return SourceFile(path, header, batches)


def _documents(path: Path, mapping: Mapping | None) -> SourceFile:
    encoding, shape = mapping.encoding if mapping else None, shape_of(mapping)
    with open_text(path, encoding) as (text, _):
        sample = [
            (n, read_text(t, shape)) for n, t in islice(numbered_texts(text), SAMPLE_DOCUMENTS)
        ]
    rows, broken = as_rows(sample, LINE)
    if rows.is_empty():
        raise ImportFileError(
            path.name,
            "no line is a JSON document",
            "Write one document a line, such as by jq --compact-output '.[]'",
            line=broken[0].line if broken else 1,
        )

    def batches() -> Iterator[Batch]:
        with open_text(path, encoding) as (text, raw):
            size = path.stat().st_size
            found = numbered_texts(text)
            while batch := list(islice(found, BATCH_DOCUMENTS)):
                read = as_rows(((n, read_text(t, shape)) for n, t in batch), LINE)
                yield Batch(*read, read=min(raw.tell() / size, 1.0))

    def texts() -> Iterator[tuple[int, str]]:
        with open_text(path, encoding) as (text, _):
            yield from ((number, found or "") for number, found in numbered_texts(text))

    return SourceFile(path, rows.columns[1:], batches, texts)


def shape_of(mapping: Mapping | None) -> Shape:
    if mapping is None:
        return Shape()
    return Shape(mapping.lines_in or Shape().lines_in, mapping.decimal)


def _csv(path: Path, mapping: Mapping | None) -> SourceFile:
    encoding = mapping.encoding if mapping else None
    with open_text(path, encoding) as (text, _):
        first = text.readline()
    delimiter = (mapping and mapping.delimiter) or sniff_delimiter(first)
    header = header_cells(first, delimiter)
    # One column is no table, unless it is the list of codes or a mapping knows it.
    known = [CODE] if mapping is None else mapping.named_columns
    if "\0" in first or not all(header) or (len(header) == 1 and header[0] not in known):
        raise ImportFileError(
            path.name,
            "the first line is not a header of column names",
            "Export it with column names, separated by comma, semicolon or tab",
            line=1,
        )
    if twice := {name for name in header if header.count(name) > 1}:
        raise ImportFileError(
            path.name,
            f"the header names {', '.join(sorted(twice))} more than once",
            "Rename one of the columns",
            line=1,
        )

    def batches() -> Iterator[Batch]:
        with open_text(path, encoding) as (text, raw):
            text.readline()
            size = path.stat().st_size
            rows = max(1_000, min(BATCH_ROWS, BATCH_CELLS // len(header)))
            records = read_records(text, delimiter, len(header))
            while batch := list(islice(records, rows)):
                yield _as_batch(batch, header, raw.tell() / size)

    return SourceFile(path, header, batches)


def _as_batch(records: list[Record], header: list[str], read: float) -> Batch:
    whole = [record for record in records if record.refusal is None]
    broken = [record for record in records if record.refusal is not None]
    # The header is line 1.
    lines = pl.Series(LINE, [record.line + 1 for record in whole], dtype=pl.Int64)
    columns = zip(*(record.cells for record in whole), strict=True) if whole else [()] * len(header)
    rows = pl.DataFrame(
        [
            lines,
            *(
                pl.Series(name, cells, dtype=pl.String)
                for name, cells in zip(header, columns, strict=True)
            ),
        ]
    )
    moved = [Record(record.line + 1, record.cells, record.refusal) for record in broken]
    return Batch(rows, moved, min(read, 1.0))
