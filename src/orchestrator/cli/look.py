"""Look at what there is: campaigns, reports, texts, one customer's story, what is wrong."""

from pathlib import Path
from typing import Annotated, Any

import typer

from orchestrator.cli.failures import PROBLEMS, UsageProblemError
from orchestrator.cli.session import At, Json, session_of, show_json, show_table

Campaign = Annotated[str, typer.Argument(help="The campaign's name.", show_default=False)]


def campaigns(ctx: typer.Context, as_json: Json = False) -> None:
    """List all campaigns: which playbook version, since when, in which state and why."""
    from orchestrator import wiring
    from orchestrator.services.steer import list_campaigns

    with wiring.open_installation() as installation:
        found = list_campaigns(installation.database)
    if as_json:
        show_json([
            {"campaign": one.name, "state": one.state, "reason": one.state_reason,
             "version": one.version, "launched_at": one.launched_at}
            for one in found
        ])  # fmt: skip
        return
    if not found:
        session_of(ctx).say("No campaign yet. orchestrator launch PLAYBOOK starts one")
        return
    show_table(
        "Campaigns",
        ["campaign", "state", "reason", "playbook version", "launched"],
        [
            [one.name, one.state, one.state_reason, one.version[:12], one.launched_at]
            for one in found
        ],
    )


def report(
    ctx: typer.Context,
    campaign: Campaign,
    locale: Annotated[str, typer.Option(help="en or zh-CN.")] = "en",
    out: Annotated[
        Path | None, typer.Option(help="Where the HTML page goes; the home's reports by default.")
    ] = None,
    at: At = "",
    as_json: Json = False,
) -> None:
    """Say what each send caused: a table here, and a self-contained HTML page with everything.

    [dim]Example:[/] orchestrator report double11-2026 --locale zh-CN --out double11.html
    """
    from orchestrator import wiring
    from orchestrator.services.report import (
        build_report,
        render_report,
        report_view,
        summary_table,
    )

    settings = wiring.Settings()
    with wiring.open_installation(settings) as installation:
        data = build_report(installation.database, campaign, wiring.moment(at))
    page = render_report(data, locale)
    file = out or settings.reports_folder / f"{wiring.artifact_key(campaign)}.{locale}.html"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(page, encoding="utf-8")
    if as_json:
        show_json(report_view(data))
        return
    heading, *rows = summary_table(data, locale)
    show_table(campaign, heading, rows)
    session_of(ctx).say(f"The whole report: {file}")


def preview(
    playbook: Annotated[str, typer.Argument(help="A playbook's name, or the path of its folder.")],
    wave: Annotated[str, typer.Argument(help="The wave's name.")],
    customer: Annotated[
        str,
        typer.Option(help="As this customer (their number, or id:42) would get it; else examples."),
    ] = "",
    locale: Annotated[
        str, typer.Option(help="One language only.", show_default="all of the playbook")
    ] = "",
    at: At = "",
    as_json: Json = False,
) -> None:
    """Show the texts of a wave, rendered: with example values, or as one customer would get it.

    [dim]Examples:[/] orchestrator preview mother-baby care --locale en ·
    orchestrator preview womenswear-double11 coupon --customer C0000042
    """
    from orchestrator import wiring
    from orchestrator.playbooks import read_playbook
    from orchestrator.services.preview import preview_examples

    settings = wiring.Settings()
    read = read_playbook(settings.playbook_folder(playbook))
    if customer:
        _preview_customer(settings, read, wave, customer, at=at, as_json=as_json)
        return
    shown = preview_examples(read, wave, locale or None)
    if as_json:
        show_json([_preview_data(one) for one in shown])
        return
    for one in shown:
        _print_text(f"{one.template} · {one.parts} part(s)", one.text)


def _preview_customer(
    settings: Any, playbook: Any, wave: str, customer: str, *, at: str, as_json: bool
) -> None:
    from orchestrator import wiring
    from orchestrator.services.forecast import rehearse_message
    from orchestrator.services.preview import assert_wave

    assert_wave(playbook, wave)
    with wiring.open_installation(settings) as installation:
        letter = rehearse_message(
            installation.database,
            playbook,
            wave,
            customer,
            shop=settings.shop(),
            now=wiring.moment(at),
            random_bytes=wiring.random_bytes,
        )
    if letter.outgoing is None:
        why = letter.fault or letter.unwritten
        raise UsageProblemError(f"customer {customer} would get none: {why}")
    if as_json:
        show_json(letter)
        return
    _print_text(f"{wave} · {letter.channel} · {letter.parts} part(s)", letter.outgoing)


def _preview_data(one: Any) -> dict[str, Any]:
    return {
        "template": one.template, "channel": one.channel, "locale": one.locale,
        "track": one.track, "variant": one.variant, "category": one.category, "parts": one.parts,
        "subject": one.text.subject, "text": one.text.text, "html": one.text.html,
    }  # fmt: skip


def _print_text(heading: str, text: Any) -> None:
    typer.secho(f"── {heading}", bold=True)
    if text.subject:
        typer.secho(text.subject, underline=True)
    typer.echo(f"{text.text}\n")


def why(
    customer: Annotated[
        str,
        typer.Argument(help="The number of the shop's export, or ours: id:42, as plans name it."),
    ],
    campaign: Annotated[str, typer.Option(help="Of one campaign only.")] = "",
    at: At = "",
    as_json: Json = False,
) -> None:
    """Tell every decision about one customer, with its reason. Shows no name and no address.

    [dim]Example:[/] orchestrator why C0000042 --campaign double11-2026
    """
    from orchestrator import wiring
    from orchestrator.services.why import as_lines, why

    with wiring.open_installation() as installation:
        story = why(installation.database, customer, campaign or None, wiring.moment(at))
    if as_json:
        show_json(story)
        return
    for line in as_lines(story):
        typer.echo(line)


def doctor(ctx: typer.Context, at: At = "", as_json: Json = False) -> None:
    """Find what is stuck, late or does not add up. Exits with 1 where there is anything.

    Looks at the ledger's sum, messages whose fate is unknown, leases that are over, late
    evaluations, walks without a due moment, and whether the audit log is untouched.
    """
    from orchestrator import wiring
    from orchestrator.services.doctor import doctor

    with wiring.open_installation() as installation:
        found = doctor(installation.database, wiring.moment(at))
    if as_json:
        show_json(found)
    elif found:
        show_table(
            "Findings",
            ["severity", "about", "what", "count", "example", "remedy"],
            [[f.severity.value, f.subject, f.what, f.count, f.example, f.remedy] for f in found],
        )
    else:
        session_of(ctx).say("Nothing is stuck, late or missing; the ledger adds up.")
    if found:
        raise typer.Exit(PROBLEMS)


def register(app: typer.Typer) -> None:
    for command in (campaigns, report, preview, why, doctor):
        app.command(rich_help_panel="Look")(command)
