"""From a file's bytes to its text: gzip, encoding, separator; and a clear error where it is neither."""

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from orchestrator.services.intake.refusals import ImportFileError

SAMPLE_BYTES = 1 << 20
_GZIP = b"\x1f\x8b"
_PARQUET = b"PAR1"
_ZIP = b"PK\x03\x04"
_OLD_EXCEL = b"\xd0\xcf\x11\xe0"
_DAMAGE = "surrogateescape"
_MOST = 0.5


def is_parquet(path: Path) -> bool:
    return _head(path, len(_PARQUET)) == _PARQUET


@contextmanager
def open_text(path: Path, encoding: str | None) -> Iterator[tuple[IO[str], IO[bytes]]]:
    """
    Yield the text, and the file itself, whose position tells how much has been read.

    Bytes that the encoding does not know come as lone surrogates, so that one bad row does not
    stop the others.
    """
    chosen = encoding or detect_encoding(path)
    with path.open("rb") as raw:
        packed = raw.read(2) == _GZIP
        raw.seek(0)
        data: IO[bytes] = gzip.open(raw, "rb") if packed else raw  # type: ignore[assignment]  # noqa: SIM115  # GzipFile reads bytes; the text wrapper closes it
        try:
            with io.TextIOWrapper(data, encoding=chosen, errors=_DAMAGE, newline="") as text:
                yield text, raw
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise ImportFileError(
                path.name, "the gzip file is damaged or cut off", "Copy it again; run it again"
            ) from error


def is_json(path: Path) -> bool:
    """Whether the text begins like a JSON document or a list of them; a table's header does not."""
    return _sample(path).lstrip(codecs.BOM_UTF8 + b" \t\r\n").startswith((b"{", b"["))


def detect_encoding(path: Path) -> str:
    """Return the encoding of a sample of the lines; ImportFileError where none fits the header."""
    sample = _sample(path)
    for mark, name in ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"),
                       (codecs.BOM_UTF16_BE, "utf-16")):  # fmt: skip
        if sample.startswith(mark):
            return name
    lines = sample.splitlines()
    if len(sample) == SAMPLE_BYTES:
        lines.pop()  # it may be cut inside a character
    header, telling = lines[:1], [line for line in lines if not line.isascii()]
    for name in ("utf-8", "gb18030"):
        if _share(header, name) == 1 and _share(telling, name) > _MOST:
            return name
    # A few damaged rows do not make another encoding: they are refused by themselves.
    if _share(header, "utf-8") == 1 and _share(lines, "utf-8") > _MOST:
        return "utf-8"
    raise ImportFileError(
        path.name,
        "is neither UTF-8 nor GB18030",
        "Name its encoding in the mapping (encoding: cp1252), or save it as UTF-8",
    )


def sniff_delimiter(header: str) -> str:
    """Return the separator that stands most often in the header outside quotes."""
    outside = "".join(header.split('"')[::2])
    return max(",;\t", key=outside.count)


def header_cells(line: str, delimiter: str) -> list[str]:
    cells = next(csv.reader([line], delimiter=delimiter), [])
    return [cell.strip().lstrip("\ufeff").strip() for cell in cells]


def _sample(path: Path) -> bytes:
    head = _head(path, 4)
    if head in (_ZIP, _OLD_EXCEL):
        raise ImportFileError(
            path.name, "is a spreadsheet or an archive, not a CSV file", "Export or save it as CSV"
        )
    try:
        with gzip.open(path) if head.startswith(_GZIP) else path.open("rb") as data:
            return data.read(SAMPLE_BYTES)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ImportFileError(
            path.name, "the gzip file is damaged or cut off", "Copy it again"
        ) from error


def _head(path: Path, size: int) -> bytes:
    with path.open("rb") as data:
        return data.read(size)


def _share(lines: list[bytes], encoding: str) -> float:
    if not lines:
        return 1.0
    return sum(_decodes(line, encoding) for line in lines) / len(lines)


def _decodes(line: bytes, encoding: str) -> bool:
    try:
        line.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
