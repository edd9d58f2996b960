"""Checked rows on disk until their whole order has been seen, wherever in the file its rows stand."""

import io
import os
import tempfile
from collections.abc import Iterator
from types import TracebackType
from typing import Self

import polars as pl

PART_ROWS = 100_000
_PART = "part "


class Frames:
    """Frames in a file that has no name: nothing of it stays when the process dies."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="orchestrator-import-")  # noqa: SIM115  # closed by __exit__
        self._segments: list[tuple[int, int, pl.Schema]] = []  # offset, length
        self.rows = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def __len__(self) -> int:
        return len(self._segments)

    def __getitem__(self, position: int) -> pl.DataFrame:
        offset, length, schema = self._segments[position]
        self._file.seek(offset)
        return pl.read_ipc(io.BytesIO(self._file.read(length))).cast(schema)

    def append(self, frame: pl.DataFrame) -> None:
        """Keep the frame; an OSError means that the disk is full."""
        buffer = io.BytesIO()
        # Most files have most columns not: nulls without a type take no room.
        nobody = [column.name for column in frame if column.null_count() == frame.height]
        frame.with_columns(pl.col(nobody).cast(pl.Null)).write_ipc(buffer, compression="lz4")
        data = buffer.getbuffer()
        offset = self._file.seek(0, os.SEEK_END)
        self._file.write(data)
        self._file.flush()
        self._segments.append((offset, len(data), frame.schema))
        self.rows += frame.height


class Spool(Frames):
    """
    Frames that come back with all the rows of a group (an order, a customer) together.

    Memory holds one number a group, not its rows.
    """

    def __init__(self, key: str) -> None:
        super().__init__()
        self._key = key
        self._groups: list[pl.Series] = []
        self._named = pl.Series([], dtype=pl.UInt64)

    def put(self, frame: pl.DataFrame) -> None:
        if frame.is_empty():
            return
        self.append(frame)
        self._groups.append(frame[self._key].hash(7).unique())

    def put_once(self, frame: pl.DataFrame) -> None:
        """Put rows that say nothing but their group's name: once for each that is not there yet."""
        if frame.is_empty():
            return
        named = frame[self._key].hash(7)
        is_fresh = named.is_first_distinct() & ~_among(self._named, named)
        fresh = named.filter(is_fresh).sort().to_frame(_PART)
        self._named = self._named.to_frame(_PART).merge_sorted(fresh, key=_PART)[_PART]
        self.put(frame.filter(is_fresh))

    def whole(self) -> Iterator[pl.DataFrame]:
        """Yield all rows, in order of the file as far as that goes, no group in two frames."""
        scattered = self._scattered()
        parts = self._parts(scattered)
        with Frames() as apart:
            kept: list[int] = []
            for position in range(len(self)):
                frame = self[position]
                if parts:
                    group = frame[self._key].hash(7)
                    away = group.is_in(scattered.implode())
                    kept += _put_parts(apart, frame.filter(away), group.filter(away) % parts)
                    frame = frame.filter(~away)
                if not frame.is_empty():
                    yield frame
            for part in sorted(set(kept)):
                yield pl.concat(apart[at] for at, of in enumerate(kept) if of == part)

    def _scattered(self) -> pl.Series:
        """The groups with rows in more than one frame."""
        if len(self._groups) < 2:  # noqa: PLR2004  # one frame holds all its groups
            return pl.Series([], dtype=pl.UInt64)
        every = pl.concat(self._groups)
        return every.filter(every.is_duplicated()).unique()

    def _parts(self, scattered: pl.Series) -> int:
        if scattered.is_empty():
            return 0
        groups = sum(len(group) for group in self._groups)
        estimate = int(len(scattered) * max(2.0, self.rows / groups))
        return max(1, min(estimate, self.rows) // PART_ROWS)


def _among(known: pl.Series, column: pl.Series) -> pl.Series:
    """Whether each value is among the sorted ones: no table of them all is built for a batch."""
    if known.is_empty():
        return pl.Series([False]).new_from_index(0, len(column))
    return known.gather(known.search_sorted(column).clip(0, len(known) - 1)) == column


def _put_parts(apart: Frames, frame: pl.DataFrame, parts: pl.Series) -> list[int]:
    named = frame.with_columns(parts.alias(_PART)).partition_by(_PART, as_dict=True)
    for rows in named.values():
        apart.append(rows.drop(_PART))
    return [int(part) for (part,) in named]
