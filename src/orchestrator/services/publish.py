"""Publish the reports that tell something new: each recorded evaluation is told of once."""

from collections.abc import Callable
from datetime import datetime

from orchestrator.services.report import build_report, report_markdown
from orchestrator.store import campaigns
from orchestrator.store.database import Database


def publish(
    database: Database,
    now: datetime,
    *,
    locale: str,
    hand_over: Callable[[str, str], None],
    asked_for: str = "",
) -> tuple[str, ...]:
    """
    Hand over (campaign, Markdown) where evaluations were recorded since the last report was.

    Whoever recorded them: the database remembers how many have been told of. It is told after the
    hand-over, so that one that fails is made up for by the next call. The campaign ``asked_for`` is
    published in any case. CampaignUnknownError where there is none of that name.
    """
    with database.read() as connection:
        untold = campaigns.with_untold_evaluations(connection)
    names = sorted({*untold, asked_for} - {""})
    for name in names:
        hand_over(name, report_markdown(build_report(database, name, now), locale))
        if name in untold:
            with database.write() as connection:
                campaigns.set_evaluations_reported(connection, name, untold[name])
    return tuple(names)
