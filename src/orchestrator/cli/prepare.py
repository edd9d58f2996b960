"""Before a campaign: the database, the orders, the playbooks."""

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from orchestrator.cli.failures import PROBLEMS, UsageProblemError
from orchestrator.cli.session import At, Json, Session, session_of, show_json, show_table

_STANDARD_INPUT = Path("-")
_PRESET = ("preset", "kind", "title")


def init(ctx: typer.Context, as_json: Json = False) -> None:
    """Make the database and its folder, or bring them to this version. Safe to repeat.

    [dim]Example:[/] ORCHESTRATOR_DATABASE_URL=postgresql://shop@db/shop orchestrator init
    """
    from orchestrator import wiring

    settings = wiring.Settings()
    database = wiring.initialise(settings)
    database.close()
    if as_json:
        show_json({"home": settings.home, "database": database.shown_url})
        return
    session_of(ctx).say(f"Ready: {database.shown_url}, files in {settings.home}")


def import_files(
    ctx: typer.Context,
    files: Annotated[
        list[Path],
        typer.Argument(
            help="CSV (UTF-8 or GB18030) or JSON lines, gzipped too, or Parquet; - is standard input."
        ),
    ],
    preset: Annotated[
        str, typer.Option(help="auto, a preset's name, or the path of a mapping file.")
    ] = "auto",
    pool: Annotated[
        str, typer.Option(help="Read coupon codes into this pool: a column code.", metavar="NAME")
    ] = "",
    at: At = "",
    as_json: Json = False,
) -> None:
    """Read orders, order lines, customers, products or opt-outs from files. Safe to repeat.

    The same file twice changes nothing; a newer export updates. A row that cannot be read goes to a
    rejects file with its line and the reason, the others go in; nothing goes in by half.

    [dim]Examples:[/] orchestrator import optouts.csv customers.csv orders.csv ·
    orchestrator import ExportOrderList.csv --preset taobao-orders · orchestrator import shop.csv --preset shop.yaml ·
    orchestrator import codes.csv --pool spring · tail -n 100 orders.jsonl | orchestrator import -
    """
    from orchestrator import wiring

    session = session_of(ctx)
    session.kept = "Whole orders only are in; run the same import again and it completes them."
    if pool and preset != "auto":
        raise UsageProblemError("a file of codes needs no --preset: name --pool alone")
    settings, now = wiring.Settings(), wiring.moment(at)
    settings.rejects_folder.mkdir(parents=True, exist_ok=True)
    with wiring.open_installation(settings) as installation, _as_files(files) as named:
        reports = (
            _import_codes(installation, named, pool, now)
            if pool
            else _import_tables(session, installation, named, preset, now)
        )
    if as_json:
        show_json(reports)
    else:
        _show_imports(ctx, reports)
    if any(report.rows_rejected for report in reports):
        raise typer.Exit(PROBLEMS)


@contextmanager
def _as_files(files: list[Path]) -> Iterator[list[Path]]:
    """Standard input as a file for as long as it is read: an import reads twice where it rejects."""
    with tempfile.TemporaryDirectory(prefix="orchestrator-import-") as folder:
        copy = Path(folder) / "standard-input"
        if _STANDARD_INPUT in files:
            with copy.open("wb") as file:
                shutil.copyfileobj(sys.stdin.buffer, file)
        yield [copy if file == _STANDARD_INPUT else file for file in files]


def _import_codes(installation: Any, files: list[Path], pool: str, now: datetime) -> list[Any]:
    from orchestrator.services.intake import import_codes

    folder = installation.settings.rejects_folder
    return [import_codes(installation.database, file, pool, now, folder) for file in files]


def _import_tables(
    session: Session, installation: Any, files: list[Path], preset: str, now: datetime
) -> list[Any]:
    from orchestrator.services.intake import import_file

    settings, reports = installation.settings, []
    for file in files:
        with session.progress(file.name) as tell:
            report = import_file(
                installation.database,
                file,
                now=now,
                shop=settings.shop(),
                preset=Path(preset) if Path(preset).is_file() else preset,
                rejects_folder=settings.rejects_folder,
                progress=_watcher(tell),
            )
        reports.append(report)
    return reports


def _watcher(tell: Callable[[float, str], None]) -> Callable[[Any], None]:
    return lambda done: tell(done.done, done.step)


def _show_imports(ctx: typer.Context, reports: list[Any]) -> None:
    show_table(
        "Imported",
        ["file", "preset", "rows", "left out", "rejected", "table", "inserted", "updated", "unchanged"],
        [
            [one.file, one.preset, one.rows_read, one.rows_left_out, one.rows_rejected,
             table, counts.inserted, counts.updated, counts.unchanged]
            for one in reports
            for table, counts in one.counts.items()
        ],
    )  # fmt: skip
    say = session_of(ctx).say
    for one in reports:
        for title, found in (("left out", one.left_out), ("rejected", one.rejected),
                             ("without a cell", one.emptied), ("coupon codes", one.codes)):  # fmt: skip
            if found:
                listed = ", ".join(f"{number:,} {reason}" for reason, number in found.items())
                say(f"{one.file}: {title}: {listed}")
        if one.rejects_file:
            say(f"{one.file}: each such row with its line and what to do: {one.rejects_file}")


def presets(
    name: Annotated[
        str, typer.Argument(help="Print this one as a mapping file; all are listed without.")
    ] = "",
    as_json: Json = False,
) -> None:
    """List the formats that import knows by name, or print one, to write a mapping on it.

    [dim]Example:[/] orchestrator presets shopify-orders
    """
    from orchestrator.services.intake import all_presets, preset_text

    if not name:
        listed = [[one.mapping, one.kind, one.title] for one in all_presets().values()]
        if as_json:
            show_json([dict(zip(_PRESET, one, strict=True)) for one in listed])
        else:
            show_table("Presets", _PRESET, listed)
        return
    text = preset_text(name)
    if as_json:
        show_json(all_presets()[name].model_dump(exclude_unset=True))
    else:
        typer.echo(text, nl=False)


def validate(
    ctx: typer.Context,
    playbooks: Annotated[
        list[str] | None, typer.Argument(help="Folders or names; all of them where none is given.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check playbooks; show everything that is wrong with them at once.

    Each line says file, line, what is wrong and what to do. Exits with 1 where there is anything.

    [dim]Example:[/] orchestrator validate mother-baby ./drafts/spring
    """
    from orchestrator import wiring
    from orchestrator.playbooks import PlaybookError, read_playbook

    settings = wiring.Settings()
    folders = [settings.playbook_folder(name) for name in playbooks or []]
    folders = folders or settings.playbook_folders()
    if not folders:
        raise UsageProblemError(f"no playbook in {settings.playbooks}. Name a folder")
    versions, problems = {}, {}
    for folder in folders:
        try:
            versions[folder] = read_playbook(folder).version
        except PlaybookError as error:
            problems[folder] = error.problems
    if as_json:
        show_json({
            "valid": {str(folder): version for folder, version in versions.items()},
            "problems": {str(folder): found for folder, found in problems.items()},
        })  # fmt: skip
    else:
        _tell(ctx, versions, problems)
    if problems:
        raise typer.Exit(PROBLEMS)


def _tell(ctx: typer.Context, versions: dict[Path, str], problems: dict[Path, Any]) -> None:
    for folder, found in problems.items():
        for problem in found:
            typer.echo(f"{folder}/{problem}")
    for folder, version in versions.items():
        session_of(ctx).say(f"{folder.name} is valid, version {version[:12]}")


def schema(
    concerns: Annotated[
        bool, typer.Option("--concerns", help="Of concerns/<locale>.yaml instead.")
    ] = False,
) -> None:
    """Print the JSON Schema of playbook.yaml, for editors.

    [dim]Example:[/] orchestrator schema > playbook.schema.json
    """
    from orchestrator.playbooks import concerns_schema, json_schema

    show_json(concerns_schema() if concerns else json_schema())


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel="Prepare")(init)
    app.command("import", rich_help_panel="Prepare")(import_files)
    app.command(rich_help_panel="Prepare")(presets)
    app.command(rich_help_panel="Prepare")(validate)
    app.command(rich_help_panel="Prepare")(schema)
