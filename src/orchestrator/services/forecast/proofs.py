"""All that a wave could send, written once before anything is: what cannot be, and why."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from orchestrator.domain.calendar import Span, due_at
from orchestrator.domain.coupons import ALPHABET, CODE_LENGTH, ends_at
from orchestrator.domain.messages import Channel, Reason
from orchestrator.domain.money import Money
from orchestrator.playbooks import CONTEXT, Definition, Wave
from orchestrator.playbooks.model import Offer
from orchestrator.playbooks.sequence import offers_of, texts_of
from orchestrator.rendering import RenderError, RenderReason
from orchestrator.services.dispatch.writing import Letter, Texts, Writer
from orchestrator.services.forecast.results import Flaw, Sample
from orchestrator.store import coupons
from orchestrator.store.forecasts import Prospect
from orchestrator.store.messages.sheets import Sheet

_RECURRING = frozenset(name for name, variable in CONTEXT.items() if variable.recurs)
_SOME_CODE = ALPHABET[0] * CODE_LENGTH


@dataclass(frozen=True, slots=True)
class _Version:
    """One text that people of a track, category and language could be sent."""

    variants: tuple[str | None, ...]  #: that share it, the offer included
    channel: Channel
    offer: str | None
    instead: bool  #: the offer of those whom another one left empty-handed
    occurrence: int | None  #: none: it is the same in all of them


@dataclass(slots=True)
class Proofs:
    """One wave's texts in every variant, channel and occurrence; counts those that go out now."""

    texts: Texts
    wave: Wave
    now: datetime
    parts: int = 0
    cost: int = 0
    samples: dict[str, Sample] = field(default_factory=dict)  #: the first of each template
    _found: dict[tuple[int | None, str, str, str], list[Any]] = field(default_factory=dict)
    _versions: dict[tuple[str, str | None, str], list[_Version]] = field(default_factory=dict)
    _coupons: dict[tuple[Offer, int, str], Mapping[str, Any]] = field(default_factory=dict)

    def write(self, prospect: Prospect, writer: Writer) -> int:
        """Write all that somebody could be sent; return how many texts that is."""
        written = 0
        for version in self._all(prospect.sheet):
            goes_out = _goes_out(prospect.sheet, version)
            sheet = self._sheet(prospect, version, goes_out=goes_out)
            if sheet is None:
                continue
            letter = writer.write(sheet)
            written += 1
            if letter.outgoing is None:
                self._complain(prospect, version, letter)
            elif goes_out:
                self._count(letter)
        return written

    @property
    def flaws(self) -> Iterator[Flaw]:
        for (occurrence, locale, what, remedy), (first, customers) in self._found.items():
            yield Flaw(
                wave=self.wave.wave,
                occurrence=occurrence,
                locale=locale,
                what=what,
                customers=customers,
                first=first,
                remedy=remedy,
            )

    def _all(self, sheet: Sheet) -> list[_Version]:
        key = (sheet.track, sheet.category, sheet.locale)
        if key not in self._versions:
            self._versions[key] = list(self._versions_for(sheet))
        return self._versions[key]

    def _versions_for(self, sheet: Sheet) -> Iterator[_Version]:
        alike: dict[tuple[Channel, str, str | None, bool], list[str | None]] = {}
        for variant, channels, offer, instead in _variants(self.texts.definition, self.wave):
            for channel in channels:
                template = self._template(sheet, variant, channel)
                alike.setdefault((channel, template, offer, instead), []).append(variant)
        for (channel, template, offer, instead), variants in alike.items():
            for occurrence in self._occurrences(template):
                yield _Version(tuple(variants), channel, offer, instead, occurrence)

    def _occurrences(self, template: str) -> list[int | None]:
        recurs = not _RECURRING.isdisjoint(self.texts.renderer.variables(template))
        return list(range(self.wave.occurrences)) if self.wave.repeat and recurs else [None]

    def _template(self, sheet: Sheet, variant: str | None, channel: Channel) -> str:
        return self.texts.playbook.template_for(
            wave=self.wave.wave,
            variant=variant,
            track=sheet.track,
            category=sheet.category,
            channel=channel,
            locale=sheet.locale,
        )

    def _sheet(self, prospect: Prospect, version: _Version, *, goes_out: bool) -> Sheet | None:
        """What its text would be told; None where this version would never reach this customer."""
        if version.channel not in prospect.ways:
            return None
        # What goes out has its own coupon already; the others get one like it.
        given = {} if goes_out else self._coupon(version, prospect.sheet)
        if given is None:
            return None
        return prospect.sheet._replace(
            variant=version.variants[0],
            channel=version.channel,
            occurrence=version.occurrence or 0,
            address=prospect.ways[version.channel],
            **given,
        )

    def _coupon(self, version: _Version, sheet: Sheet) -> Mapping[str, Any] | None:
        if version.offer is None:
            return {}
        offer = self.texts.definition.offers[version.offer]
        earned = offer.earned_by(Money(sheet.total, sheet.currency))
        if earned is None:
            return None
        key = (earned, version.occurrence or 0, sheet.timezone)
        if key not in self._coupons:
            self._coupons[key] = self._coupon_of(*key)
        return self._coupons[key]

    def _coupon_of(self, offer: Offer, occurrence: int, timezone: str) -> Mapping[str, Any]:
        terms, zone = coupons.terms_of(offer), ZoneInfo(timezone)
        later = Span().plus(self.wave.repeat.every, occurrence) if self.wave.repeat else Span()
        return {
            **terms,
            "coupon_currency": terms.pop("currency"),
            "coupon_expires_at": ends_at(
                due_at(self.now, later, zone), offer.lasts, offer.until, zone
            ),
            "code": _SOME_CODE,
        }

    def _count(self, letter: Letter) -> None:
        self.cost += letter.cost
        self.parts += letter.parts if letter.channel is Channel.SMS else 0
        template = str(letter.template)
        if letter.outgoing is not None and template not in self.samples:
            self.samples[template] = Sample(template, letter.outgoing.subject, letter.outgoing.text)

    def _complain(self, prospect: Prospect, version: _Version, letter: Letter) -> None:
        locale = self.texts.playbook.locale_for(prospect.sheet.locale)
        what = str(letter.fault or letter.unwritten)
        remedy = _remedy(prospect.sheet, version, letter, locale)
        found = self._found.setdefault(
            (version.occurrence, locale, what, remedy), [prospect.customer, 0]
        )
        found[1] += 1


def _goes_out(sheet: Sheet, version: _Version) -> bool:
    planned = sheet.channel is version.channel and sheet.variant in version.variants
    return planned and not version.occurrence and not version.instead


def _variants(
    definition: Definition, wave: Wave
) -> Iterator[tuple[str | None, tuple[Channel, ...], str | None, bool]]:
    """Yield each variant's name, channels, offer, and whether that is one instead of another."""
    for variant, own in texts_of(wave):
        name = None if variant is None else variant.variant
        channels = (variant and variant.channels) or wave.channels
        first = offers_of(definition, wave) if wave.reminds else [own]
        for place, offer in enumerate(_with_others(definition, first)):
            yield name, channels, offer, place > 0


def _with_others(definition: Definition, names: Sequence[str | None]) -> list[str | None]:
    """The offers and those that stand in for them; one None where there is no offer."""
    found = list(names) or [None]
    for name in found:
        other = None if name is None else definition.offers[name].otherwise
        if other is not None and other not in found:
            found.append(other)
    return found


_REMEDIES = {
    RenderReason.UNKNOWN_TEMPLATE: "Add this text to the playbook",
    RenderReason.MISSING_VALUE: "Import it for these customers, or leave {} out of the text",
    RenderReason.WRONG_TYPE: "Import {} as text, a number or a day",
    RenderReason.CONTROL_CHARACTER: (
        "Take line breaks and invisible characters out of what the shop's export says of them"
    ),
    RenderReason.LEFTOVER_MARKUP: (
        "Take {{ and {% out of the customer's data or the answer that holds them"
    ),
    RenderReason.EMPTY: "Let the {} say something in each case",
    RenderReason.SUBJECT_TOO_LONG: "Shorten what the subject prints, as with truncate",
    RenderReason.TEMPLATE_FAILED: "Compare and filter only what is of the same type",
}


def _remedy(sheet: Sheet, version: _Version, letter: Letter, locale: str) -> str:
    if letter.unwritten is Reason.NO_ANSWER:
        number = (version.occurrence or 0) + 1
        return (
            f"Add answer number {number} for {sheet.category or 'those without a category'} "
            f"and {sheet.track} to concerns/{locale}.yaml"
        )
    if isinstance(letter.fault, RenderError):
        return _REMEDIES[letter.fault.reason].replace("{}", letter.fault.detail)
    return "See that the playbook's version is whole"
