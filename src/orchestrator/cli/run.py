"""A campaign's life: what it would do, its launch, every step, its evaluation."""

from dataclasses import fields
from typing import Annotated, Any

import typer

from orchestrator.cli.failures import DATABASE, PROBLEMS
from orchestrator.cli.session import At, Json, session_of, show_json, show_markdown, show_table

Playbook = Annotated[str, typer.Argument(help="A playbook's name, or the path of its folder.")]


def plan(
    ctx: typer.Context,
    playbook: Playbook,
    at: At = "",
    texts: Annotated[
        bool, typer.Option("--texts", help="Show one text of each template: personal data.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show what a launch would do, and change nothing.

    Who would be enrolled by track and group, and why the others not; messages, SMS parts
    and cost by day; coupon exposure; the smallest effect that this audience can show. Every text that could
    be sent is rendered, in each occurrence too, and where one cannot be, it exits with 1.

    [dim]Example:[/] orchestrator plan mother-baby --at 2026-06-19
    """
    from orchestrator import wiring
    from orchestrator.playbooks import read_playbook
    from orchestrator.services.forecast import forecast, forecast_markdown

    settings, session = wiring.Settings(), session_of(ctx)
    read = read_playbook(settings.playbook_folder(playbook))
    with wiring.open_installation(settings) as installation, session.counter("texts") as count:
        shown = forecast(
            installation.database,
            read,
            shop=settings.shop(),
            now=wiring.moment(at),
            random_bytes=wiring.random_bytes,
            progress=count,
        )
    if as_json:
        show_json(plan_data(shown, texts=texts))
    else:
        show_markdown(forecast_markdown(shown, samples=texts))
    if settings.made_up:
        session.say(
            "launch will refuse: customers would read what is the demonstration's. "
            f"Set {', '.join(settings.made_up)}"
        )
    if not shown.is_sound:
        raise typer.Exit(PROBLEMS)


def plan_data(shown: Any, *, texts: bool) -> dict[str, Any]:
    waves = [
        {
            **{f.name: getattr(wave, f.name) for f in fields(wave) if texts or f.name != "samples"},
            "outcomes": [
                {"state": state, "reason": reason, "channel": channel, "messages": number}
                for (state, reason, channel), number in wave.outcomes.items()
            ],
        }
        for wave in shown.waves
    ]
    enrolled = [
        {"track": track, "category": category, "arm": arm, "customers": number}
        for track, category, arm, number in shown.enrolled
    ]
    data = {f.name: getattr(shown, f.name) for f in fields(shown)}
    return {**data, "enrolled": enrolled, "waves": waves, "cost_at_most": shown.cost_at_most,
            "is_within_budget": shown.is_within_budget}  # fmt: skip


def launch(
    ctx: typer.Context,
    playbook: Playbook,
    name: Annotated[
        str | None, typer.Option(help="The campaign's name; the playbook's where left out.")
    ] = None,
    at: At = "",
    as_json: Json = False,
) -> None:
    """Start a campaign: pin this version of the playbook and draw the lot's salt.

    Nothing is sent yet: [bold]advance[/] does that. The same launch again changes nothing.

    [dim]Example:[/] orchestrator launch womenswear-double11 --name double11-2026
    """
    from orchestrator import wiring
    from orchestrator.playbooks import read_playbook

    settings = wiring.Settings()
    read = read_playbook(settings.playbook_folder(playbook))
    with wiring.open_installation(settings) as installation:
        campaign = installation.launch(
            read,
            name=name or read.definition.playbook,
            now=wiring.moment(at),
            actor="command line",
        )
    if as_json:
        show_json({"campaign": campaign.name, "version": campaign.version, "state": campaign.state})
        return
    session_of(ctx).say(
        f"Campaign {campaign.name} is {campaign.state}, playbook version {campaign.version[:12]}. "
        "Next: orchestrator advance"
    )


def advance(ctx: typer.Context, at: At = "", as_json: Json = False) -> None:
    """Do all that is due: enroll, plan, send, track, reconcile, evaluate. Nothing twice.

    Run it every few minutes (cron, or the flow of the same name). Ctrl-C ends it behind the call in
    hand; a second one at once. Either way the next run continues where this one stopped.

    [dim]Example:[/] orchestrator advance --at 2026-11-12T10:00+08:00
    """
    from orchestrator import wiring

    session = session_of(ctx)
    session.kept = "Everything committed is kept; run advance again and it continues."
    clock = wiring.clock(at)
    with wiring.open_installation() as installation, session.counter("messages") as count:
        report = installation.advance(clock, count)
    if as_json:
        show_json(report_data(report))
    else:
        _show_report(ctx, report)
    if report.quarantined:
        raise typer.Exit(DATABASE)


def _show_report(ctx: typer.Context, report: Any) -> None:
    rows = [
        [name, number, planned.messages, planned.coupons, planned.purchased]
        for name, number in report.enrolled.items()
        if (planned := report.planned[name])
    ]
    show_table("Campaigns", ["campaign", "enrolled", "planned", "coupons", "bought again"], rows)
    outcomes = [
        [state.value, reason.value if reason else None, number]
        for (state, reason), number in sorted(report.dispatched.counts.items(), key=str)
    ]
    if outcomes:
        show_table("Messages", ["state", "reason", "messages"], outcomes)
    _say_the_rest(ctx, report)


def _say_the_rest(ctx: typer.Context, report: Any) -> None:
    say = session_of(ctx).say
    if report.quarantined:
        say(report.quarantined)
    if report.dispatched.stopped:
        say("Nothing is sent: the kill switch is on. orchestrator resume --all turns it off")
    for campaign_id in (*report.dispatched.paused, *report.tracked.paused):
        say(f"Campaign {campaign_id} paused itself. orchestrator campaigns shows why")
    if report.evaluated.recorded:
        say(f"{len(report.evaluated.recorded)} evaluations recorded: orchestrator report CAMPAIGN")
    if report.revised.revised:
        say(f"{len(report.revised.revised)} evaluations revised: orchestrator report CAMPAIGN")
    if report.half_in:
        say(f"Nobody is enrolled: of {', '.join(report.half_in)} only a part is in. If no import of it "
            "runs any more, import it again; campaigns wait a day for that")  # fmt: skip
    for name in report.finished:
        say(f"Campaign {name} is done")


def report_data(report: Any) -> dict[str, Any]:
    return {
        "enrolled": report.enrolled,
        "half_in": report.half_in,
        "planned": report.planned,
        "messages": [
            {"state": state, "reason": reason, "messages": number}
            for (state, reason), number in report.dispatched.counts.items()
        ],
        "dispatch_stopped": report.dispatched.stopped,
        "quarantined": report.quarantined,
        "tracked": report.tracked,
        "reconciled": report.reconciled.counts,
        "evaluations": report.evaluated.recorded,
        "postponed": report.evaluated.postponed,
        "revised": report.revised.revised,
        "expired_coupons": report.expired_coupons,
        "finished": report.finished,
    }


def evaluate(ctx: typer.Context, at: At = "", as_json: Json = False) -> None:
    """Record every evaluation that is due, and a revision where later refunds changed one.

    An evaluation runs once its window and the wait for late orders are over, never earlier;
    [bold]advance[/] does the same, and looks for later refunds once a day: this does it now.
    """
    from orchestrator import wiring
    from orchestrator.services.evaluate import evaluate, revise

    now = wiring.moment(at)
    session = session_of(ctx)
    session.kept = "What was recorded stays; run evaluate again for the rest."
    with wiring.open_installation() as installation:
        recorded = evaluate(installation.database, now)
        revised = revise(installation.database, now)
    if as_json:
        show_json({"recorded": recorded.recorded, "postponed": recorded.postponed,
                   "looked_at": revised.looked_at, "revised": revised.revised})  # fmt: skip
        return
    rows = [[one.evaluation_id, one.until, one.reason.value] for one in recorded.postponed]
    if rows:
        show_table("Not yet", ["evaluation", "until", "reason"], rows)
    session.say(
        f"{len(recorded.recorded)} recorded, {len(revised.revised)} of {revised.looked_at} revised"
    )


def register(app: typer.Typer) -> None:
    for command in (plan, launch, advance, evaluate):
        app.command(rich_help_panel="Run")(command)
