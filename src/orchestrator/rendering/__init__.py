"""Rendering: a pinned playbook's texts with one customer's values, and what an SMS of it costs."""

from orchestrator.rendering.errors import RenderError, RenderReason
from orchestrator.rendering.renderer import Rendered, Renderer
from orchestrator.rendering.sms import SmsEncoding, SmsParts, sms_cost, sms_parts

__all__ = [
    "RenderError",
    "RenderReason",
    "Rendered",
    "Renderer",
    "SmsEncoding",
    "SmsParts",
    "sms_cost",
    "sms_parts",
]
