"""A campaign in a generated shop, months in minutes."""

from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any

import typer

from orchestrator.cli.run import Playbook
from orchestrator.cli.session import Json, session_of, show_json, show_table


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
    show_table("Put off, by reason", ["reason", "messages", "times", "accepted in the end", "open"],
               [[one.reason.value, one.messages, one.times, one.accepted, one.still_open]
                for one in report.put_offs])  # fmt: skip
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
    app.command(rich_help_panel="Run")(simulate)
