"""One page that needs nothing else: no network, no script; for the screen, for paper, for the dark."""

import re
from functools import lru_cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from orchestrator.domain.evaluations import EvaluationKind
from orchestrator.services.pooled import Pooled
from orchestrator.services.report.charts import Chart, draw
from orchestrator.services.report.data import ReportData
from orchestrator.services.report.sentences import sentence, subject
from orchestrator.services.report.tables import sends, tables_of, warnings
from orchestrator.services.report.words import Words, words_of

_NOTES = (
    "assigned", "window", "natural", "rate", "variants", "revenue", "cost", "contribution",
    "additive",
)  # fmt: skip
# Where the drawings begin and end, in the units of their view boxes.
_FOREST = (250.0, 700.0)
_LOOPS = (250.0, 30.0)  # upwards
_MARKDOWN = re.compile(r"([\\`*_\[\]<>|#])")


def render_report(data: ReportData, locale: str) -> str:
    """Return the report as one self-contained HTML page; LocaleUnknownError for a locale without words."""
    return _template("report.html.j2").render(_context(data, words_of(locale)))


def report_markdown(data: ReportData, locale: str) -> str:
    """Return the report as Markdown, without drawings."""
    return _template("report.md.j2").render(_context(data, words_of(locale)))


def summary_table(data: ReportData, locale: str = "en") -> list[list[str]]:
    """Return the table of sends as plain rows, the first one its heading."""
    words = words_of(locale)
    table = sends(data, words)
    heading = [words.say(f"column.{column}") for column in table.columns]
    return [heading, *([str(entry) for entry in row] for row in table.rows)]


def _context(data: ReportData, words: Words) -> dict[str, Any]:
    return {
        "data": data,
        "words": words,
        "say": words.say,
        "sentences": [(one.verdict.value, sentence(one, words)) for one in data.headlines],
        "waiting": _waiting(data, words),
        "tables": tables_of(data, words),
        "warnings": [words.say(f"flag.{flag}") for flag in warnings(data)],
        "notes": _notes(data, words),
        "forest": _forest(data),
        "loops": _loops(data),
        "name": lambda one: subject(one, words),
    }


def _waiting(data: ReportData, words: Words) -> str:
    if data.pooled:
        return ""
    if data.next_due_on is None:
        return words.say("sentence.nothing_due")
    return words.say("sentence.nothing_yet", day=words.day(data.next_due_on))


def _notes(data: ReportData, words: Words) -> list[str]:
    values = {
        "window": words.length(data.window_seconds),
        "lag": words.length(data.lag_seconds),
        "currency": data.currency,
        "margin": words.share(data.margin),
    }
    balance = words.say(
        "note.sum", planned=words.whole(data.planned_rows), total=words.whole(data.ledger_sum)
    )
    return [*(words.say(f"note.{name}", **values) for name in _NOTES), balance]


def _forest(data: ReportData) -> Chart | None:
    groups = data.pooled_by(EvaluationKind.GROUP)
    parts: list[Pooled] = []
    for one in data.headlines:
        parts.append(one)
        if one.kind is EvaluationKind.SEND:
            parts += [
                part
                for part in data.pooled
                if part.wave == one.wave and (part.track or part.occurrence is not None)
            ]
    return draw([*parts, *groups], *_FOREST)


def _loops(data: ReportData) -> list[tuple[str, Chart]]:
    drawn = ((wave, draw(data.occurrences(wave), *_LOOPS)) for wave in sorted(data.repeating_waves))
    # One point is no line.
    return [(wave, chart) for wave, chart in drawn if chart and len(chart.marks) > 1]


@lru_cache(maxsize=2)
def _template(name: str) -> Template:
    environment = Environment(
        loader=PackageLoader("orchestrator.services.report", "templates"),
        autoescape=name.endswith(".html.j2"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["cell"] = _cell
    return environment.get_template(name)


def _cell(text: str) -> str:
    """Keep a shop's own words from becoming Markdown."""
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))
