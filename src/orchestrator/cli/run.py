"""A campaign's life: what it would do, its launch, every step, its evaluation."""

from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any

import typer

from orchestrator.cli.failures import DATABASE, PROBLEMS
from orchestrator.cli.session import At, Json, session_of, show_json, show_markdown, show_table

Playbook = Annotated[str, typer.Argument(help="A playbook's name, or the path of its folder.")]


def plan(ctx: typer.Context, playbook: Playbook, at: At = "", as_json: Json = False) -> None:
    """Show what a launch would do, and change nothing.

    Who would be enrolled by track and group, and why the others not; messages by day; every text
    rendered; SMS parts, cost and coupon exposure; the smallest effect that this audience can show.
    Exits with 1 where a text cannot be rendered.

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
        show_json(plan_data(shown))
    else:
        show_markdown(forecast_markdown(shown, samples=True))
    if not shown.is_sound:
        raise typer.Exit(PROBLEMS)


def plan_data(shown: Any) -> dict[str, Any]:
    waves = [
        {
            **{f.name: getattr(wave, f.name) for f in fields(wave) if f.name != "samples"},
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
    return {**data, "enrolled": enrolled, "waves": waves, "cost_at_most": shown.cost_at_most}


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
    from orchestrator.services.launch import launch

    settings = wiring.Settings()
    read = read_playbook(settings.playbook_folder(playbook))
    with wiring.open_installation(settings) as installation:
        campaign = launch(
            installation.database,
            read,
            name=name or read.definition.playbook,
            shop=settings.shop(),
            now=wiring.moment(at),
            actor="command line",
            random_bytes=wiring.random_bytes,
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
    for name in report.finished:
        say(f"Campaign {name} is done")


def report_data(report: Any) -> dict[str, Any]:
    return {
        "enrolled": report.enrolled,
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
        "expired_coupons": report.expired_coupons,
        "finished": report.finished,
    }


def evaluate(ctx: typer.Context, at: At = "", as_json: Json = False) -> None:
    """Record every evaluation that is due, and a revision where later refunds changed one.

    An evaluation runs once its window and the wait for late orders are over, never earlier;
    [bold]advance[/] records what is due as well.
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


def simulate(
    ctx: typer.Context,
    playbook: Playbook,
    customers: Annotated[int, typer.Option(min=10, max=5_000_000, help="In the shop.")] = 10_000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same run.")] = 7,
    effect: Annotated[
        float,
        typer.Option(min=0, max=1, help="Of the first promotion, share of customers; 0: none."),
    ] = 0.03,
    folder: Annotated[
        Path | None, typer.Option(help="For its database; the home's simulations by default.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Play a whole campaign in a generated shop whose customers' answers are known.

    The same engine as a live campaign; only the clock and the provider differ. It has a database of
    its own. Ends with sends by day, caps hit, cost, and each evaluation beside the truth.

    [dim]Example:[/] orchestrator simulate womenswear-double11 --customers 100000 --seed 7
    """
    from orchestrator import wiring
    from orchestrator.playbooks import read_playbook

    settings, session = wiring.Settings(), session_of(ctx)
    session.kept = "The simulation's database is left as it is; the next run begins afresh."
    read = read_playbook(settings.playbook_folder(playbook))
    with session.progress(f"simulating {read.definition.playbook}") as tell:
        report = wiring.simulate_playbook(
            settings, read, customers=customers, seed=seed, effect=effect, folder=folder,
            progress=lambda done: tell(done.share, f"{done.now:%Y-%m-%d}"),
        )  # fmt: skip
    if as_json:
        show_json(simulation_data(report))
        return
    _show_simulation(ctx, report)


def _show_simulation(ctx: typer.Context, report: Any) -> None:
    show_table(
        "Sends by day",
        ["day", "wave", "repeat", "accepted", "withheld", "others", f"cost, {report.currency}"],
        [
            [one.day, one.wave, one.occurrence + 1, one.accepted, one.withheld, one.others,
             _cost(one.cost, report.currency)]
            for one in report.sends
        ],
    )  # fmt: skip
    show_table(
        "Evaluations beside the truth",
        ["what", "wave", "repeat", "day", "found", "95 % interval", "truth", "covered", "verdict"],
        [_judged(one) for one in report.evaluations],
    )
    show_table("Ledger", ["state", "messages"], [[s.value, n] for s, n in report.states.items()])
    show_table("Not sent, by reason", ["reason", "messages"],
               [[r.value, n] for r, n in report.reasons.items()])  # fmt: skip
    say = session_of(ctx).say
    say(
        f"{report.customers:,} customers, {report.enrolled:,} enrolled, {report.messages:,} messages, "
        f"{report.caps_hit:,} caps hit, {report.opt_outs:,} opted out, {report.orders_caused:,} orders "
        f"caused, cost {_cost(report.cost, report.currency)} {report.currency}, {report.ticks:,} ticks "
        f"from {report.began_at:%Y-%m-%d} to {report.ended_at:%Y-%m-%d}"
    )
    if report.unfinished:
        say(f"It did not come to its end: {report.unfinished}")


def _judged(one: Any) -> list[object]:
    difference, item = one.result.effect.difference, one.evaluation
    interval = difference.interval
    return [
        item.scope or item.kind.value,
        item.wave,
        item.occurrence + 1,
        item.day,
        _share(difference.value),
        f"{_share(interval.low)} … {_share(interval.high)}" if interval else None,
        _share(one.truth),
        {True: "yes", False: "no", None: None}[one.covered],
        one.result.effect.verdict.value,
    ]


def _share(value: float | None) -> str | None:
    return None if value is None else f"{value:+.2%}"


def _cost(thousandths: int, currency: str) -> str:
    from orchestrator.domain.money import Money

    return str(Money(round(thousandths / 1000), currency)).removesuffix(f" {currency}")


def simulation_data(report: Any) -> dict[str, Any]:
    data = {f.name: getattr(report, f.name) for f in fields(report) if f.name != "evaluations"}
    evaluations = [
        {"kind": one.evaluation.kind, "scope": one.evaluation.scope, "wave": one.evaluation.wave,
         "occurrence": one.evaluation.occurrence, "day": one.evaluation.day,
         "difference": one.result.effect.difference, "truth": one.truth, "covered": one.covered}
        for one in report.evaluations
    ]  # fmt: skip
    return {**data, "messages": report.messages, "evaluations": evaluations}


def register(app: typer.Typer) -> None:
    for command in (plan, launch, advance, evaluate, simulate):
        app.command(rich_help_panel="Run")(command)
