"""What each evaluation should have found, from both potential outcomes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from orchestrator.domain.arms import Arm
from orchestrator.domain.evaluations import EvaluationKind, Result
from orchestrator.playbooks.model import Definition
from orchestrator.services.evaluate import question_of
from orchestrator.services.simulate.behaviour import Behaviour
from orchestrator.services.simulate.shop import customer_number
from orchestrator.services.simulate.timeline import Timeline
from orchestrator.services.simulate.world import World
from orchestrator.store import evaluations, simulation
from orchestrator.store.campaigns import StoredCampaign
from orchestrator.store.database import Connection
from orchestrator.store.evaluations import StoredEvaluation
from orchestrator.store.simulation import Compared

_MICROS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A recorded evaluation beside the truth: the rise of the response rate, 0–1."""

    evaluation: StoredEvaluation
    result: Result
    truth: float | None  #: none where nobody was treated

    @property
    def covered(self) -> bool | None:
        """Whether the interval holds the truth; none where one of them is missing."""
        interval = self.result.effect.difference.interval
        if interval is None or self.truth is None:
            return None
        return interval.low <= self.truth <= interval.high


def judge(
    connection: Connection,
    campaign: StoredCampaign,
    definition: Definition,
    behaviour: Behaviour,
    world: World,
) -> list[Judged]:
    """
    Return every recorded evaluation with the mean difference of the two outcomes in its cohort.

    Of a send: over everybody the lot was drawn for, since both of their outcomes are known. Of a
    group or the whole: over the treated, whose purchases without any message are known.
    """
    caused = world.caused()
    judged = []
    for item in evaluations.latest(connection, campaign.id):
        if item.result is None:
            continue
        cohort = simulation.compared(connection, question_of(item, campaign, definition))
        if item.kind is EvaluationKind.SEND:
            truth = _moved_share(cohort, world)
        else:
            truth = _gained_share(cohort, behaviour.purchases, caused)
        judged.append(Judged(evaluation=item, result=item.result, truth=truth))
    return judged


def _moved_share(cohort: Sequence[Compared], world: World) -> float | None:
    if not cohort:
        return None
    moved = world.moved
    within = sum(one.unit in moved and moved[one.unit] * _MICROS <= one.ends for one in cohort)
    return within / len(cohort)


def _gained_share(cohort: Sequence[Compared], natural: Timeline, caused: Timeline) -> float | None:
    treated = [one for one in cohort if one.arm is Arm.TREATED]
    if not treated:
        return None
    customer = np.array([customer_number(one.customer_id) for one in treated])
    starts = np.array([one.starts // _MICROS for one in treated])
    ends = np.array([one.ends // _MICROS for one in treated])
    anyway = natural.any_between(customer, starts, ends)
    gained = caused.any_between(customer, starts, ends) & ~anyway
    return float(gained.mean())
