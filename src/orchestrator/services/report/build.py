"""Gather a report from the database."""

from datetime import datetime

from orchestrator.domain.evaluations import EvaluationKind
from orchestrator.playbooks.reading import reopen_playbook
from orchestrator.services.pooled import CampaignUnknownError, pool_all
from orchestrator.services.report.data import ReportData, SendLine
from orchestrator.store import campaigns, evaluations, ledger
from orchestrator.store.database import Database


def build_report(database: Database, campaign_name: str, now: datetime) -> ReportData:
    """Read one moment of a campaign; CampaignUnknownError where there is none of that name."""
    with database.read() as connection:
        campaign = campaigns.find(connection, campaign_name)
        if campaign is None:
            raise CampaignUnknownError(f"there is no campaign named {campaign_name}")
        found = evaluations.latest(connection, campaign.id)
        sent = ledger.sent(connection, campaign.id)
        enrolled = ledger.enrolled(connection, campaign.id)
        states = ledger.messages_by_state(connection, campaign.id)
        put_offs = ledger.put_offs_by_reason(connection, campaign.id)
        coupons = ledger.coupons_by_state(connection, campaign.id)
    definition = reopen_playbook(campaign.files).definition
    own = {item.send_id: item for item in found if item.kind is EvaluationKind.SEND}
    due = [item.due_at for item in found if item.recorded_at is None]
    zone = definition.zone
    return ReportData(
        campaign=campaign.name,
        title=definition.title,
        state=campaign.state,
        currency=campaign.shop.currency,
        zone=zone,
        launched_on=campaign.launched_at.astimezone(zone).date(),
        built_on=now.astimezone(zone).date(),
        window_seconds=int(definition.evaluate.sends.timedelta.total_seconds()),
        lag_seconds=int(definition.evaluate.lag.timedelta.total_seconds()),
        margin=campaign.shop.margin,
        repeating_waves=frozenset(wave.wave for wave in definition.waves if wave.repeat),
        sends=tuple(SendLine(row, own.get(row.send_id)) for row in sent),
        evaluations=tuple(item for item in found if item.kind is not EvaluationKind.SEND),
        pooled=pool_all(found),
        next_due_on=min(due).astimezone(zone).date() if due else None,
        enrolled=tuple(enrolled),
        ledger=tuple(states),
        put_offs=tuple(put_offs),
        coupons=tuple(coupons),
    )
