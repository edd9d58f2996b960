"""When a campaign stops itself: more goes wrong than chance explains."""

from dataclasses import dataclass
from math import exp, lgamma, log, log1p

RECENT = 500  #: outcomes that are looked at, the newest


@dataclass(frozen=True, slots=True)
class BreakerLimits:
    """Shares of the recent outcomes, 0–1, that a campaign may have and go on."""

    failures: float = 0.05  #: refused by the provider, or its answer lost
    refusals: float = 0.02  #: people who opted out or complained
    # Looked at after every batch, so far stricter than a single test would be.
    significance: float = 1e-4


DEFAULT_LIMITS = BreakerLimits()


def is_over(count: int, among: int, limit: float, significance: float) -> bool:
    """Return whether ``count`` or more of ``among`` is too unlikely at the limit (exact binomial)."""
    return count > among * limit and upper_tail(count, among, limit) < significance


def upper_tail(count: int, among: int, share: float) -> float:
    """P(X ≥ count) for X ~ Binomial(among, share)."""
    if count <= 0:
        return 1.0
    return min(1.0, sum(_probability(k, among, share) for k in range(count, among + 1)))


def _probability(count: int, among: int, share: float) -> float:
    ways = lgamma(among + 1) - lgamma(count + 1) - lgamma(among - count + 1)
    return exp(ways + count * log(share) + (among - count) * log1p(-share))
