"""Evaluate what is due: sums from the database, statistics, a row that never changes again."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from orchestrator.domain.evaluations import (
    Cell,
    EvaluationKind,
    WaitReason,
    hindrance,
    read_group_scope,
)
from orchestrator.playbooks.model import Definition
from orchestrator.playbooks.reading import reopen_playbook
from orchestrator.services.findings import result_of
from orchestrator.store import campaigns, evaluations
from orchestrator.store.campaigns import StoredCampaign
from orchestrator.store.cohorts import Question
from orchestrator.store.database import Connection, Database
from orchestrator.store.evaluations import StoredEvaluation
from orchestrator.store.outcomes import sums

REVISED_FOR = timedelta(days=90)  #: after its send, an evaluation follows later refunds this long
REVISED_EVERY = timedelta(days=1)  #: a row a day says as much as one a refund, and can be read


@dataclass(frozen=True, slots=True)
class Postponed:
    evaluation_id: int
    until: datetime
    reason: WaitReason


@dataclass(frozen=True, slots=True)
class EvaluateReport:
    recorded: tuple[int, ...]  #: ids of the rows
    postponed: tuple[Postponed, ...]


@dataclass(frozen=True, slots=True)
class ReviseReport:
    looked_at: int
    revised: tuple[int, ...]  #: ids of the new rows


@dataclass(frozen=True, slots=True)
class _Campaign:
    stored: StoredCampaign
    definition: Definition


def pinned_definition(campaign: StoredCampaign) -> Definition:
    return reopen_playbook(campaign.files).definition


DefinitionOf = Callable[[StoredCampaign], Definition]


def evaluate(
    database: Database, now: datetime, *, definition_of: DefinitionOf = pinned_definition
) -> EvaluateReport:
    """
    Record every evaluation whose moment has come, and put off those that would be early.

    A process that evaluates often passes a ``definition_of`` that remembers what it has read.
    """
    with database.read() as connection:
        due = evaluations.due(connection, now)
        running = _campaigns_of(connection, due, definition_of)
    outcomes = [_evaluate_one(database, item, running[item.campaign_id], now) for item in due]
    return EvaluateReport(
        recorded=tuple(outcome for outcome in outcomes if isinstance(outcome, int)),
        postponed=tuple(outcome for outcome in outcomes if isinstance(outcome, Postponed)),
    )


def revise(
    database: Database, now: datetime, *, definition_of: DefinitionOf = pinned_definition
) -> ReviseReport:
    """Record a new revision of each evaluation that later refunds or late orders have changed."""
    with database.read() as connection:
        candidates = evaluations.outdated(connection, now - REVISED_FOR)
        running = _campaigns_of(connection, candidates, definition_of)
    revised = [_revise_one(database, item, running[item.campaign_id], now) for item in candidates]
    with database.write() as connection:
        evaluations.set_revised_at(connection, now)
    return ReviseReport(len(candidates), tuple(new for new in revised if new is not None))


def revise_daily(
    database: Database, now: datetime, *, definition_of: DefinitionOf = pinned_definition
) -> ReviseReport:
    """Revise where that was not done within a day: a tick asks one row."""
    with database.read() as connection:
        last = evaluations.revised_at(connection)
    if last is not None and last <= now < last + REVISED_EVERY:
        return ReviseReport(0, ())
    return revise(database, now, definition_of=definition_of)


def _evaluate_one(
    database: Database, item: StoredEvaluation, campaign: _Campaign, now: datetime
) -> int | Postponed | None:
    question = question_of(item, campaign.stored, campaign.definition)
    with database.read() as connection:
        found = sums(connection, question)
    wait = hindrance(found, campaign.definition.evaluate.lag.timedelta, now)
    with database.write() as connection:
        if wait is not None:
            evaluations.put_off(connection, item.id, wait.until)
            return Postponed(item.id, wait.until, wait.reason)
        result = result_of(item, campaign.stored, question, found)
        first = evaluations.record(connection, item.id, result, now)
    # Where another process was first, its row counts; nothing is lost.
    return item.id if first else None


def _revise_one(
    database: Database, item: StoredEvaluation, campaign: _Campaign, now: datetime
) -> int | None:
    question = question_of(item, campaign.stored, campaign.definition)
    with database.read() as connection:
        found = sums(connection, question)
    if item.result is not None and _alike(found.cells, item.result.cells):
        return None
    result = result_of(item, campaign.stored, question, found)
    with database.write() as connection:
        return evaluations.add_revision(connection, item, result, now)


def _alike(found: Iterable[Cell], recorded: Iterable[Cell]) -> bool:
    """Whole numbers decide: a database may add up squares in another order each time."""
    return [replace(cell, revenue_squares=0.0) for cell in found] == [
        replace(cell, revenue_squares=0.0) for cell in recorded
    ]


def _campaigns_of(
    connection: Connection, items: Iterable[StoredEvaluation], definition_of: DefinitionOf
) -> dict[int, _Campaign]:
    found = {}
    for campaign_id in sorted({item.campaign_id for item in items}):
        stored = campaigns.get(connection, campaign_id)
        found[campaign_id] = _Campaign(stored, definition_of(stored))
    return found


def question_of(item: StoredEvaluation, stored: StoredCampaign, definition: Definition) -> Question:
    track, category = (
        read_group_scope(item.scope) if item.kind is EvaluationKind.GROUP else (None, None)
    )
    return Question(
        kind=item.kind,
        send_id=item.send_id,
        campaign_id=item.campaign_id,
        wave=item.wave,
        currency=stored.shop.currency,
        definition=definition,
        window=_window(item.kind, definition),
        track=track,
        category=category,
    )


def _window(kind: EvaluationKind, definition: Definition) -> timedelta:
    spans = definition.evaluate
    if kind is EvaluationKind.SEND:
        return spans.sends.timedelta
    span = spans.groups if kind is EvaluationKind.GROUP else spans.overall and spans.overall.span
    if span is None:
        raise ValueError(f"the playbook asks for no {kind} evaluation")
    return span.timedelta
