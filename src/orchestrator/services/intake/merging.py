"""Checked frames into the database: one short transaction a chunk, and a running account."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

import polars as pl

from orchestrator.services.intake import people
from orchestrator.services.intake.report import Progress, Watcher
from orchestrator.store.database import Connection, Database
from orchestrator.store.intake import goods, optouts, orders
from orchestrator.store.intake import people as stored_people
from orchestrator.store.intake.counts import Counts
from orchestrator.store.intake.staging import begin

CHUNK_ROWS = 50_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Merge:
    """An import in the middle of its merges; ``counts`` is what was done so far, by table."""

    database: Database
    import_id: int
    source: str  #: of consents: the import's preset
    now: datetime
    watch: Watcher
    counts: dict[str, Counts] = field(default_factory=lambda: defaultdict(Counts))
    _done: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def people(self, frames: Iterator[pl.DataFrame], *, total: int, now: datetime) -> None:
        moment = (now - _EPOCH) // timedelta(microseconds=1)
        for rows in frames:
            customers, said = people.one_row_each(rows), people.statements(rows, moment)
            merged = self.database.repeat(partial(self._people, customers, said))
            for table, counts in merged.items():
                self.counts[table] += counts
            self._tell("customers", rows.height, total)

    def _people(
        self, customers: pl.DataFrame, said: pl.DataFrame, connection: Connection
    ) -> dict[str, Counts]:
        begin(connection)
        done = {
            "customers": stored_people.merge_customers(
                connection, customers, import_id=self.import_id, now=self.now
            )
        }
        if not said.is_empty():
            done["consents"] = stored_people.merge_consents(connection, said, self.source)
        return done

    def products(self, frame: pl.DataFrame, *, retitle: bool) -> None:
        for chunk in frame.iter_slices(CHUNK_ROWS):
            with self.database.write() as connection:
                begin(connection)
                self.counts["products"] += goods.merge_products(
                    connection, chunk, retitle=retitle, import_id=self.import_id, now=self.now
                )
            self._tell("products", chunk.height, frame.height)

    def optouts(self, frame: pl.DataFrame, *, total: int) -> None:
        work = partial(optouts.merge_optouts, frame=frame, source=self.source, now=self.now)
        self.counts["suppressions"] += self.database.repeat(work)
        self._tell("opt-outs", frame.height, total)

    def orders(
        self,
        frame: pl.DataFrame,
        lines: pl.DataFrame | None,
        known: Collection[str],
        *,
        total: int,
    ) -> None:
        done = self.database.repeat(
            partial(
                orders.merge_orders,
                frame=frame,
                lines=lines,
                known=known,
                import_id=self.import_id,
                now=self.now,
            )
        )
        for table, counts in done.items():
            self.counts[table] += counts
        self._tell("orders", frame.height, total)

    def lines(self, frame: pl.DataFrame, lines: pl.DataFrame, *, total: int) -> None:
        with self.database.write() as connection:
            self.counts["order_lines"] += orders.replace_lines(connection, frame, lines)
        self._tell("orders", lines.height, total)

    def _tell(self, step: str, rows: int, total: int) -> None:
        self._done[step] += rows
        done = self._done[step]
        self.watch(Progress(step, min(1.0, done / max(1, total)), done))
