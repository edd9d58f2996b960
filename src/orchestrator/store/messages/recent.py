"""The newest outcomes of campaigns: what the breaker looks at."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, case, exists, func, select

from orchestrator.domain.messages import Fact
from orchestrator.domain.providers import Outcome
from orchestrator.store.tables import attempts, events, messages

_REACH = 4  #: campaigns that send side by side; further back nothing is looked for


@dataclass(frozen=True, slots=True)
class Recent:
    outcomes: int
    failures: int  #: refused, or the answer lost
    refusals: int  #: opted out or complained


def outcomes(connection: Connection, campaign_ids: Sequence[int], newest: int) -> dict[int, Recent]:
    """Return the counts among the last outcomes of all campaigns, by campaign."""
    last = (
        select(attempts.c.message_id, attempts.c.outcome)
        .where(attempts.c.outcome.is_not(None), attempts.c.outcome != Outcome.RETRY.value)
        .order_by(attempts.c.id.desc())
        .limit(newest * _REACH)
        .subquery()
    )
    refused = exists().where(
        events.c.message_id == messages.c.id, events.c.fact.in_([Fact.OPTED_OUT, Fact.COMPLAINED])
    )
    ranked = (
        select(
            messages.c.campaign_id,
            case((last.c.outcome == Outcome.ACCEPTED.value, 0), else_=1).label("failed"),
            case((refused, 1), else_=0).label("refused"),
            func.row_number()
            .over(partition_by=messages.c.campaign_id, order_by=last.c.message_id.desc())
            .label("place"),
        )
        .join(last, last.c.message_id == messages.c.id)
        .where(messages.c.campaign_id.in_(list(campaign_ids)))
        .subquery()
    )
    counted = (
        select(
            ranked.c.campaign_id,
            func.count().label("outcomes"),
            func.sum(ranked.c.failed).label("failures"),
            func.sum(ranked.c.refused).label("refusals"),
        )
        .where(ranked.c.place <= newest)
        .group_by(ranked.c.campaign_id)
    )
    return {
        row.campaign_id: Recent(row.outcomes, int(row.failures), int(row.refusals))
        for row in connection.execute(counted)
    }
