"""Providers: one file each, both directions; our words inside, theirs outside.

A new one is a file here (``outbox.py`` is the smallest), a class with the verbs of
``domain.providers.Provider`` and a line under ``[project.entry-points."orchestrator.providers"]``.
Others can bring theirs in a package of their own: the entry point is all that is asked for.
"""

from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Any

from orchestrator.domain.providers import Provider

GROUP = "orchestrator.providers"


class UnknownProviderError(LookupError):
    """No installed provider has this name; the message lists those that are there."""


def provider_names() -> list[str]:
    return sorted({point.name for point in entry_points(group=GROUP)})


def load_provider(name: str, options: Mapping[str, Any]) -> Provider:
    """Return a provider by the name of its entry point, made with its own options."""
    found = [point for point in entry_points(group=GROUP) if point.name == name]
    if not found:
        raise UnknownProviderError(f"no provider {name!r}; there are {', '.join(provider_names())}")
    made: Provider = found[0].load()(**options)
    return made
