"""Reading one file through: every row checked, kept until its group is whole, or refused."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import polars as pl

from orchestrator.services.intake import rows, sources
from orchestrator.services.intake.checks import Checks, Setting
from orchestrator.services.intake.reading import LINE, Batch, SourceFile
from orchestrator.services.intake.records import Record
from orchestrator.services.intake.rejects import Rejects
from orchestrator.services.intake.report import Progress, Watcher
from orchestrator.services.intake.spool import Spool

_ID_FIELD = {"orders": "order_id", "lines": "order_id"}


@dataclass(slots=True)
class Reading:
    """A file on its way in."""

    source: SourceFile
    setting: Setting
    watch: Watcher
    rejects: Rejects = field(default_factory=Rejects)
    left_out: Counter[str] = field(default_factory=Counter)
    rows_read: int = 0
    _carried: dict[str, str] = field(default_factory=dict)

    def checked(self) -> Iterator[pl.DataFrame]:
        """Yield the batches as values; rows that belong to no order are refused here."""
        for batch in self.source.batches():
            self.rows_read += batch.rows[LINE].n_unique() + len(batch.broken)
            frame = self._check(batch)
            yield frame
            self.watch(Progress("reading", batch.read, self.rows_read))

    def spool(self, key: str, spool: Spool) -> None:
        """Put every row into the spool, but those whose key cannot be read."""
        for frame in self.checked():
            # Without its key a row belongs to nothing that could be refused with it.
            self.rejects.refuse(frame.filter(pl.col(key).is_null()).select("line", "refusal"))
            self.rejects.empty(frame.select("line", "emptied"))
            spool.put(frame.filter(pl.col(key).is_not_null()).drop("emptied"))

    def _check(self, batch: Batch) -> pl.DataFrame:
        kept, left_out = sources.leave_out(batch.rows, self.setting.mapping)
        self.left_out.update(left_out)
        frame = rows.check(Checks(kept, self.setting, carried=self._carried))
        self._carried = _last_currency(frame)
        if batch.broken:
            frame = pl.concat([frame, self._broken(batch.broken)], how="diagonal_relaxed")
        return frame

    def _broken(self, records: list[Record]) -> pl.DataFrame:
        """Broken rows with as much as their order's id, so that it is refused with them."""
        cells = [self._cells(record) for record in records]
        raw = pl.DataFrame(
            {
                LINE: [record.line for record in records],
                **{
                    name: pl.Series([row[at] for row in cells], dtype=pl.String)
                    for at, name in enumerate(self.source.header)
                },
            }
        )
        key = _ID_FIELD.get(self.setting.mapping.kind)
        known = sources.field(raw, self.setting.mapping, key) if key else None
        return pl.DataFrame(
            {
                "line": raw[LINE],
                "refusal": [f"{record.refusal} row" for record in records],
                **({key: known} if key is not None and known is not None else {}),
            }
        )

    def _cells(self, record: Record) -> list[str | None]:
        width = len(self.source.header)
        readable = [cell if _is_text(cell) else None for cell in record.cells[:width]]
        return [*readable, *[None] * (width - len(readable))]


def _last_currency(frame: pl.DataFrame) -> dict[str, str]:
    """The currency of the order that the next batch may go on with."""
    if frame.is_empty() or "order_id" not in frame.columns:
        return {}
    order, currency = frame.select("order_id", "currency").row(-1)
    return {order: currency} if order and currency else {}


def _is_text(cell: str) -> bool:
    return "\0" not in cell and not any("\ud800" <= one <= "\udfff" for one in cell)
