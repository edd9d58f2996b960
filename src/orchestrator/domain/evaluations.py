"""What an evaluation compares, when it may be recorded, and what is written down for good."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from pydantic import TypeAdapter

from orchestrator.domain.arms import Arm
from orchestrator.domain.effects import Effect

LAYOUT = 1  #: of the recorded result; a reader refuses any other
RECHECK = timedelta(hours=6)  #: how long to wait when nobody can say until when


class EvaluationKind(StrEnum):
    SEND = "send"  #: one send against those withheld from it
    GROUP = "group"  #: one track and category against the campaign's holdout
    OVERALL = "overall"  #: everybody against the campaign's holdout


class Control(StrEnum):
    """Where the natural rate comes from."""

    WAVE_HOLDOUT = "wave_holdout"
    CAMPAIGN_HOLDOUT = "campaign_holdout"
    NONE = "none"  #: nobody was held out: a response rate, but no effect


class WaitReason(StrEnum):
    MESSAGES_OPEN = "messages_open"  #: what became of a message is not known yet
    WINDOW_OPEN = "window_open"  #: somebody's window, or the wait for late orders, is not over


def group_scope(track: str, category: str | None) -> str:
    return f"{track}/{category or ''}"


def read_group_scope(scope: str) -> tuple[str, str | None]:
    track, _, category = scope.partition("/")
    return track, category or None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Sums over everybody assigned to one arm and variant in one track."""

    track: str
    arm: Arm
    variant: str | None
    assigned: int
    accepted: int  #: of them, had a message accepted
    delivered: int
    responders: int  #: bought at least once in their own window
    orders: int
    order_squares: int  #: sum over customers of their orders, squared
    revenue: int  #: minor units, net of refunds
    revenue_squares: float
    buyers: int  #: whose revenue is not zero
    other_orders: int  #: orders in another currency, not in any figure
    message_cost: int  #: thousandths of a minor unit
    coupons_issued: int
    coupons_redeemed: int  #: within the window
    discount: int  #: minor units, of these redemptions


@dataclass(frozen=True, slots=True)
class Sums:
    """What one statement says about an evaluation."""

    cells: tuple[Cell, ...]
    open_messages: int
    last_window_ends_at: datetime | None  #: none where nobody is compared


@dataclass(frozen=True, slots=True)
class Wait:
    until: datetime
    reason: WaitReason


def hindrance(sums: Sums, lag: timedelta, now: datetime) -> Wait | None:
    """
    Return what stands against recording now, None where nothing does.

    Recorded early, an evaluation would miss the orders still to come, and would stay wrong for good.
    """
    complete_at = sums.last_window_ends_at + lag if sums.last_window_ends_at else now
    if sums.open_messages:
        return Wait(max(complete_at, now + RECHECK), WaitReason.MESSAGES_OPEN)
    if complete_at > now:
        return Wait(complete_at, WaitReason.WINDOW_OPEN)
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Definitions:
    """How each number of a result came about."""

    control: Control
    planned_holdout: float  #: share, 0–1
    window_seconds: int
    lag_seconds: int
    window_begins: str
    window_ends: str
    statement: str
    margin: float
    level: float
    variant_level: float  #: raised when several variants are compared with one control


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One recorded evaluation."""

    kind: EvaluationKind
    scope: str
    campaign: str
    wave: str
    occurrence: int
    currency: str
    definitions: Definitions
    cells: tuple[Cell, ...]
    effect: Effect
    tracks: dict[str, Effect]
    variants: dict[str, Effect]
    sample_ratio_p: float | None
    layout: int = field(default=LAYOUT)

    def as_json(self) -> dict[str, Any]:
        dumped: dict[str, Any] = _RESULT.dump_python(self, mode="json")
        return dumped

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Read what `as_json` wrote; ValueError on another layout."""
        if data.get("layout") != LAYOUT:
            raise ValueError(f"a recorded result has layout {data.get('layout')}, not {LAYOUT}")
        return _RESULT.validate_python(data)  # type: ignore[return-value]


_RESULT: TypeAdapter[Result] = TypeAdapter(Result)
