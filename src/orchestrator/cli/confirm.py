"""A person's word that this is the database to send from."""

import typer

from orchestrator.cli.session import Json, session_of, show_json

_ACTOR = "command line"


def confirm(ctx: typer.Context, as_json: Json = False) -> None:
    """Let a database dispatch again that looked restored or cloned, or whose host's clock was moved.

    [bold]advance[/] and [bold]doctor[/] say what was found. Settle that first: after a restore,
    messages that went out since the backup are planned again and would be sent a second time.
    Run it on the host that refuses; it is kept in the audit log.
    """
    from orchestrator import wiring
    from orchestrator.services import quarantine

    with wiring.open_installation() as installation, installation.life() as life:
        found = quarantine.confirm(installation.database, life, actor=_ACTOR, now=wiring.now())
    if as_json:
        show_json({"confirmed": found})
    elif found is None:
        session_of(ctx).say("Nothing speaks against this database; there was nothing to confirm.")
    else:
        session_of(ctx).say(f"Confirmed ({found.value}). Next: orchestrator advance")


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel="Operate")(confirm)
