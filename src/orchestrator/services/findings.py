"""From the sums of one evaluation to the result that is written down."""

from collections.abc import Iterable
from dataclasses import fields

from orchestrator.domain.arms import LOTS, Arm, lots_of
from orchestrator.domain.effects import LEVEL, ArmSums, Effect, weigh
from orchestrator.domain.evaluations import (
    Cell,
    Control,
    Definitions,
    EvaluationKind,
    Result,
    Sums,
)
from orchestrator.playbooks.model import Definition
from orchestrator.statistics import SampleRatio, sample_ratio
from orchestrator.store.campaigns import StoredCampaign
from orchestrator.store.cohorts import Question
from orchestrator.store.evaluations import StoredEvaluation
from orchestrator.store.outcomes import STATEMENT


def result_of(
    item: StoredEvaluation, campaign: StoredCampaign, question: Question, sums: Sums
) -> Result:
    """Compare the arms as a whole, by track, and each variant with the whole control."""
    definition, margin = question.definition, campaign.shop.margin
    holdout = planned_holdout(item, definition)
    ratio = _ratio(sums.cells, holdout)
    variants = _variants(item, definition, sums.cells)
    variant_level = 1 - (1 - LEVEL) / max(1, len(variants))
    return Result(
        kind=item.kind,
        scope=item.scope,
        campaign=campaign.name,
        wave=item.wave,
        occurrence=item.occurrence,
        currency=question.currency,
        definitions=_definitions(item, question, holdout, margin, variant_level),
        cells=sums.cells,
        effect=_effect(sums.cells, margin, ratio),
        tracks={
            track: _effect(cells, margin, _ratio(cells, holdout))
            for track, cells in _by_track(sums.cells).items()
        },
        variants={
            name: _effect(cells, margin, _ratio(cells, _beside(holdout, share)), variant_level)
            for name, (share, cells) in variants.items()
        },
        sample_ratio_p=ratio.p_value if ratio else None,
    )


def arm_sums(cells: Iterable[Cell], arm: Arm) -> ArmSums:
    chosen = [cell for cell in cells if cell.arm is arm]
    return ArmSums(
        **{f.name: sum(getattr(cell, f.name) for cell in chosen) for f in fields(ArmSums)}
    )


def planned_holdout(item: StoredEvaluation, definition: Definition) -> float:
    """Return the share the lot really holds out: lots are whole."""
    by_send = item.kind is EvaluationKind.SEND
    share = definition.wave_named(item.wave).holdout if by_send else definition.holdout
    return lots_of(share) / LOTS


def _effect(
    cells: Iterable[Cell], margin: float, ratio: SampleRatio | None, level: float = LEVEL
) -> Effect:
    cells = list(cells)
    control, treated = arm_sums(cells, Arm.HOLDOUT), arm_sums(cells, Arm.TREATED)
    return weigh(control, treated, margin=margin, ratio=ratio, level=level)


def _ratio(cells: Iterable[Cell], holdout: float) -> SampleRatio | None:
    """Compare the sizes of the arms with the plan; none where nobody was to be held out."""
    if not holdout:
        return None
    cells = list(cells)
    sizes = [arm_sums(cells, arm).assigned for arm in (Arm.HOLDOUT, Arm.TREATED)]
    return sample_ratio(sizes, [holdout, 1 - holdout])


def _by_track(cells: Iterable[Cell]) -> dict[str, list[Cell]]:
    found: dict[str, list[Cell]] = {}
    for cell in cells:
        found.setdefault(cell.track, []).append(cell)
    return found


def _variants(
    item: StoredEvaluation, definition: Definition, cells: Iterable[Cell]
) -> dict[str, tuple[float, list[Cell]]]:
    """Return each variant's planned share and its cells, with those of the control."""
    if item.kind is not EvaluationKind.SEND:
        return {}
    cells = list(cells)
    return {
        variant.variant: (
            variant.share,
            [c for c in cells if c.arm is Arm.HOLDOUT or c.variant == variant.variant],
        )
        for variant in definition.wave_named(item.wave).variants
    }


def _beside(holdout: float, share: float) -> float:
    """The control's share among itself and one variant."""
    return holdout / (holdout + (1 - holdout) * share) if holdout else 0.0


def _definitions(
    item: StoredEvaluation,
    question: Question,
    holdout: float,
    margin: float,
    variant_level: float,
) -> Definitions:
    by_send = item.kind is EvaluationKind.SEND
    drawn = Control.WAVE_HOLDOUT if by_send else Control.CAMPAIGN_HOLDOUT
    ends = "last action" if item.kind is EvaluationKind.GROUP else "window start"
    return Definitions(
        control=drawn if holdout else Control.NONE,
        planned_holdout=holdout,
        window_seconds=int(question.window.total_seconds()),
        lag_seconds=int(question.definition.evaluate.lag.timedelta.total_seconds()),
        window_begins="would_go_at",
        window_ends=f"{ends} + window",
        statement=STATEMENT,
        margin=margin,
        level=LEVEL,
        variant_level=variant_level,
    )
