"""A hand on the campaigns: pause, resume, stop, and the switch that stops everything."""

from typing import Annotated

import typer

from orchestrator.cli.failures import UsageProblemError
from orchestrator.cli.session import session_of

Campaign = Annotated[str, typer.Argument(help="The campaign's name.", show_default=False)]
Everything = Annotated[bool, typer.Option("--all", help="The kill switch: all campaigns at once.")]
Why = Annotated[str, typer.Option(help="Kept beside the campaign and in the audit log.")]
_ACTOR = "command line"


def pause(ctx: typer.Context, campaign: Campaign, reason: Why = "paused by a person") -> None:
    """Send nothing more of a campaign until it is resumed."""
    from orchestrator import wiring
    from orchestrator.services import steer

    with wiring.open_installation() as installation:
        steer.pause(installation.database, campaign, reason=reason, actor=_ACTOR, now=wiring.now())
    session_of(ctx).say(f"Campaign {campaign} is paused. orchestrator resume {campaign} goes on")


def resume(ctx: typer.Context, campaign: Campaign = "", everything: Everything = False) -> None:
    """Go on with a paused campaign; with --all, let dispatchers send again."""
    from orchestrator import wiring
    from orchestrator.services import steer

    _need_one(campaign, everything)
    with wiring.open_installation() as installation:
        if everything:
            steer.resume_all(installation.database, actor=_ACTOR, now=wiring.now())
        else:
            steer.resume(installation.database, campaign, actor=_ACTOR, now=wiring.now())
    what = "The kill switch is off" if everything else f"Campaign {campaign} is running"
    session_of(ctx).say(f"{what}. Next: orchestrator advance")


def stop(
    ctx: typer.Context,
    campaign: Campaign = "",
    everything: Everything = False,
    reason: Why = "stopped by a person",
) -> None:
    """End a campaign for good; with --all, throw the switch that stops every dispatcher at once.

    [dim]Examples:[/] orchestrator stop double11-2026 · orchestrator stop --all --reason "wrong price"
    """
    from orchestrator import wiring
    from orchestrator.services import steer

    _need_one(campaign, everything)
    session = session_of(ctx)
    with wiring.open_installation() as installation:
        database, now = installation.database, wiring.now()
        if everything:
            steer.stop_all(database, reason=reason, actor=_ACTOR, now=now)
            session.say("Nothing is sent any more. orchestrator resume --all undoes it")
            return
        ended = steer.stop(database, campaign, reason=reason, actor=_ACTOR, now=now)
    session.say(f"Campaign {campaign} is stopped for good; {ended:,} walks ended")


def _need_one(campaign: str, everything: bool) -> None:
    if bool(campaign) == everything:
        raise UsageProblemError("name one campaign, or --all for the kill switch")


def register(app: typer.Typer) -> None:
    for command in (pause, resume, stop):
        app.command(rich_help_panel="Operate")(command)
