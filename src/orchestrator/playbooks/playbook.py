"""A playbook as it was read: definition, texts and answers, pinned by a hash of all of them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from orchestrator.domain.messages import Channel
from orchestrator.playbooks.answers import answers_for, told_before, waves_answering
from orchestrator.playbooks.concerns import ConcernEntry
from orchestrator.playbooks.coverage import known_categories
from orchestrator.playbooks.model import Definition
from orchestrator.playbooks.template import TemplateFacts
from orchestrator.playbooks.texts import find_text, nearest_locale


@dataclass(frozen=True)
class Playbook:
    """
    One version of a playbook; nothing in it changes.

    ``files`` maps each path inside the folder to its text (line ends normalised), all
    that ``playbook_from_files`` needs; ``version`` is the SHA-256 of them.
    """

    definition: Definition
    files: Mapping[str, str] = field(repr=False)
    version: str
    concerns: tuple[ConcernEntry, ...] = field(repr=False)
    #: what each template says and needs; follows from ``files``
    templates: Mapping[str, TemplateFacts] = field(compare=False, repr=False)
    _found: dict[tuple[str | None, ...], str] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )
    _answers: dict[tuple[str, ...], tuple[ConcernEntry, ...]] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )

    @cached_property
    def categories(self) -> frozenset[str]:
        """The categories that the audience names or that have an answer."""
        return frozenset(known_categories(self.definition, self.concerns))

    def locale_for(self, wanted: str) -> str:
        """Return the locale itself, else the first of the same language, else the playbook's first."""
        return nearest_locale(wanted, self.definition.locales)

    def template_for(
        self,
        *,
        wave: str,
        variant: str | None,
        track: str,
        category: str | None,
        channel: Channel,
        locale: str,
    ) -> str:
        """Return the path of the most specific text; KeyError for a wave or channel without any."""
        spoken = self.locale_for(locale)
        # No text is named for a category that nobody knows; so the answers kept stay few.
        named = category if category in self.categories else None
        key = (spoken, wave, channel, variant, track, named)
        if key not in self._found:
            path = find_text(
                self.files, spoken, wave, channel, variant=variant, track=track, category=named
            )
            if path is None:
                raise KeyError(f"{spoken}/{wave}.{channel.value}.j2")
            self._found[key] = path
        return self._found[key]

    def concerns_for(self, *, category: str, track: str, locale: str) -> tuple[ConcernEntry, ...]:
        """Return the answers for buyers of a category, the one to give first before the others."""
        spoken = self.locale_for(locale)
        return answers_for(self.concerns, category=category, track=track, locale=spoken)

    def answers_in(
        self, template: str, *, track: str, category: str | None
    ) -> tuple[ConcernEntry, ...]:
        """
        Return what a text gives in each occurrence of its wave; nothing where it gives no answers.

        A wave goes on where the ones before it ended, so that nobody is told the same twice.
        """
        wave = self._answering.get(template)
        if wave is None or category not in self.categories:
            return ()
        key = (template, track, category)
        if key not in self._answers:
            locale = template.partition("/")[0]
            told = told_before(self.definition, self._answering.values(), track=track, wave=wave)
            found = self.concerns_for(category=category, track=track, locale=locale)
            self._answers[key] = found[told:]
        return self._answers[key]

    @cached_property
    def _answering(self) -> dict[str, str]:
        """The wave of each text that gives answers."""
        return waves_answering(self.templates.values())


def version_of(files: Mapping[str, str]) -> str:
    """Return the SHA-256 (hex) over paths and texts, each with its length, in order of the paths."""
    digest = hashlib.sha256()
    for path in sorted(files):
        for part in (
            path.encode(errors="surrogatepass"),
            files[path].encode(errors="surrogatepass"),
        ):
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
    return digest.hexdigest()
