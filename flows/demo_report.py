"""What the demonstration ends with: sends, evaluations, the ledger's sum, the report's path."""

from datetime import datetime

from rich.console import Console
from rich.table import Table

from orchestrator import wiring
from orchestrator.domain.effects import Estimate
from orchestrator.domain.evaluations import EvaluationKind, Result
from orchestrator.services.report import ReportData, build_report, render_report, summary_table
from orchestrator.statistics import Verdict
from orchestrator.wiring import Installation

_WIDE = 180


def show_results(installation: Installation, campaign: str, note: str, at: datetime) -> None:
    data = build_report(installation.database, campaign, at)
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _WIDE
    heading, *rows = summary_table(data)
    _show(console, f"Sends of {campaign}, each with its evaluation", heading, rows)
    _show_pooled(console, data)
    _show_overall(console, data)
    _show_ledger(console, data)
    _show_chance(console, data)
    if data.state == "paused":
        console.print("The campaign paused itself: orchestrator campaigns says why.", markup=False)
    if note:
        console.print(note, markup=False)
    for locale in ("en", "zh-CN"):
        file = (
            installation.settings.reports_folder / f"{wiring.artifact_key(campaign)}.{locale}.html"
        )
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(render_report(data, locale), encoding="utf-8")
        console.print(f"Report ({locale}): {file}", markup=False, soft_wrap=True)


def _show(console: Console, title: str, heading: list[str], rows: list[list[str]]) -> None:
    table = Table(title=title, title_justify="left")
    for name in heading:
        table.add_column(name)
    for row in rows:
        table.add_row(*row)
    console.print(table, markup=False)


def _show_pooled(console: Console, data: ReportData) -> None:
    rows = [
        [
            one.wave if one.kind is EvaluationKind.SEND else one.kind.value,
            f"{one.sends}",
            _share(one.rate),
            _share(one.natural_rate),
            *_estimate(one.difference, one.verdict),
        ]
        for one in data.headlines
    ]
    heading = ["wave", "sends", "rate", "natural", "difference", "95 % interval", "verdict"]
    if rows:
        _show(console, "All sends of a wave together", heading, rows)


def _show_overall(console: Console, data: ReportData) -> None:
    recorded = [(item, item.result) for item in data.evaluations if item.result is not None]
    rows = [
        [
            item.kind.value,
            item.scope or "everybody",
            f"{item.day}",
            *_figures(result),
        ]
        for item, result in recorded
    ]
    if rows:
        heading = ["evaluation", "of", "day", "difference", "95 % interval", "verdict"]
        _show(console, "Groups and the whole, against the campaign's holdout", heading, rows)


def _figures(result: Result) -> list[str]:
    return _estimate(result.effect.difference, result.effect.verdict)


def _estimate(difference: Estimate, verdict: Verdict) -> list[str]:
    interval = difference.interval
    return [
        "" if difference.value is None else f"{difference.value:+.1%}",
        f"{interval.low:+.1%} … {interval.high:+.1%}" if interval else "",
        verdict.value,
    ]


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"


def _show_ledger(console: Console, data: ReportData) -> None:
    counted: dict[str, int] = {}
    for row in data.ledger:
        key = f"{row.state}" if row.reason is None else f"{row.state}: {row.reason}"
        key += " (from the whole campaign)" if row.of_campaign else ""
        counted[key] = counted.get(key, 0) + row.messages
    rows = [[state, f"{number:,}"] for state, number in sorted(counted.items())]
    rows.append(["together", f"{data.ledger_sum:,}"])
    rows.append(["planned rows of all sends", f"{data.planned_rows:,}"])
    _show(console, "The ledger", ["state", "messages"], rows)
    same = "adds up" if data.ledger_sum == data.planned_rows else "DOES NOT ADD UP"
    console.print(f"The ledger {same}.", markup=False)


def _show_chance(console: Console, data: ReportData) -> None:
    """How many intervals hold zero: about 95 of 100 where nothing has an effect."""
    sent = [line.evaluation.result for line in data.sends if line.evaluation]
    results = [result for result in (*sent, *(e.result for e in data.evaluations)) if result]
    intervals = [r.effect.difference.interval for r in results if r.effect.difference.interval]
    holding = sum(interval.low <= 0 <= interval.high for interval in intervals)
    console.print(f"{holding} of {len(intervals)} intervals hold zero.", markup=False)
