"""Checked frames into the database: in one transaction where that is short, else a chunk in each."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeVar

import polars as pl

from orchestrator.domain.coupons import CodeFate
from orchestrator.services.intake import people
from orchestrator.services.intake.report import Progress, Watcher
from orchestrator.store.database import Connection, Database
from orchestrator.store.intake import first_load, goods, optouts, orders, runs
from orchestrator.store.intake import people as stored_people
from orchestrator.store.intake.counts import Counts
from orchestrator.store.intake.staging import begin

CHUNK_ROWS = 50_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Result = TypeVar("Result")
Load = Callable[[Connection], bool]


@dataclass(slots=True)
class Merge:
    """An import in the middle of its merges; ``counts`` is what was done so far, by table."""

    database: Database
    import_id: int
    source: str  #: of consents: the import's preset
    now: datetime
    watch: Watcher
    counts: dict[str, Counts] = field(default_factory=lambda: defaultdict(Counts))
    codes: Counter[CodeFate] = field(default_factory=Counter)  #: what became of those on orders
    _done: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _one: Connection | None = None  #: the transaction that all goes into, where it is one

    def all_of(self, rows: int, steps: Callable[[], None], load: Load | None = None) -> None:
        """
        Do the steps: few rows together, so that nobody ever sees a part of the file.

        Many are loaded together where ``load`` can; it says whether it could.
        """
        if rows <= CHUNK_ROWS:
            self.database.repeat(partial(self._together, lambda _: steps()))
        elif load is None or not self.database.repeat(partial(self._together, load), loading=True):
            steps()

    def _together(self, work: Callable[[Connection], Result], connection: Connection) -> Result:
        self.counts.clear()
        self.codes.clear()
        self._done.clear()
        self._one = connection
        try:
            begin(connection)
            return work(connection)
        finally:
            self._one = None

    def _step(self, work: Callable[[Connection], Result]) -> Result:
        if self._one is not None:
            return work(self._one)
        return self.database.repeat(partial(self._chunk, work))

    def _chunk(self, work: Callable[[Connection], Result], connection: Connection) -> Result:
        runs.note_half(connection, self.import_id, self.now)
        return work(connection)

    def people(self, frames: Iterator[pl.DataFrame], *, total: int, fresh: bool = False) -> None:
        """Store customers; ``fresh`` where there was none before this file."""
        moment = (self.now - _EPOCH) // timedelta(microseconds=1)
        store = self._load_people if fresh else self._people
        for rows in frames:
            customers, said = people.one_row_each(rows), people.statements(rows, moment)
            self._add(self._step(partial(store, customers, said)))
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

    def _load_people(
        self, customers: pl.DataFrame, said: pl.DataFrame, connection: Connection
    ) -> dict[str, Counts]:
        return first_load.load_customers(
            connection,
            customers,
            said,
            source=self.source,
            import_id=self.import_id,
            now=self.now,
        )

    def products(self, frame: pl.DataFrame, *, retitle: bool) -> None:
        for chunk in frame.iter_slices(CHUNK_ROWS):
            merged = self._step(
                partial(
                    goods.merge_products,
                    frame=chunk,
                    retitle=retitle,
                    import_id=self.import_id,
                    now=self.now,
                )
            )
            self._add({"products": merged})
            self._tell("products", chunk.height, frame.height)

    def optouts(self, frame: pl.DataFrame, *, total: int) -> None:
        work = partial(optouts.merge_optouts, frame=frame, source=self.source, now=self.now)
        # Campaigns need not wait for the rest: whoever is stored is not written to from now on.
        self._add({"suppressions": self.database.repeat(work)})
        self._tell("opt-outs", frame.height, total)

    def orders(
        self,
        frame: pl.DataFrame,
        lines: pl.DataFrame | None,
        known: Collection[str],
        *,
        total: int,
    ) -> None:
        merged = self._step(
            partial(
                orders.merge_orders,
                frame=frame,
                lines=lines,
                known=known,
                import_id=self.import_id,
                now=self.now,
            )
        )
        self._add(merged.counts)
        self.codes += merged.codes
        self._tell("orders", frame.height, total)

    def load_orders(self, frame: pl.DataFrame, customer_ids: pl.DataFrame, *, total: int) -> None:
        loaded = self._step(
            partial(
                first_load.load_orders,
                frame=frame,
                customer_ids=customer_ids,
                import_id=self.import_id,
                now=self.now,
            )
        )
        self._add(loaded.counts)
        self.codes += loaded.codes
        self._tell("orders", frame.height, total)

    def lines(self, frame: pl.DataFrame, lines: pl.DataFrame, *, total: int) -> None:
        replaced = self._step(partial(orders.replace_lines, frame=frame, lines=lines))
        self._add({"order_lines": replaced})
        self._tell("orders", lines.height, total)

    def _add(self, merged: dict[str, Counts]) -> None:
        for table, counts in merged.items():
            self.counts[table] += counts

    def _tell(self, step: str, rows: int, total: int) -> None:
        self._done[step] += rows
        done = self._done[step]
        self.watch(Progress(step, min(1.0, done / max(1, total)), done))
