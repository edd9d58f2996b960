"""Before a campaign: the database, the orders, the playbooks."""

from pathlib import Path
from typing import Annotated, Any

import typer

from orchestrator.cli.failures import PROBLEMS, UsageProblemError
from orchestrator.cli.session import Json, session_of, show_json, show_table


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
    for command in (init, validate, schema):
        app.command(rich_help_panel="Prepare")(command)
