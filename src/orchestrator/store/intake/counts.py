"""What one merge did."""

from collections import Counter
from dataclasses import dataclass, field

from orchestrator.domain.coupons import CodeFate


@dataclass(frozen=True, slots=True)
class Counts:
    """Of one table."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.inserted + other.inserted,
            self.updated + other.updated,
            self.unchanged + other.unchanged,
        )


@dataclass(frozen=True, slots=True)
class Merged:
    counts: dict[str, Counts]  #: by table
    codes: Counter[CodeFate] = field(default_factory=Counter)  #: what became of those on orders
