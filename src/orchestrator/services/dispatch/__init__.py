"""Dispatch: claim what is due, commit the intent, hand over once, record what came of it."""

from orchestrator.services.dispatch.loop import DispatchReport, Settings, dispatch
from orchestrator.services.dispatch.stopping import stop_on_signals
from orchestrator.services.dispatch.writing import OpenedTexts, Texts

__all__ = ["DispatchReport", "OpenedTexts", "Settings", "Texts", "dispatch", "stop_on_signals"]
