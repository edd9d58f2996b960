"""A campaign that goes wrong pauses itself, and says why."""

from collections.abc import Sequence
from datetime import datetime

from orchestrator.domain.breaker import RECENT, BreakerLimits, is_over
from orchestrator.store import audit, campaigns
from orchestrator.store.database import Database
from orchestrator.store.messages import recent
from orchestrator.store.messages.recent import Recent


def check(
    database: Database, campaign_ids: Sequence[int], *, limits: BreakerLimits, now: datetime
) -> list[int]:
    """Pause the running campaigns whose newest outcomes are worse than chance explains; return them."""
    with database.read() as connection:
        found = recent.outcomes(connection, campaign_ids, RECENT)
    reasons = {campaign: _reason(one, limits) for campaign, one in found.items()}
    tripped = {campaign: reason for campaign, reason in reasons.items() if reason}
    if not tripped:
        return []
    paused = []
    with database.write() as connection:
        for campaign_id, reason in sorted(tripped.items()):
            if not campaigns.set_state(
                connection, campaign_id, "paused", reason, only_from="running"
            ):
                continue
            audit.write(
                connection,
                at=now,
                actor="breaker",
                action="pause",
                subject=f"campaign:{campaign_id}",
                details={"reason": reason},
            )
            paused.append(campaign_id)
    return paused


def _reason(one: Recent, limits: BreakerLimits) -> str | None:
    if is_over(one.failures, one.outcomes, limits.failures, limits.significance):
        return f"{one.failures} of the last {one.outcomes} hand-overs failed"
    if is_over(one.refusals, one.outcomes, limits.refusals, limits.significance):
        return f"{one.refusals} of the last {one.outcomes} opted out or complained"
    return None
