"""Which answer a customer gets: the first of their category that no message has given them yet."""

from collections.abc import Collection, Iterable

from orchestrator.playbooks.concerns import ConcernEntry
from orchestrator.playbooks.model import Definition
from orchestrator.playbooks.schedule import waves_of
from orchestrator.playbooks.template import TemplateFacts
from orchestrator.playbooks.texts import TextPath


def answers_for(
    concerns: Iterable[ConcernEntry], *, category: str, track: str, locale: str
) -> tuple[ConcernEntry, ...]:
    """
    Return the answers for buyers of a category, what is asked most first, no question twice.

    An answer for the track says more than one for anybody: it comes first, and instead of it.
    """
    fitting = [
        entry
        for entry in concerns
        if entry.category == category and entry.locale == locale and entry.speaks_to(track)
    ]
    fitting.sort(key=lambda entry: (entry.audience == "any", -entry.evidence))
    by_question: dict[str, ConcernEntry] = {}
    for entry in fitting:
        by_question.setdefault(entry.question, entry)
    return tuple(by_question.values())


def waves_answering(templates: Iterable[TemplateFacts]) -> dict[str, str]:
    """Return the texts that give an answer, each with its wave."""
    paths = {facts.path: TextPath.parse(facts.path) for facts in templates if _answers(facts)}
    return {name: path.wave for name, path in paths.items() if path is not None}


def told_before(
    definition: Definition, answering: Collection[str], *, track: str, wave: str
) -> int:
    """How many answers the earlier waves of the track have given when this one begins."""
    told = 0
    for earlier in waves_of(definition, track):
        if earlier.wave == wave:
            break
        if earlier.by and earlier.wave in answering:
            told += earlier.occurrences
    return told


def _answers(facts: TemplateFacts) -> bool:
    return any(name.startswith("concern.") for name in facts.variables)
