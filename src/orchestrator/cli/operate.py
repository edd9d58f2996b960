"""A hand on the campaigns: pause, resume, stop, settle, and the switch that stops all."""

from enum import StrEnum
from typing import Annotated

import typer

from orchestrator.cli.failures import UsageProblemError
from orchestrator.cli.session import session_of

Campaign = Annotated[str, typer.Argument(help="The campaign's name.", show_default=False)]
Everything = Annotated[bool, typer.Option("--all", help="The kill switch: all campaigns at once.")]
Why = Annotated[str, typer.Option(help="Kept beside the campaign and in the audit log.")]
_ACTOR = "command line"


class Settlement(StrEnum):
    ACCEPTED = "accepted"
    REJECTED = "rejected"


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


def settle(
    ctx: typer.Context,
    message: Annotated[int, typer.Argument(help="Its number, as doctor and why show it.")],
    outcome: Annotated[Settlement, typer.Argument(help="What the provider's own list says of it.")],
    reason: Annotated[str, typer.Option(help="How you know; kept in the audit log.")],
) -> None:
    """Say what became of a message whose answer never came.

    accepted: the provider has it. rejected: it never had it; the message is not sent again.

    [dim]Example:[/] orchestrator settle 4711 rejected --reason "not in the provider's list of 12 November"
    """
    from orchestrator import wiring
    from orchestrator.domain.providers import Outcome
    from orchestrator.services import steer

    with wiring.open_installation() as installation:
        steer.settle(
            installation.database,
            message,
            Outcome(outcome.value),
            reason=reason,
            actor=_ACTOR,
            now=wiring.now(),
        )
    session_of(ctx).say(f"Message {message} is {outcome.value}")


def _need_one(campaign: str, everything: bool) -> None:
    if bool(campaign) == everything:
        raise UsageProblemError("name one campaign, or --all for the kill switch")


def register(app: typer.Typer) -> None:
    for command in (pause, resume, stop, settle):
        app.command(rich_help_panel="Operate")(command)
