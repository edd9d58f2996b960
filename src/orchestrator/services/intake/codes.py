"""Coupon codes that a shop's platform has made, into a pool that offers draw from."""

from datetime import datetime
from pathlib import Path

import polars as pl

from orchestrator.domain.coupons import normalise_code
from orchestrator.services.intake import cells
from orchestrator.services.intake.reading import CODE, LINE, Batch, SourceFile, open_source
from orchestrator.services.intake.refusals import ImportFileError, Refusal
from orchestrator.services.intake.rejects import Rejects, rejects_path, write_rejects
from orchestrator.services.intake.report import ImportReport
from orchestrator.store.database import Database
from orchestrator.store.intake import runs
from orchestrator.store.intake.counts import Counts
from orchestrator.store.intake.redemptions import add_to_pool

_LONGEST_CODE, _LONGEST_PRINTED = 64, 128
_KIND = "codes"


def import_codes(
    database: Database, path: Path, pool: str, now: datetime, rejects_folder: Path | None = None
) -> ImportReport:
    """Add a file's column ``code`` to a pool; codes that are stored already stay whose they are."""
    source = open_source(path)
    if CODE not in source.header:
        raise ImportFileError(
            path.name, f"the header has no column {CODE}", "Name the column of the codes so", 1
        )
    rejects, rows_read, counts = Rejects(), 0, Counts()
    with database.write() as connection:
        import_id = runs.start(
            connection, kind=_KIND, preset=pool, file_name=path.name, file_hash="", now=now
        )
        for batch in source.batches():
            rows_read += batch.rows.height + len(batch.broken)
            codes = _codes(batch, rejects)
            counts += add_to_pool(connection, pool, codes)
        listed = rejects.by_line()
        rejects_file = _write(source, listed, rejects_folder or path.parent, import_id)
        runs.finish(
            connection,
            import_id,
            state="done",
            rows_read=rows_read,
            rows_rejected=listed.height,
            rows_left_out=0,
            counts={"coupons": {"inserted": counts.inserted, "unchanged": counts.unchanged}},
            rejects_file=None if rejects_file is None else str(rejects_file),
            now=now,
        )
    return ImportReport(
        import_id=import_id,
        file=path.name,
        preset=pool,
        kind=_KIND,
        rows_read=rows_read,
        rows_rejected=listed.height,
        rejected=dict(listed.group_by("reason").len().sort("reason").iter_rows()),
        emptied={},
        left_out={},
        counts={"coupons": counts},
        codes={},
        rejects_file=rejects_file,
    )


def _codes(batch: Batch, rejects: Rejects) -> pl.DataFrame:
    """Return each code once, as orders are matched by it and as the platform has printed it."""
    written = cells.ids(batch.rows[CODE])
    codes = pl.Series(
        CODE, [None if one is None else normalise_code(one) for one in written], dtype=pl.String
    )
    too_long = (codes.str.len_chars() > _LONGEST_CODE) | (
        written.str.len_chars() > _LONGEST_PRINTED
    )
    too_long = too_long.fill_null(value=False)
    why = pl.select(
        line=pl.lit(batch.rows[LINE]),
        refusal=pl.when(codes.is_null())
        .then(pl.lit(f"{Refusal.CELL_MISSING} {CODE}"))
        .when(too_long)
        .then(pl.lit(f"{Refusal.ID_TOO_LONG} {CODE}")),
    )
    rejects.refuse(why)
    broken = [(record.line, f"{record.refusal} row") for record in batch.broken]
    rejects.refuse(
        pl.DataFrame(broken, schema={"line": pl.Int64, "refusal": pl.String}, orient="row")
    )
    found = pl.DataFrame([codes, written.alias("printed")])
    good = found.filter(~too_long & codes.is_not_null()).unique(
        CODE, keep="first", maintain_order=True
    )
    same = pl.col("printed") == pl.col(CODE)
    return good.with_columns(printed=pl.when(~same).then(pl.col("printed")))


def _write(source: SourceFile, listed: pl.DataFrame, folder: Path, import_id: int) -> Path | None:
    if listed.is_empty():
        return None
    path = rejects_path(source, folder, import_id)
    write_rejects(path, source, listed, {})
    return path
