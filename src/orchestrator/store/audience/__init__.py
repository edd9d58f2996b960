"""A playbook's audience as SQL: who is in, by which order, and why somebody is not."""

from orchestrator.store.audience.candidates import admitted, candidates
from orchestrator.store.audience.explanation import OrderVerdict, RuleVerdict, explain
from orchestrator.store.audience.rules import KINDS

__all__ = ["KINDS", "OrderVerdict", "RuleVerdict", "admitted", "candidates", "explain"]
