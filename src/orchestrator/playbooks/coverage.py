"""Whether every wave has its texts, every text its wave, and each says what it has to."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from orchestrator.domain.messages import Channel, WaveKind
from orchestrator.playbooks.answers import answers_for, told_before, waves_answering
from orchestrator.playbooks.concerns import ConcernEntry
from orchestrator.playbooks.context import CONTEXT, Given
from orchestrator.playbooks.document import Document
from orchestrator.playbooks.model import Definition, Wave
from orchestrator.playbooks.problems import Problem, did_you_mean
from orchestrator.playbooks.rules import categories_named
from orchestrator.playbooks.sequence import texts_of
from orchestrator.playbooks.template import TemplateFacts
from orchestrator.playbooks.texts import TextPath, find_text

_NEW_AND_RETURNING = ("new", "returning")
#: what of a wave says which texts it needs
_OF_TEXTS = ("wave", "kind", "channels", "tracks", "by", "offer", "variants", "reminds")
_CARE_NAMES = ("shop.name", "order.item")


@dataclass(frozen=True, slots=True)
class Need:
    """One text that somebody may get; the wave's variant, offer and channel are decided."""

    index: int
    wave: Wave
    variant: str | None
    brings_coupon: bool
    channel: Channel
    locale: str
    track: str
    category: str | None

    def path_in(self, files: Mapping[str, str]) -> str | None:
        return find_text(
            files,
            self.locale,
            self.wave.wave,
            self.channel,
            variant=self.variant,
            track=self.track,
            category=self.category,
        )


def known_categories(definition: Definition, concerns: tuple[ConcernEntry, ...]) -> set[str]:
    """Return the categories that the audience names or that have an answer."""
    return {entry.category for entry in concerns} | set(categories_named(definition.audience))


@dataclass(slots=True)
class Coverage:
    """Walks over all texts that may be needed, once, and collects what is wrong."""

    definition: Definition
    document: Document
    files: Mapping[str, str]
    facts: Mapping[str, TemplateFacts]
    concerns: tuple[ConcernEntry, ...]
    #: whether the register could be read; where it could not, nothing is said of its gaps
    concerns_read: bool
    problems: list[Problem]
    _used: set[str] = field(default_factory=set)
    _answering: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self._answering = waves_answering(self.facts.values())

    def check(self) -> None:
        for need in self._needs():
            path = need.path_in(self.files)
            if path is None:
                self._missing(need)
                continue
            self._used.add(path)
            if facts := self.facts.get(path):
                self._check_offer(need, facts)
                self._check_care(need, facts)
                self._check_answers(need, facts)
            self._check_thanks(need, path)
        self._check_unused()

    def _needs(self) -> Iterator[Need]:
        categories = sorted(known_categories(self.definition, self.concerns))
        for index, wave in enumerate(self.definition.waves):
            if self._is_unclear(index):
                continue
            of_wave: list[str | None] = [None, *(categories if wave.by else ())]
            for variant, offer in texts_of(wave):
                name = variant.variant if variant else None
                brings = offer is not None or wave.reminds is not None
                for channel in (variant and variant.channels) or wave.channels:
                    for locale in self.definition.locales:
                        for track in wave.tracks or self.definition.tracks:
                            for category in of_wave:
                                yield Need(
                                    index, wave, name, brings, channel, locale, track, category
                                )

    def _is_unclear(self, index: int) -> bool:
        return any(self.document.is_made_up("waves", index, key) for key in _OF_TEXTS)

    def _complain(self, need: Need, message: str, remedy: str) -> None:
        line = self.document.line("waves", need.index, "wave")
        self.problems.append(Problem(self.document.file, line, message, remedy))

    def _missing(self, need: Need) -> None:
        wave, channel, locale = need.wave.wave, need.channel.value, need.locale
        folder = any(path.startswith(f"{locale}/") for path in self.files)
        if not folder:
            self.problems.append(
                Problem(
                    self.document.file,
                    self.document.line("locales"),
                    f"the locale {locale} has no texts",
                    f"Create the folder {locale} or remove it from locales.",
                )
            )
            return
        whom = f" for track {need.track}" if self._others_have(need) else ""
        self._complain(
            need,
            f"wave {wave} has no {channel} text in {locale}{whom}",
            f"Create {locale}/{wave}.{channel}.j2.",
        )

    def _others_have(self, need: Need) -> bool:
        tracks = need.wave.tracks or tuple(self.definition.tracks)
        return any(
            find_text(
                self.files,
                need.locale,
                need.wave.wave,
                need.channel,
                variant=need.variant,
                track=track,
                category=None,
            )
            for track in tracks
        )

    def _check_offer(self, need: Need, facts: TemplateFacts) -> None:
        if not need.brings_coupon:
            self._not_given(facts, Given.OFFER, f"wave {need.wave.wave} has no offer")
        elif any("coupon.code" not in block.certain for block in facts.bodies):
            self._in_text(
                facts,
                f"the coupon of wave {need.wave.wave} is not named",
                "Print {{ coupon.code }}.",
            )
        if need.wave.by is None:
            self._not_given(facts, Given.CATEGORY, f"wave {need.wave.wave} is not 'by: category'")

    def _not_given(self, facts: TemplateFacts, given: Given, why: str) -> None:
        for name, line in facts.variables.items():
            if CONTEXT[name].given is given:
                remedy = f"Remove it, or let the wave give it ({given.value})."
                self.problems.append(Problem(facts.path, line, f"{name}: {why}", remedy))

    def _in_text(self, facts: TemplateFacts, message: str, remedy: str) -> None:
        self.problems.append(Problem(facts.path, 1, message, remedy))

    def _check_care(self, need: Need, facts: TemplateFacts) -> None:
        if need.wave.kind is not WaveKind.CARE:
            return
        for name in _CARE_NAMES:
            if any(name not in block.certain for block in facts.bodies):
                self._in_text(
                    facts,
                    f"a care message has to say {name}, many forgot where they bought",
                    f"Print {{{{ {name} }}}} in each body.",
                )

    def _check_answers(self, need: Need, facts: TemplateFacts) -> None:
        if need.wave.by is None or facts.path not in self._answering or not self.concerns_read:
            return
        if need.category is not None:
            self._check_enough(need, need.category)
        elif not self.concerns:
            self._complain(
                need,
                f"wave {need.wave.wave} answers concerns, and there are none",
                f"Write concerns/{need.locale}.yaml.",
            )

    def _check_enough(self, need: Need, category: str) -> None:
        """Nobody is told the same twice, however often the wave repeats and whatever came before."""
        wave, track, locale = need.wave, need.track, need.locale
        told = told_before(self.definition, self._answering.values(), track=track, wave=wave.wave)
        wanted = told + wave.occurrences
        found = len(answers_for(self.concerns, category=category, track=track, locale=locale))
        whom = f"for {category}, track {track}, in {locale}"
        if not found:
            message = f"no answer {whom}"
        elif found < wanted:
            message = f"too few answers {whom}: {found}, and wave {wave.wave} comes to {wanted}"
        else:
            return
        missing = "an entry" if wanted - found == 1 else f"{wanted - found} entries"
        self._complain(need, message, f"Add {missing} to concerns/{locale}.yaml.")

    def _check_thanks(self, need: Need, path: str) -> None:
        tracks = need.wave.tracks or tuple(self.definition.tracks)
        both = all(track in tracks for track in _NEW_AND_RETURNING)
        if need.wave.kind is not WaveKind.THANKS or not both or need.track != "new":
            return
        other = find_text(
            self.files,
            need.locale,
            need.wave.wave,
            need.channel,
            variant=need.variant,
            track="returning",
            category=need.category,
        )
        if other and self.files[other].split() == self.files[path].split():
            self._complain(
                need,
                f"new and returning customers get the same {need.channel.value} thanks"
                f" in {need.locale}",
                f"Write {need.locale}/{need.wave.wave}.returning.{need.channel.value}.j2,"
                " which thanks for coming back.",
            )

    def _check_unused(self) -> None:
        for path in self.files:
            if path.endswith(".j2") and path not in self._used and not self._may_be_used(path):
                self.problems.append(Problem(path, 1, *self._why_unused(path)))

    def _may_be_used(self, path: str) -> bool:
        """Whether it is of something that is not known for sure."""
        parsed, made_up = TextPath.parse(path), self.document.is_made_up
        if parsed is None:
            return False
        unclear = {
            wave.wave for index, wave in enumerate(self.definition.waves) if self._is_unclear(index)
        }
        names = made_up("tracks") or made_up("audience")
        return (
            parsed.wave in unclear
            or made_up("waves", None, "wave")
            or (names and bool(parsed.qualifiers))
        )

    def _why_unused(self, path: str) -> tuple[str, str]:
        parsed = TextPath.parse(path)
        if parsed is None:
            return "not the name of a text", "Name it <locale>/<wave>.<sms or email>.j2."
        if parsed.locale not in self.definition.locales:
            remedy = did_you_mean(parsed.locale, self.definition.locales)
            return f"the locale {parsed.locale} is not in locales", remedy
        waves = {wave.wave: wave for wave in self.definition.waves}
        if parsed.wave not in waves:
            return f"no wave is called {parsed.wave}", did_you_mean(parsed.wave, waves)
        known = self._qualifiers(waves[parsed.wave])
        for word in parsed.qualifiers:
            if word not in known:
                return f"wave {parsed.wave} has no variant, track or category {word}", (
                    did_you_mean(word, known)
                )
        return "no message would use this text", "Check the order of its words, or remove it."

    def _qualifiers(self, wave: Wave) -> set[str]:
        categories = known_categories(self.definition, self.concerns) if wave.by else set()
        tracks = wave.tracks or tuple(self.definition.tracks)
        return {variant.variant for variant in wave.variants} | set(tracks) | categories
