"""Numbers in, named results out: what a comparison of two random arms says, and how sure that is.

Interval            a range, both ends within it
Rate                successes out of trials
Moments             count, sum, sum of squares, non-zero count: all that a mean needs
wilson              interval of one rate
compare_rates       difference and relative lift of two rates, with intervals and one p-value
compare_means       the same for two amounts per head
pool                one difference from several draws of the same comparison
sample_ratio        whether the arms have the sizes that were drawn
smallest_detectable_effect   the difference that arms of this size can show
customers_to_decide how many people, in both arms, a difference of this size takes
judge               the verdict in words, with what stands against it
Verdict, Flag       the words and the warnings

An arm without trials gives a result whose figures are None, never an exception and never NaN; a
ValueError means that the caller passed what cannot be (more successes than trials, a level of 95).
"""

from orchestrator.statistics.flags import Flag
from orchestrator.statistics.intervals import Interval
from orchestrator.statistics.means import MeanComparison, MeanTest, Moments, compare_means
from orchestrator.statistics.pooling import PooledComparison, Stratum, pool
from orchestrator.statistics.power import customers_to_decide, smallest_detectable_effect
from orchestrator.statistics.proportions import (
    Rate,
    RateComparison,
    RateTest,
    compare_rates,
    newcombe,
    wilson,
)
from orchestrator.statistics.samples import RatioTest, SampleRatio, sample_ratio
from orchestrator.statistics.verdict import Comparison, Judgement, Verdict, judge

__all__ = [
    "Comparison",
    "Flag",
    "Interval",
    "Judgement",
    "MeanComparison",
    "MeanTest",
    "Moments",
    "PooledComparison",
    "Rate",
    "RateComparison",
    "RateTest",
    "RatioTest",
    "SampleRatio",
    "Stratum",
    "Verdict",
    "compare_means",
    "compare_rates",
    "customers_to_decide",
    "judge",
    "newcombe",
    "pool",
    "sample_ratio",
    "smallest_detectable_effect",
    "wilson",
]
