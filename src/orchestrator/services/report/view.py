"""The report as plain data for scripts: keys that stay, whatever becomes of the classes behind them."""

from typing import Any

from orchestrator.domain.effects import Effect, Estimate
from orchestrator.services.pooled import Pooled
from orchestrator.services.report.data import ReportData, SendLine
from orchestrator.services.report.tables import warnings
from orchestrator.store.evaluations import StoredEvaluation


def report_view(data: ReportData) -> dict[str, Any]:
    """
    Return what `docs/operating.md` promises: values that JSON has, days, moments and words.

    Shares are 0–1, money is in minor units of ``currency``, costs of messages included.
    """
    return {
        "campaign": data.campaign,
        "title": data.title,
        "state": data.state,
        "currency": data.currency,
        "timezone": data.zone.key,
        "launched_on": data.launched_on,
        "built_on": data.built_on,
        "next_due_on": data.next_due_on,
        "window_seconds": data.window_seconds,
        "lag_seconds": data.lag_seconds,
        "margin": data.margin,
        "pooled": [_pooled(one) for one in data.pooled],
        "sends": [_send(line) for line in data.sends],
        "evaluations": [{"scope": item.scope, **_evaluation(item)} for item in data.evaluations],
        "ledger": data.ledger,
        "ledger_sum": data.ledger_sum,
        "planned_rows": data.planned_rows,
        "put_offs": data.put_offs,
        "enrolled": data.enrolled,
        "coupons": data.coupons,
        "warnings": warnings(data),
    }


def _send(line: SendLine) -> dict[str, Any]:
    sent = line.sent
    return {
        "wave": sent.wave,
        "occurrence": sent.occurrence,
        "day": sent.day,
        "messages": sent.messages,
        "eligible": sent.eligible,
        "assigned": sent.assigned,
        "accepted": sent.accepted,
        "evaluation": None if line.evaluation is None else _evaluation(line.evaluation),
    }


def _evaluation(item: StoredEvaluation) -> dict[str, Any]:
    result = item.result
    return {
        "kind": item.kind,
        "wave": item.wave,
        "day": item.day,
        "revision": item.revision,
        "due_at": item.due_at,
        "recorded_at": item.recorded_at,
        "effect": None if result is None else _effect(result.effect),
        "variants": {} if result is None else _each(result.variants),
        "tracks": {} if result is None else _each(result.tracks),
    }


def _each(effects: dict[str, Effect]) -> dict[str, Any]:
    return {name: _effect(effect) for name, effect in effects.items()}


def _effect(effect: Effect) -> dict[str, Any]:
    return {
        "rate": _estimate(effect.treated.rate),
        "natural_rate": _estimate(effect.control.rate),
        "difference": _estimate(effect.difference),
        "p_value": effect.p_value,
        "verdict": effect.verdict,
        "customers_to_decide": effect.customers_to_decide,
        "flags": effect.flags,
        **_sums(effect),
    }


def _pooled(one: Pooled) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "wave": one.wave,
        "occurrence": one.occurrence,
        "track": one.track,
        "scope": one.scope,
        "sends": one.sends,
        "rate": one.rate,
        "natural_rate": one.natural_rate,
        "difference": _estimate(one.difference),
        "p_value": one.p_value,
        "verdict": one.verdict,
        "customers_to_decide": one.customers_to_decide,
        "flags": one.flags,
        **_sums(one.sums),
    }


def _sums(effect: Effect) -> dict[str, Any]:
    treated, control = effect.treated.sums, effect.control.sums
    return {
        "assigned": treated.assigned,
        "held_out": control.assigned,
        "responders": treated.responders,
        "natural_responders": control.responders,
        "revenue": treated.revenue,
        "revenue_per_customer": _estimate(effect.revenue.difference),
        "caused_orders": _estimate(effect.caused_orders),
        "caused_revenue": _estimate(effect.caused_revenue),
        "cost": effect.cost,
        "contribution": _estimate(effect.contribution),
    }


def _estimate(estimate: Estimate) -> dict[str, float | None]:
    interval = estimate.interval
    return {
        "value": estimate.value,
        "low": None if interval is None else interval.low,
        "high": None if interval is None else interval.high,
    }
