"""One figure from many sends: a wave, each of its repeats, a track, a group, the whole campaign."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from orchestrator.domain.arms import Arm
from orchestrator.domain.effects import Effect, Estimate, weigh
from orchestrator.domain.evaluations import Cell, EvaluationKind
from orchestrator.services.findings import arm_sums
from orchestrator.statistics import Flag, Rate, Stratum, Verdict, judge, pool
from orchestrator.store import campaigns, evaluations
from orchestrator.store.database import Database
from orchestrator.store.evaluations import StoredEvaluation


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooled:
    """
    The same comparison over several sends, each compared within itself.

    Rates and verdict are stratified by send. Money comes from the plain sums of both arms (`sums`),
    which is the same thing as long as every send holds out the same share, as one playbook does.
    """

    kind: EvaluationKind
    wave: str
    occurrence: int | None  #: none: all of them
    track: str | None
    scope: str
    sends: int
    rate: float | None  #: of the treated, weighted as the difference is
    natural_rate: float | None
    difference: Estimate
    p_value: float | None
    verdict: Verdict
    customers_to_decide: int | None
    flags: tuple[str, ...]
    sums: Effect


class CampaignUnknownError(Exception):
    """There is no campaign of that name."""


def pooled(database: Database, campaign_name: str) -> tuple[Pooled, ...]:
    """Pool what is recorded: overall, groups, waves, occurrences of those that repeat, and tracks."""
    with database.read() as connection:
        campaign = campaigns.find(connection, campaign_name)
        if campaign is None:
            raise CampaignUnknownError(f"there is no campaign named {campaign_name}")
        found = evaluations.latest(connection, campaign.id)
    return pool_all(found)


def pool_all(found: Iterable[StoredEvaluation]) -> tuple[Pooled, ...]:
    recorded = [item for item in found if item.result is not None]
    by_send = [item for item in recorded if item.kind is EvaluationKind.SEND]
    groups = [item for item in recorded if item.kind is EvaluationKind.GROUP]
    overall = [item for item in recorded if item.kind is EvaluationKind.OVERALL]
    waves = _grouped(by_send, lambda item: item.wave)
    return (
        *(_pool(items) for items in _grouped(overall, lambda item: item.wave)),
        *(_pool(items) for items in waves),
        *(one for items in waves for one in _occurrences(items)),
        *(one for items in waves for one in _tracks(items)),
        *(_pool(items, scope=items[0].scope) for items in _grouped(groups, lambda i: i.scope)),
    )


def _occurrences(items: list[StoredEvaluation]) -> list[Pooled]:
    repeats = _grouped(items, lambda item: item.occurrence)
    if len(repeats) == 1:
        return []
    return [_pool(repeat, occurrence=repeat[0].occurrence) for repeat in repeats]


def _tracks(items: list[StoredEvaluation]) -> list[Pooled]:
    tracks = sorted({cell.track for item in items for cell in _cells(item)})
    return [_pool(items, track=track) for track in tracks] if len(tracks) > 1 else []


def _pool(
    items: list[StoredEvaluation],
    *,
    occurrence: int | None = None,
    track: str | None = None,
    scope: str = "",
) -> Pooled:
    chosen = [[c for c in _cells(item) if track in {None, c.track}] for item in items]
    strata = [_stratum(cells) for cells in chosen]
    comparison = pool(strata)
    judged = judge(comparison, flags=_flags(items))
    every = [cell for cells in chosen for cell in cells]
    first = items[0]
    return Pooled(
        kind=first.kind,
        wave=first.wave,
        occurrence=occurrence,
        track=track,
        scope=scope,
        sends=len(items),
        rate=comparison.treated_rate,
        natural_rate=comparison.control_rate,
        difference=Estimate(comparison.difference, comparison.difference_interval),
        p_value=comparison.p_value,
        verdict=judged.verdict,
        customers_to_decide=judged.customers_to_decide,
        flags=tuple(sorted(judged.flags)),
        sums=weigh(
            arm_sums(every, Arm.HOLDOUT), arm_sums(every, Arm.TREATED), margin=_margin(first)
        ),
    )


def _stratum(cells: list[Cell]) -> Stratum:
    control, treated = arm_sums(cells, Arm.HOLDOUT), arm_sums(cells, Arm.TREATED)
    return Stratum(
        Rate(control.responders, control.assigned), Rate(treated.responders, treated.assigned)
    )


def _flags(items: list[StoredEvaluation]) -> set[Flag]:
    """One send whose arms have the wrong sizes spoils the pool."""
    found = {flag for item in items if item.result for flag in item.result.effect.flags}
    return {flag for flag in Flag if flag.value in found & _SPOILING}


_SPOILING = {Flag.SRM.value, Flag.NON_CAUSAL.value, Flag.WINDOW_INCOMPLETE.value}


def _cells(item: StoredEvaluation) -> tuple[Cell, ...]:
    return item.result.cells if item.result else ()


def _margin(item: StoredEvaluation) -> float:
    return item.result.definitions.margin if item.result else 0.0


def _grouped(
    items: Iterable[StoredEvaluation], key: Callable[[StoredEvaluation], object]
) -> list[list[StoredEvaluation]]:
    found: dict[object, list[StoredEvaluation]] = {}
    for item in items:
        found.setdefault(key(item), []).append(item)
    return list(found.values())
