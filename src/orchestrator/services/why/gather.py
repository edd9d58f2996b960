"""Gather what was written down about one customer and ask the rules again."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from orchestrator.domain.arms import campaign_salt, draw_lot, lots_of, wave_salt
from orchestrator.domain.evaluations import EvaluationKind, group_scope
from orchestrator.domain.messages import Reason
from orchestrator.playbooks import Definition, reopen_playbook
from orchestrator.playbooks.schedule import steps_of, tracks_beginning
from orchestrator.services.why.story import (
    CampaignStory,
    MessageStory,
    NextStep,
    WalkStory,
    Why,
)
from orchestrator.store import campaigns
from orchestrator.store.audience import OrderVerdict, explain
from orchestrator.store.campaigns import StoredCampaign
from orchestrator.store.database import Connection, Database
from orchestrator.store.inspection import customers
from orchestrator.store.inspection.customers import (
    Attempted,
    Counted,
    Enrolled,
    Happened,
    Waited,
    Written,
)

_Row = TypeVar("_Row")


class CustomerUnknownError(Exception):
    """No customer has this number."""


class CampaignUnknownError(Exception):
    """No campaign has this name."""


def pinned_definition(campaign: StoredCampaign) -> Definition:
    return reopen_playbook(campaign.files).definition


def why(
    database: Database,
    customer: str,
    campaign: str | None,
    now: datetime,
    *,
    definition_of: Callable[[StoredCampaign], Definition] = pinned_definition,
) -> Why:
    """
    Return everything decided about the customer, of one campaign or of all.

    They are asked for by the shop's own number, or by ours: ``id:42``.

    The rules are asked as of ``now``, by the SQL that enrolls. Raises CustomerUnknownError and
    CampaignUnknownError.
    """
    with database.read() as connection:
        profile = customers.profile(connection, customer)
        if profile is None:
            raise CustomerUnknownError(
                f"no customer {customer!r}. It is the number that the shop's export gives them"
            )
        papers = _papers(connection, profile.id)
        return Why(
            profile=profile,
            consents=customers.consents_of(connection, profile.id),
            suppressions=customers.suppressions_of(connection, profile.id),
            elsewhere=customers.said_elsewhere(connection, profile.id),
            campaigns=tuple(
                _story(connection, _Case(profile.customer, one, definition_of(one), now), papers)
                for one in _chosen(connection, campaign)
            ),
        )


@dataclass(frozen=True, slots=True)
class _Case:
    """One customer in one campaign."""

    customer: str
    campaign: StoredCampaign
    definition: Definition
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Papers:
    """What is written down about the customer's enrollments in all campaigns."""

    person: str
    enrolled: tuple[Enrolled, ...]
    written: tuple[Written, ...]
    waits: Mapping[int, tuple[Waited, ...]]  #: by message
    attempts: Mapping[int, tuple[Attempted, ...]]  #: by message
    events: Mapping[int, tuple[Happened, ...]]  #: by message
    evaluations: Mapping[int, tuple[Counted, ...]]  #: by send


def _papers(connection: Connection, customer_id: int) -> _Papers:
    enrolled = customers.enrollments_of(connection, customer_id)
    written = customers.messages_of(connection, [one.id for one in enrolled])
    ids, sends = [one.id for one in written], sorted({one.send_id for one in written})
    return _Papers(
        person=customers.person(connection, customer_id),
        enrolled=enrolled,
        written=written,
        waits=_by("message_id", customers.put_offs_of(connection, ids)),
        attempts=_by("message_id", customers.attempts_on(connection, ids)),
        events=_by("message_id", customers.events_of(connection, ids)),
        evaluations=_by("send_id", customers.evaluations_of(connection, sends)),
    )


def _by(key: str, rows: Iterable[_Row]) -> dict[int, tuple[_Row, ...]]:
    found: defaultdict[int, tuple[_Row, ...]] = defaultdict(tuple)
    for row in rows:
        found[getattr(row, key)] += (row,)
    return found


def _chosen(connection: Connection, name: str | None) -> list[StoredCampaign]:
    if name is None:
        return campaigns.every(connection)
    found = campaigns.find(connection, name)
    if found is None:
        known = ", ".join(one.name for one in campaigns.every(connection)) or "none"
        raise CampaignUnknownError(f"no campaign {name!r}. There are: {known}")
    return [found]


def _story(connection: Connection, case: _Case, papers: _Papers) -> CampaignStory:
    campaign = case.campaign
    own = next((one for one in papers.enrolled if one.campaign_id == campaign.id), None)
    verdicts = explain(
        connection,
        case.definition,
        case.customer,
        now=case.now,
        launched_at=campaign.launched_at,
        currency=campaign.shop.currency,
    )
    return CampaignStory(
        campaign=campaign.name,
        state=campaign.state,
        timezone=case.definition.timezone,
        walk=None if own is None else _walk(case, own, papers),
        outside=_outside(case.customer, own, verdicts),
        orders=tuple(verdicts),
    )


def _walk(case: _Case, enrolled: Enrolled, papers: _Papers) -> WalkStory:
    return WalkStory(
        enrolled=enrolled,
        lot=draw_lot(papers.person, campaign_salt(case.campaign.salt)),
        held_out_below=lots_of(case.definition.holdout),
        messages=tuple(
            _message(case, enrolled, one, papers)
            for one in papers.written
            if one.enrollment_id == enrolled.id
        ),
        next=_next(case.definition, enrolled),
    )


def _message(case: _Case, enrolled: Enrolled, one: Written, papers: _Papers) -> MessageStory:
    salt = wave_salt(case.campaign.salt, one.wave, one.occurrence)
    return MessageStory(
        message=one,
        lot=draw_lot(papers.person, salt),
        withheld_below=lots_of(case.definition.wave_named(one.wave).holdout),
        waits=papers.waits.get(one.id, ()),
        attempts=papers.attempts.get(one.id, ()),
        events=papers.events.get(one.id, ()),
        evaluations=tuple(
            item
            for item in papers.evaluations.get(one.send_id, ())
            if _counts(item, case.definition, one, enrolled)
        ),
    )


def _counts(item: Counted, definition: Definition, one: Written, enrolled: Enrolled) -> bool:
    """Whether the evaluation of the message's send counts this customer."""
    match item.kind:
        case EvaluationKind.SEND:
            return one.assigned
        case EvaluationKind.GROUP:
            return item.scope == group_scope(enrolled.track, enrolled.category)
        case _:
            return enrolled.track in tracks_beginning(definition, one.wave)


def _next(definition: Definition, enrolled: Enrolled) -> NextStep | None:
    if enrolled.wave is None:
        return None
    steps = steps_of(definition, enrolled.track)
    here = (enrolled.wave, enrolled.occurrence)
    follows = next((s.follows for s in steps if (s.wave, s.occurrence) == here), None)
    return NextStep(
        wave=enrolled.wave,
        occurrence=enrolled.occurrence,
        due_at=enrolled.due_at,
        waits_for=follows if enrolled.due_at is None else None,
    )


def _outside(
    customer: str, enrolled: Enrolled | None, verdicts: Sequence[OrderVerdict]
) -> Reason | None:
    if enrolled is not None:
        return None if enrolled.customer == customer else Reason.SAME_PERSON
    admitted = [verdict for verdict in verdicts if verdict.admitted]
    if not admitted:
        return Reason.OUTSIDE_AUDIENCE
    return Reason.NO_TRACK if admitted[0].track is None else None
