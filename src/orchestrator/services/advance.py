"""Carry every running campaign forward: the one place that lists the steps."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from orchestrator.domain.messages import Channel
from orchestrator.domain.providers import Provider
from orchestrator.playbooks import Definition
from orchestrator.services.dispatch import DispatchReport, OpenedTexts, dispatch
from orchestrator.services.enroll import enroll
from orchestrator.services.evaluate import (
    EvaluateReport,
    ReviseReport,
    evaluate,
    revise_daily,
)
from orchestrator.services.lives import Life
from orchestrator.services.plan import PlanReport, plan
from orchestrator.services.quarantine import DatabaseQuarantinedError
from orchestrator.services.reconcile import ReconcileReport, reconcile
from orchestrator.services.track import TrackReport, track_all
from orchestrator.store import campaigns, coupons
from orchestrator.store.audience.windows import window_of
from orchestrator.store.campaigns import StoredCampaign
from orchestrator.store.database import Database
from orchestrator.store.intake import runs

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvanceReport:
    enrolled: Mapping[str, int]  #: by campaign
    planned: Mapping[str, PlanReport]  #: by campaign
    dispatched: DispatchReport
    tracked: TrackReport
    reconciled: ReconcileReport
    evaluated: EvaluateReport
    revised: ReviseReport
    expired_coupons: int
    finished: tuple[str, ...]  #: campaigns in which nothing is left to do
    half_in: tuple[str, ...]  #: files with more to come: nobody was enrolled

    @property
    def quarantined(self) -> str | None:
        """Why nothing is sent until a person confirms, and how they do; the other steps went on."""
        return self.dispatched.quarantined


@dataclass(slots=True)
class _Campaigns:
    enrolled: dict[str, int] = field(default_factory=dict)
    planned: dict[str, PlanReport] = field(default_factory=dict)
    half_in: tuple[str, ...] = ()


def advance(
    database: Database,
    providers: Mapping[Channel, Provider],
    *,
    now: Clock,
    life: Life,
    texts: OpenedTexts,
    random_bytes: Callable[[int], bytes],
    progress: Callable[[int], None] | None = None,
    stopping: Callable[[], bool] = lambda: False,
) -> AdvanceReport:
    """
    Do all that is due, and nothing twice: early, late, again or beside itself ends the same.

    The hand-over between the steps is the database; none calls another.
    """
    moment = now()

    def definition_of(campaign: StoredCampaign) -> Definition:
        return texts(campaign).definition

    with database.write() as connection:
        expired = coupons.expire(connection, moment)
    prepared = _enroll_and_plan(database, texts, moment, random_bytes)
    dispatched = _unless_quarantined(
        partial(
            dispatch,
            database,
            providers,
            now=now,
            life=life,
            texts=texts,
            progress=progress,
            stopping=stopping,
        )
    )
    return AdvanceReport(
        enrolled=prepared.enrolled,
        planned=prepared.planned,
        dispatched=dispatched,
        tracked=track_all(database, providers, now()),
        reconciled=reconcile(database, providers, now=now(), life=life),
        evaluated=evaluate(database, now(), definition_of=definition_of),
        revised=revise_daily(database, now(), definition_of=definition_of),
        expired_coupons=expired,
        # Whoever the rest of a file brings in is still to come.
        finished=() if prepared.half_in else _finish(database, texts, now()),
        half_in=prepared.half_in,
    )


def _unless_quarantined(send: Callable[[], DispatchReport]) -> DispatchReport:
    try:
        return send()
    except DatabaseQuarantinedError as error:
        # Whether these messages may go is for a person; all else is as true as before.
        return DispatchReport(counts={}, quarantined=str(error))


def _enroll_and_plan(
    database: Database,
    texts: OpenedTexts,
    now: datetime,
    random_bytes: Callable[[int], bytes],
) -> _Campaigns:
    with database.read() as connection:
        running = campaigns.in_state(connection, "running")
        done = _Campaigns(half_in=tuple(runs.half_in(connection, now)))
    for campaign in running:
        definition = texts(campaign).definition
        done.enrolled[campaign.name] = enroll(database, campaign, definition, now)
        done.planned[campaign.name] = plan(
            database, campaign, definition, now=now, random_bytes=random_bytes
        )
    return done


def _finish(database: Database, texts: OpenedTexts, now: datetime) -> tuple[str, ...]:
    with database.read() as connection:
        over = [
            campaign
            for campaign in campaigns.in_state(connection, "running")
            if _has_ended(campaign, texts(campaign).definition, now)
            and campaigns.is_complete(connection, campaign.id)
        ]
    if not over:
        return ()
    with database.write() as connection:
        # A person may have paused or stopped one meanwhile, and that stays.
        return tuple(
            campaign.name
            for campaign in over
            if campaigns.set_state(connection, campaign.id, "done", None, only_from="running")
        )


def _has_ended(campaign: StoredCampaign, definition: Definition, now: datetime) -> bool:
    """Whether nobody can come in any more: evergreen campaigns never end by themselves."""
    window = window_of(definition.audience, definition.zone)
    return window is not None and campaign.enrolled_seen is not None and now >= window.ends
