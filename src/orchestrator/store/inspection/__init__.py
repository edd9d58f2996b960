"""Looking without touching: all that is known of one customer, and what does not add up."""

from orchestrator.store.inspection.suspects import Check, Since, Suspect, run

__all__ = ["Check", "Since", "Suspect", "run"]
