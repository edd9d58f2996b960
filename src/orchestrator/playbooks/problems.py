"""What is wrong with a playbook: file, line, what, and what to do about it."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """``file`` is relative to the playbook's folder; ``line`` counts from 1."""

    file: str
    line: int
    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}. {self.remedy}"


class PlaybookError(ValueError):
    """The playbook cannot be used; carries every problem that was found, in file order."""

    def __init__(self, problems: Iterable[Problem], folder: str = "") -> None:
        self.problems = tuple(sorted(set(problems)))
        prefix = f"{folder.rstrip('/')}/" if folder else ""
        super().__init__("\n".join(f"{prefix}{problem}" for problem in self.problems))


def closest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that this one is most likely a slip of."""
    return next(iter(difflib.get_close_matches(word, sorted(known), n=1)), None)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return the remedy for a word that is not among the known ones."""
    choices = sorted(known)
    if close := closest(word, choices):
        return f"Did you mean {close}?"
    return f"Known here: {', '.join(choices)}." if choices else "None is declared."
