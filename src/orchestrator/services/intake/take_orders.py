"""
The use case: orders as a shop's webhook or queue brings them, into the database at once.

A receiver calls ``take_orders`` with the documents of one call; ``import_file`` reads files of the
same documents. Both are the same checks and the same merge.
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from orchestrator.domain.coupons import CodeFate
from orchestrator.domain.shop import Shop
from orchestrator.services.intake import orders
from orchestrator.services.intake.checks import Setting
from orchestrator.services.intake.documents import as_rows, read_document
from orchestrator.services.intake.intake import Reading
from orchestrator.services.intake.mapping import Mapping as Fields
from orchestrator.services.intake.merging import Merge
from orchestrator.services.intake.presets import all_presets
from orchestrator.services.intake.reading import LINE, Batch, SourceFile, shape_of
from orchestrator.services.intake.refusals import REMEDIES, Refusal
from orchestrator.services.intake.report import nobody_watches
from orchestrator.store.database import Database
from orchestrator.store.intake import runs
from orchestrator.store.intake.counts import Counts
from orchestrator.store.schema import address_key

Document = Mapping[str, Any]
PRESET = "order-documents"


@dataclass(frozen=True, slots=True)
class Remark:
    """Why a document did not go in, or without which cell it did."""

    position: int  #: of the document among those given, from 0
    reason: Refusal
    field: str  #: as the documents name it
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenOrders:
    import_id: int
    counts: Mapping[str, Counts]  #: by table
    refused: tuple[Remark, ...]
    without: tuple[Remark, ...]  #: went in, but for this cell
    codes: Mapping[CodeFate, int]  #: what became of the coupon codes on the orders


def take_orders(
    database: Database,
    documents: Sequence[Document],
    *,
    now: datetime,
    shop: Shop,
    fields: Fields | None = None,
) -> TakenOrders:
    """
    Store orders given as JSON objects: each whole, or refused with its reason and field.

    A document is the order as it stands now. The same again changes nothing, a later one replaces
    it; of two for one order in one call the last counts. Its coupon is redeemed here; walks of
    its customer end where campaigns are planned and sent. ``fields`` says how a shop's own documents are built;
    left out, they have the orchestrator's names (docs/importing.md). It may be called from
    several processes at once, and again with all documents where it did not return.
    """
    mapping = fields or all_presets()[PRESET]
    reading = Reading(_source(documents, mapping), Setting(mapping, shop, now), nobody_watches)
    with database.write() as connection:
        import_id = runs.of_the_day(connection, mapping.mapping, now)
    merge = Merge(database, import_id, f"import:{mapping.mapping}", now, nobody_watches)
    with ExitStack() as stack:
        whole = orders.read(reading, address_key(database), stack)
        orders.merge(whole, mapping, merge)
    return _account(reading, merge)


def _source(documents: Sequence[Document], mapping: Fields) -> SourceFile:
    shape = shape_of(mapping)
    rows, broken = as_rows(
        ((position, read_document(one, shape)) for position, one in enumerate(documents)), LINE
    )
    batch = Batch(rows, broken, read=1.0)
    return SourceFile(Path(), rows.columns[1:], lambda: iter([batch]), lambda: iter(()))


def _account(reading: Reading, merge: Merge) -> TakenOrders:
    noted, mapping = reading.rejects.by_line(), reading.setting.mapping
    refused = _remarks(noted.filter(imported="no"), mapping)
    with merge.database.write() as connection:
        runs.add(
            connection,
            merge.import_id,
            rows_read=reading.rows_read,
            rows_rejected=len(refused),
            rows_left_out=reading.left_out.total(),
            counts={table: asdict(counts) for table, counts in merge.counts.items()},
            now=merge.now,
        )
    return TakenOrders(
        import_id=merge.import_id,
        counts=dict(merge.counts),
        refused=refused,
        without=_remarks(noted.filter(imported="yes"), mapping),
        codes=dict(merge.codes),
    )


def _remarks(noted: pl.DataFrame, mapping: Fields) -> tuple[Remark, ...]:
    return tuple(
        Remark(line, Refusal(reason), mapping.header(name), REMEDIES[Refusal(reason)])
        for line, reason, name in noted.select("line", "reason", "field").iter_rows()
    )
