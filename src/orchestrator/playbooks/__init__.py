"""Playbooks: folders that say who hears from the shop, when and with what, read and checked."""

from orchestrator.playbooks.concerns import ConcernEntry
from orchestrator.playbooks.context import CONTEXT, Given, Variable, VariableType, example_context
from orchestrator.playbooks.currency import assert_currency, currency_of
from orchestrator.playbooks.model import Definition, Delay, Evaluate, Offer, Repeat, Variant, Wave
from orchestrator.playbooks.playbook import Playbook
from orchestrator.playbooks.problems import PlaybookError, Problem
from orchestrator.playbooks.reading import playbook_from_files, read_playbook, reopen_playbook
from orchestrator.playbooks.schema import concerns_schema, json_schema

__all__ = [
    "CONTEXT",
    "ConcernEntry",
    "Definition",
    "Delay",
    "Evaluate",
    "Given",
    "Offer",
    "Playbook",
    "PlaybookError",
    "Problem",
    "Repeat",
    "Variable",
    "VariableType",
    "Variant",
    "Wave",
    "assert_currency",
    "concerns_schema",
    "currency_of",
    "example_context",
    "json_schema",
    "playbook_from_files",
    "read_playbook",
    "reopen_playbook",
]
