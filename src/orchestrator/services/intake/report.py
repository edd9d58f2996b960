"""What an import did, and how far it is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator.store.intake.counts import Counts


@dataclass(frozen=True, slots=True)
class Progress:
    step: str  #: reading, customers, products, orders
    done: float  #: share of this step, 0–1
    rows: int  #: rows so far


Watcher = Callable[[Progress], None]


def nobody_watches(_: Progress) -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """``rows_read`` = rows that went in + ``rows_rejected`` + ``rows_left_out``."""

    import_id: int
    file: str
    preset: str
    kind: str
    rows_read: int
    rows_rejected: int
    rejected: Mapping[str, int]  #: rows by reason (``Refusal``)
    emptied: Mapping[str, int]  #: rows that went in without a cell, by reason
    left_out: Mapping[str, int]  #: rows by the mapping's reason
    counts: Mapping[str, Counts]  #: by table
    codes: Mapping[str, int]  #: on orders, by what became of them (``CodeFate``)
    rejects_file: Path | None  #: none where all rows went in whole

    @property
    def rows_left_out(self) -> int:
        return sum(self.left_out.values())
