"""The command line: the same use cases from a shell."""

from orchestrator.cli.program import app, main

__all__ = ["app", "main"]
