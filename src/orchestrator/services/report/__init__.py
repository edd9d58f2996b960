"""The report of a campaign: gathered once, written as a page, as Markdown, or as plain rows."""

from orchestrator.services.report.build import build_report
from orchestrator.services.report.data import ReportData, SendLine
from orchestrator.services.report.page import (
    render_report,
    report_markdown,
    summary_table,
)
from orchestrator.services.report.view import report_view
from orchestrator.services.report.words import LOCALES, LocaleUnknownError

__all__ = [
    "LOCALES",
    "LocaleUnknownError",
    "ReportData",
    "SendLine",
    "build_report",
    "render_report",
    "report_markdown",
    "report_view",
    "summary_table",
]
