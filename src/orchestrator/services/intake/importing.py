"""The use case: one file into the database, whole orders only, every refused row with its reason."""

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import polars as pl

from orchestrator.domain.coupons import CodeFate
from orchestrator.domain.shop import Shop
from orchestrator.services.intake import orders as orders_file
from orchestrator.services.intake import others
from orchestrator.services.intake.checks import Setting
from orchestrator.services.intake.intake import Reading
from orchestrator.services.intake.mapping import Kind, Mapping
from orchestrator.services.intake.merging import Merge
from orchestrator.services.intake.presets import AUTO, assert_fits, find_mapping, recognise
from orchestrator.services.intake.reading import SourceFile, open_source
from orchestrator.services.intake.refusals import ImportFileError
from orchestrator.services.intake.rejects import rejects_path, write_rejects
from orchestrator.services.intake.report import ImportReport, Watcher, nobody_watches
from orchestrator.store.database import Database, DatabaseAwayError
from orchestrator.store.intake import runs
from orchestrator.store.schema import address_key

_HASHED_BYTES = 1 << 20


def import_file(
    database: Database,
    path: Path,
    *,
    now: datetime,
    shop: Shop,
    preset: str | Path = AUTO,
    kind: Kind | None = None,
    rejects_folder: Path | None = None,
    progress: Watcher = nobody_watches,
) -> ImportReport:
    """
    Import a file of orders, lines, customers, products or opt-outs; again it changes nothing.

    ``preset`` is a preset's name, a mapping file, or ``auto``; ``kind`` narrows what ``auto`` may
    find. The rejects file lies beside the file unless a folder is given. ImportFileError means that
    nothing went in. A killed import leaves whole orders only: run it again.
    """
    source, mapping = _open(path, preset, kind)
    with database.write() as connection:
        import_id = runs.start(
            connection,
            kind=mapping.kind,
            preset=mapping.mapping,
            file_name=path.name,
            file_hash=_file_hash(path),
            now=now,
        )
    reading = Reading(source, Setting(mapping, shop, now), progress)
    merge = Merge(database, import_id, f"import:{mapping.mapping}", now, progress)
    with _recorded_as_failed(database, import_id, now):
        rejects_file, listed = _run(reading, merge, rejects_folder or path.parent)
    return _finish(reading, merge, listed, rejects_file)


def _open(path: Path, preset: str | Path, kind: Kind | None) -> tuple[SourceFile, Mapping]:
    mapping = find_mapping(preset)
    source = open_source(path, mapping)
    if mapping is None:
        mapping = recognise(path.name, source.header, kind, documents=source.has_documents)
    elif kind not in (None, mapping.kind):
        raise ImportFileError(
            path.name,
            f"{mapping.mapping} is for {mapping.kind}, not {kind}",
            "Choose another preset",
        )
    assert_fits(path.name, source.header, mapping)
    return source, mapping


def _run(reading: Reading, merge: Merge, folder: Path) -> tuple[Path | None, pl.DataFrame]:
    """Read all, write the rejects, then merge: what cannot be written stops it before that."""
    mapping = reading.setting.mapping
    with ExitStack() as stack, _room_on_disk(reading.source.path.name):
        key = address_key(merge.database)
        if mapping.kind == "orders":
            whole = orders_file.read(reading, key, stack)
            rejects_file, listed = _rejects(reading, merge, folder)
            orders_file.merge(whole, mapping, merge)
        else:
            ready = others.READERS[mapping.kind](reading, merge, key, stack)
            rejects_file, listed = _rejects(reading, merge, folder)
            ready()
    return rejects_file, listed


def _rejects(reading: Reading, merge: Merge, folder: Path) -> tuple[Path | None, pl.DataFrame]:
    listed = reading.rejects.by_line()
    if listed.is_empty():
        return None, listed
    path = rejects_path(reading.source, folder, merge.import_id)
    mapping = reading.setting.mapping
    fields = set(listed["field"].unique())
    write_rejects(path, reading.source, listed, {name: mapping.header(name) for name in fields})
    return path, listed


def _finish(
    reading: Reading, merge: Merge, listed: pl.DataFrame, rejects_file: Path | None
) -> ImportReport:
    mapping = reading.setting.mapping
    report = ImportReport(
        import_id=merge.import_id,
        file=reading.source.path.name,
        preset=mapping.mapping,
        kind=mapping.kind,
        rows_read=reading.rows_read,
        rows_rejected=listed.filter(imported="no").height,
        rejected=_by_reason(listed.filter(imported="no")),
        emptied=_by_reason(listed.filter(imported="yes")),
        left_out=dict(reading.left_out),
        counts=dict(merge.counts),
        codes={fate.value: merge.codes[fate] for fate in CodeFate if merge.codes[fate]},
        rejects_file=rejects_file,
    )
    with merge.database.write() as connection:
        runs.finish(
            connection,
            merge.import_id,
            state="done",
            rows_read=report.rows_read,
            rows_rejected=report.rows_rejected,
            rows_left_out=report.rows_left_out,
            counts={table: asdict(counts) for table, counts in report.counts.items()},
            rejects_file=None if rejects_file is None else str(rejects_file),
            now=merge.now,
        )
    return report


def _by_reason(listed: pl.DataFrame) -> dict[str, int]:
    counted = listed.group_by("reason").len().sort("reason")
    return dict(counted.iter_rows())


@contextmanager
def _recorded_as_failed(database: Database, import_id: int, now: datetime) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        try:
            with database.write() as connection:
                runs.fail(connection, import_id, now)
        except DatabaseAwayError:
            error.add_note("The import stands as running: the database was away at its end.")
        raise


@contextmanager
def _room_on_disk(file: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ImportFileError(
            file,
            f"the import stopped: {error.strerror}",
            "Make room in the temporary folder (TMPDIR) and run it again; nothing is doubled",
        ) from error


def _file_hash(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_HASHED_BYTES):
            digest.update(block)
    return digest.hexdigest()
