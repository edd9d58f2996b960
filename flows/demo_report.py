"""What the demonstration ends with: sends, evaluations, the ledger's sum, the report's path."""

from collections.abc import Sequence
from datetime import datetime

from rich.console import Console
from rich.table import Table

from flows.demo_check import complaints, hold_truth, hold_zero
from orchestrator import wiring
from orchestrator.domain.effects import Estimate
from orchestrator.domain.evaluations import EvaluationKind
from orchestrator.services.pooled import Pooled
from orchestrator.services.report import ReportData, build_report, render_report, summary_table
from orchestrator.services.report.sentences import group_name, subject
from orchestrator.services.report.tables import ledger, put_offs
from orchestrator.services.report.words import words_of
from orchestrator.services.simulate.truth import Judged
from orchestrator.statistics import Verdict
from orchestrator.store.evaluations import StoredEvaluation
from orchestrator.wiring import Installation

_WIDE = 180
_WORDS = words_of("en")


def show_results(
    installation: Installation,
    campaign: str,
    at: datetime,
    *,
    note: str,
    judged: Sequence[Judged] | None,
) -> list[str]:
    """
    Print it all and write the pages; return what is wrong with it, a line each.

    ``judged`` are the evaluations beside the truth, where that is known.
    """
    data = build_report(installation.database, campaign, at)
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _WIDE
    heading, *rows = summary_table(data)
    _show(console, f"Sends of {campaign}, each with its evaluation", heading, rows)
    _show_pooled(console, data, judged)
    _show_overall(console, data)
    _show_ledger(console, data)
    held = hold_zero(data) if judged is None else hold_truth(judged)
    console.print(f"{held}.", markup=False)
    if note:
        console.print(note, markup=False)
    _write_pages(console, installation, data)
    return complaints(data, held)


def _write_pages(console: Console, installation: Installation, data: ReportData) -> None:
    folder = installation.settings.reports_folder
    folder.mkdir(parents=True, exist_ok=True)
    for locale in ("en", "zh-CN"):
        file = folder / f"{wiring.artifact_key(data.campaign)}.{locale}.html"
        file.write_text(render_report(data, locale), encoding="utf-8")
        console.print(f"Report ({locale}): {file}", markup=False, soft_wrap=True)


def _show(console: Console, title: str, heading: list[str], rows: list[list[str]]) -> None:
    table = Table(title=title, title_justify="left")
    for name in heading:
        table.add_column(name)
    for row in rows:
        table.add_row(*row)
    console.print(table, markup=False)


def _show_pooled(console: Console, data: ReportData, judged: Sequence[Judged] | None) -> None:
    heading = ["wave", "sends", "rate", "natural", "difference", "95 % interval", "verdict"]
    if judged is not None:
        heading += ["true difference", "held by the interval"]
    rows = [
        [
            subject(one, _WORDS),
            f"{one.sends}",
            _share(one.rate),
            _share(one.natural_rate),
            *_estimate(one.difference, one.verdict),
            *([] if judged is None else _truth(one, judged)),
        ]
        for one in data.headlines
    ]
    if rows:
        _show(console, "All sends of a wave together", heading, rows)


def _truth(one: Pooled, judged: Sequence[Judged]) -> list[str]:
    """The sends' truths, weighted as the estimate weighs the sends (Mantel-Haenszel)."""
    alike = [
        (item.truth, _weight(item))
        for item in judged
        if item.truth is not None
        and (item.evaluation.kind, item.evaluation.wave) == (one.kind, one.wave)
    ]
    together = sum(weight for _, weight in alike)
    interval = one.difference.interval
    if not together or interval is None:
        return ["", ""]
    truth = sum(truth * weight for truth, weight in alike) / together
    return [f"{truth:+.1%}", "yes" if interval.low <= truth <= interval.high else "no"]


def _weight(item: Judged) -> float:
    effect = item.result.effect
    treated, control = effect.treated.sums.assigned, effect.control.sums.assigned
    return treated * control / (treated + control) if treated and control else 0.0


def _show_overall(console: Console, data: ReportData) -> None:
    rows = [
        [_name(item), f"{item.day}", *_estimate(effect.difference, effect.verdict)]
        for item in data.evaluations
        if item.result is not None and (effect := item.result.effect)
    ]
    if rows:
        heading = ["evaluation", "day", "difference", "95 % interval", "verdict"]
        _show(console, "Groups and the whole, against the campaign's holdout", heading, rows)


def _name(item: StoredEvaluation) -> str:
    if item.kind is EvaluationKind.GROUP:
        return group_name(item.scope, _WORDS)
    return _WORDS.say("subject.overall")


def _estimate(difference: Estimate, verdict: Verdict) -> list[str]:
    interval = difference.interval
    return [
        "" if difference.value is None else f"{difference.value:+.1%}",
        f"{interval.low:+.1%} … {interval.high:+.1%}" if interval else "",
        _WORDS.say(f"verdict.{verdict}"),
    ]


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"


def _show_ledger(console: Console, data: ReportData) -> None:
    rows = [[*map(str, row)] for row in ledger(data, _WORDS).rows]
    rows.append(["together", "", f"{data.ledger_sum:,}"])
    rows.append(["planned rows of all sends", "", f"{data.planned_rows:,}"])
    _show(console, "The ledger", ["state", "reason", "messages"], rows)
    waited = put_offs(data, _WORDS)
    if waited.rows:
        heading = [_WORDS.say(f"column.{column}") for column in waited.columns]
        rows = [[*map(str, row)] for row in waited.rows]
        _show(console, _WORDS.say("heading.put_offs"), heading, rows)
    same = "adds up" if data.ledger_sum == data.planned_rows else "DOES NOT ADD UP"
    console.print(f"The ledger {same}.", markup=False)
