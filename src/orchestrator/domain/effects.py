"""What a treatment caused: two arms' sums in, rates, money and a verdict out."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from orchestrator.statistics import (
    Flag,
    Interval,
    MeanComparison,
    Moments,
    Rate,
    RateComparison,
    SampleRatio,
    Verdict,
    compare_means,
    compare_rates,
    judge,
    smallest_detectable_effect,
)

LEVEL = 0.95
_THOUSAND = 1000  # message costs are kept in thousandths of a minor unit


class Caution(StrEnum):
    """What stands beside the flags of the statistics."""

    OTHER_CURRENCY = "other_currency"  #: orders in another currency were left out


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmSums:
    """One arm, whatever tracks and variants it is made of."""

    assigned: int = 0
    accepted: int = 0
    delivered: int = 0
    responders: int = 0
    orders: int = 0
    order_squares: int = 0
    revenue: int = 0
    revenue_squares: float = 0
    buyers: int = 0
    other_orders: int = 0
    message_cost: int = 0
    coupons_issued: int = 0
    coupons_redeemed: int = 0
    discount: int = 0


@dataclass(frozen=True, slots=True)
class Estimate:
    value: float | None
    interval: Interval | None

    def times(self, factor: float, shift: float = 0) -> "Estimate":
        """Return factor × estimate + shift; the factor is not negative."""
        if self.value is None:
            return self
        ends = self.interval
        moved = ends and Interval(ends.low * factor + shift, ends.high * factor + shift)
        return Estimate(self.value * factor + shift, moved)


@dataclass(frozen=True, slots=True)
class Side:
    """One arm as it is shown: its sums and its response rate."""

    sums: ArmSums
    rate: Estimate


@dataclass(frozen=True, slots=True)
class PerCustomer:
    """Treated minus control, per customer assigned."""

    treated: float | None
    control: float | None
    difference: Estimate
    p_value: float | None
    test: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """
    Treated against control, by assigned arm.

    Money is in minor units. `cost` is messages and redeemed discounts. `contribution` is what is
    left: margin × (caused revenue + redeemed discounts) − cost, because revenue is what was paid
    after the discount and the margin is one of prices before it. Where the control has coupons as
    well (those of a reminder), discounts are those redeemed beyond what it redeemed.
    """

    treated: Side
    control: Side
    difference: Estimate  #: of response rates, 0–1
    p_value: float | None
    test: str
    relative: Estimate
    detectable: float | None  #: smallest rise that these arms show with a power of 80 %
    revenue: PerCustomer
    orders: PerCustomer
    caused_buyers: Estimate
    caused_orders: Estimate
    caused_revenue: Estimate
    cost: float
    cost_per_caused_order: Estimate  #: none unless the verdict is that it works
    contribution: Estimate
    verdict: Verdict
    customers_to_decide: int | None
    flags: tuple[str, ...]


def weigh(
    control: ArmSums,
    treated: ArmSums,
    *,
    margin: float,
    ratio: SampleRatio | None = None,
    flags: Iterable[Flag] = (),
    level: float = LEVEL,
) -> Effect:
    """Compare two arms by everything that is measured about them."""
    rates = compare_rates(_rate(control), _rate(treated), level)
    revenue = compare_means(_revenue(control), _revenue(treated), level)
    orders = compare_means(_orders(control), _orders(treated), level)
    judged = judge(rates, ratio=ratio, flags=flags)
    caused_orders = _difference(orders).times(treated.assigned)
    caused_revenue = _difference(revenue).times(treated.assigned)
    discount = _beyond(control, treated)
    cost = treated.message_cost / _THOUSAND + discount
    found = judged.flags | ({Flag.FEW_CONTROL_BUYERS} & revenue.flags)
    difference = Estimate(rates.difference, rates.difference_interval)
    return Effect(
        treated=Side(treated, Estimate(rates.treated.share, rates.treated_interval)),
        control=Side(control, Estimate(rates.control.share, rates.control_interval)),
        difference=difference,
        p_value=rates.p_value,
        test=rates.test,
        relative=Estimate(rates.relative_lift, rates.relative_interval),
        detectable=_detectable(rates),
        revenue=_per_customer(revenue),
        orders=_per_customer(orders),
        caused_buyers=difference.times(treated.assigned),
        caused_orders=caused_orders,
        caused_revenue=caused_revenue,
        cost=cost,
        cost_per_caused_order=_cost_per(cost, caused_orders, judged.verdict),
        contribution=caused_revenue.times(margin, margin * discount - cost),
        verdict=judged.verdict,
        customers_to_decide=judged.customers_to_decide,
        flags=_flags(found, control, treated),
    )


def _beyond(control: ArmSums, treated: ArmSums) -> float:
    """Redeemed discounts of the treated beyond those of as many who are withheld."""
    if not control.discount:
        return treated.discount
    return treated.discount - control.discount * treated.assigned / control.assigned


def _rate(arm: ArmSums) -> Rate:
    return Rate(arm.responders, arm.assigned)


def _revenue(arm: ArmSums) -> Moments:
    return Moments(arm.assigned, arm.revenue, arm.revenue_squares, arm.buyers)


def _orders(arm: ArmSums) -> Moments:
    return Moments(arm.assigned, arm.orders, arm.order_squares, arm.responders)


def _difference(means: MeanComparison) -> Estimate:
    return Estimate(means.difference, means.difference_interval)


def _per_customer(means: MeanComparison) -> PerCustomer:
    return PerCustomer(
        means.treated.mean, means.control.mean, _difference(means), means.p_value, means.test
    )


def _cost_per(cost: float, caused: Estimate, verdict: Verdict) -> Estimate:
    proved = verdict is Verdict.WORKS
    if not proved or caused.value is None or not caused.interval or caused.interval.low <= 0:
        return Estimate(None, None)
    low, high = caused.interval.low, caused.interval.high
    return Estimate(cost / caused.value, Interval(cost / high, cost / low))


def _detectable(rates: RateComparison) -> float | None:
    if rates.control.share is None:
        return None
    return smallest_detectable_effect(
        rates.treated.trials, rates.control.trials, rates.control.share, level=rates.level
    )


def _flags(found: Iterable[Flag], control: ArmSums, treated: ArmSums) -> tuple[str, ...]:
    words = {str(flag) for flag in found}
    if control.other_orders or treated.other_orders:
        words.add(Caution.OTHER_CURRENCY.value)
    return tuple(sorted(words))
