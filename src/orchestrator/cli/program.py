"""All commands, under one program that turns every expected failure into one line and a code."""

import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from orchestrator.cli import confirm, demo, look, operate, play, prepare, run
from orchestrator.cli.failures import INTERRUPTED, NOBODY_READS, Failure, explain
from orchestrator.cli.session import Session

_EPILOG = """
Exit codes: 0 all is well · 1 problems were found · 2 the command cannot be carried out as asked ·
3 an input file is wrong · 4 the database is away, outdated or unsafe · 130 interrupted.

Settings come from the environment: ORCHESTRATOR_HOME, ORCHESTRATOR_DATABASE_URL,
ORCHESTRATOR_PLAYBOOKS, ORCHESTRATOR_SHOP_NAME and others; docs/operating.md lists them all.
"""


class Program(TyperGroup):
    """Catches at one place what a command raises."""

    def invoke(self, ctx: Any) -> Any:
        session = ctx.ensure_object(Session)
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            session.say(f"Interrupted. {session.kept}")
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:
            _write_to_nobody()
            raise typer.Exit(NOBODY_READS) from None
        except Exception as error:
            failure = explain(error)
            if failure is None or session.debug:
                raise
            _print(session, failure)
            raise typer.Exit(failure.code) from None


def _write_to_nobody() -> None:
    """Whoever read has heard enough, as ``head`` has; Python would complain once more at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _print(session: Session, failure: Failure) -> None:
    for line in failure.lines:
        session.say(line)


app = typer.Typer(
    cls=Program,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def program(
    ctx: typer.Context,
    debug: Annotated[bool, typer.Option(help="Show the traceback of a failure.")] = False,
) -> None:
    """Bring a shop's existing customers back, and know what it caused.

    A first walk: [bold]init[/] makes the database, [bold]import[/] reads your orders,
    [bold]validate[/] and [bold]plan[/] show what a playbook would do, [bold]launch[/] starts it,
    [bold]advance[/] does what is due, [bold]evaluate[/] and [bold]report[/] say what it caused.
    """
    ctx.ensure_object(Session).debug = debug


for commands in (prepare, run, play, look, operate, confirm, demo):
    commands.register(app)


def main() -> None:
    # A name or a text in another script must not end a command on a terminal that cannot show it.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    app()
