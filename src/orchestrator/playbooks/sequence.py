"""Whether the waves make a sequence: who follows whom, for whom, with what, and in good manners."""

from collections.abc import Iterable, Iterator
from datetime import datetime, time, timedelta

from orchestrator.domain.calendar import Span
from orchestrator.domain.messages import WaveKind
from orchestrator.playbooks.document import Document, Location
from orchestrator.playbooks.model import Definition, Variant, Wave
from orchestrator.playbooks.problems import Problem, did_you_mean
from orchestrator.playbooks.schedule import LONGEST_MONTH, SHORTEST_MONTH, tracks_beginning

_TIMING: tuple[tuple[str | None, ...], ...] = (
    ("tracks",),
    ("anchor",),
    ("waive",),
    ("timezone",),
    *(("waves", None, key) for key in ("wave", "kind", "after", "tracks", "repeat")),
)
_GREETINGS = frozenset({WaveKind.THANKS, WaveKind.CARE})


def check_sequence(definition: Definition, document: Document, problems: list[Problem]) -> None:
    """Add what no single key shows."""
    known = len(problems)
    checker = _Checker(definition, document, problems)
    checker.names()
    checker.locales()
    places = range(len(definition.waves))
    for index in places:
        checker.reach(index)
        checker.offers(index)
        checker.followed(index)
    if not problems[known:] and not any(document.is_made_up(*place) for place in _TIMING):
        # Who comes first is clear only where every wave is.
        for index in places:
            checker.order(index)
            checker.manners(index)
            checker.last_day(index)
        checker.beginnings()
    checker.overall()


class _Checker:
    def __init__(self, definition: Definition, document: Document, problems: list[Problem]) -> None:
        self.definition = definition
        self.waves = definition.waves
        self.document = document
        self.problems = problems

    def complain(self, location: Location, message: str, remedy: str) -> None:
        line = self.document.line(*location)
        self.problems.append(Problem(self.document.file, line, message, remedy))

    def tracks_of(self, wave: Wave) -> set[str]:
        return set(wave.tracks or self.definition.tracks) & set(self.definition.tracks)

    def names(self) -> None:
        for index, name in _repeated(wave.wave for wave in self.waves):
            self.complain(("waves", index, "wave"), f"a second wave {name}", "Rename one of them.")
        for index, wave in enumerate(self.waves):
            for place, variant in enumerate(wave.variants):
                if variant.variant in self.definition.tracks:
                    self.complain(
                        ("waves", index, "variants", place, "variant"),
                        f"{variant.variant} is a track and a variant",
                        "Rename the variant: their texts' file names would be the same.",
                    )

    def locales(self) -> None:
        for index, name in _repeated(self.definition.locales):
            self.complain(("locales", index), f"{name} is here twice", "Remove one.")

    def reach(self, index: int) -> None:
        for place, track in enumerate(self.waves[index].tracks or ()):
            if track not in self.definition.tracks:
                remedy = did_you_mean(track, self.definition.tracks)
                self.complain(("waves", index, "tracks", place), f"unknown track {track}", remedy)

    def followed(self, index: int) -> None:
        wave, earlier = self.waves[index], self.waves[:index]
        name = wave.after.wave
        if name is None:
            return
        at = ("waves", index, "after")
        before = next((other for other in earlier if other.wave == name), None)
        if before is None:
            known = [other.wave for other in earlier]
            if name in (other.wave for other in self.waves):
                self.complain(
                    at,
                    f"{wave.wave} follows {name}, which is not before it",
                    f"List {wave.wave} below {name}.",
                )
            elif not self.document.is_made_up("waves", None, "wave"):
                self.complain(
                    at, f"{wave.wave} follows unknown wave {name}", did_you_mean(name, known)
                )
        elif self.document.is_made_up("waves", None, "tracks"):
            return
        elif missing := sorted(self.tracks_of(wave) - self.tracks_of(before)):
            self.complain(
                at,
                f"{wave.wave} follows {name}, which does not reach track {', '.join(missing)}",
                f"Add the track to {name} or limit {wave.wave} by tracks.",
            )

    def offers(self, index: int) -> None:
        wave = self.waves[index]
        named: list[tuple[Location, str | None]] = [(("waves", index, "offer"), wave.offer)]
        named += [
            (("waves", index, "variants", place, "offer"), variant.offer)
            for place, variant in enumerate(wave.variants)
        ]
        for location, offer in named:
            if offer is not None and offer not in self.definition.offers:
                remedy = did_you_mean(offer, self.definition.offers)
                self.complain(location, f"unknown offer {offer}", remedy)

    def last_day(self, index: int) -> None:
        """Where the days of the event are known: whether the wave comes before its offer's last day."""
        wave, event = self.waves[index], self.definition.audience.event_day
        if event is None or self.definition.anchor != "order":
            return
        begins = datetime.combine(event.first, time(), self.definition.zone)
        for place in range(wave.occurrences):
            repeated = length_of(wave.repeat.every, SHORTEST_MONTH) * place if wave.repeat else 0
            due = begins + timedelta(seconds=self._due(wave, SHORTEST_MONTH) + repeated)
            for name in offers_of(self.definition, wave):
                if (until := self.definition.offers[name].until) and due.date() > until:
                    self.complain(
                        ("waves", index, "after"),
                        f"{wave.wave} is due from {due.date()} on, and its offer {name} ends "
                        f"with {until}",
                        "Send it earlier, or let the offer last longer.",
                    )
                    return

    def order(self, index: int) -> None:
        """A customer walks the waves as they are listed, so none may be due before one above it."""
        wave = self.waves[index]
        latest = self._due(wave, LONGEST_MONTH)
        for other in self.waves[:index]:
            repeated = other.repeat
            begun = self._due(other, SHORTEST_MONTH)
            lasts = (
                length_of(repeated.every, SHORTEST_MONTH) * (repeated.times - 1) if repeated else 0
            )
            if latest < begun + lasts and self.tracks_of(wave) & self.tracks_of(other):
                self.complain(
                    ("waves", index, "after"),
                    f"{wave.wave} is due before {other.wave}, which stands above it, is over",
                    f"List {wave.wave} above {other.wave}.",
                )
                return

    def manners(self, index: int) -> None:
        wave = self.waves[index]
        if wave.kind is not WaveKind.PROMO or "care-first" in self.definition.waive:
            return
        greeted = {
            track
            for other in self.waves[:index]
            if other.kind in _GREETINGS
            for track in self.tracks_of(other)
        }
        if missing := sorted(self.tracks_of(wave) - greeted):
            self.complain(
                ("waves", index, "kind"),
                f"{wave.wave} sells to track {', '.join(missing)} before any thanks or care",
                "Send a thanks or care wave first, or write 'waive: [care-first]'.",
            )

    def overall(self) -> None:
        overall = self.definition.evaluate.overall
        names = [wave.wave for wave in self.waves]
        if self.document.is_made_up("waves", None, "wave"):
            return
        if overall and overall.wave is not None and overall.wave not in names:
            self.complain(
                ("evaluate", "overall"),
                f"overall counts from unknown wave {overall.wave}",
                did_you_mean(overall.wave, names),
            )

    def beginnings(self) -> None:
        """Groups and the whole are compared from the first wave on, where both arms still are."""
        evaluate = self.definition.evaluate
        overall = evaluate.overall
        if overall and overall.wave in {wave.wave for wave in self.waves}:
            begins = tracks_beginning(self.definition, overall.wave)
            if others := sorted(set(self.definition.tracks) - set(begins)):
                self.complain(
                    ("evaluate", "overall"),
                    f"overall counts from {overall.wave}, "
                    f"which is not the first wave of track {', '.join(others)}",
                    f"Leave out 'after {overall.wave}': each track counts from its first wave.",
                )
        asked = [name for name in ("groups", "overall") if getattr(evaluate, name) is not None]
        for index, wave in enumerate(self.waves):
            if asked and wave.unless and tracks_beginning(self.definition, wave.wave):
                self.complain(
                    ("waves", index, "unless"),
                    f"{wave.wave} comes first and leaves out who bought before it, "
                    f"so that evaluate.{' and evaluate.'.join(asked)} would miss their purchases",
                    f"Remove 'unless' here, or {' and '.join(asked)} below evaluate.",
                )

    def _due(self, wave: Wave, month: int) -> int:
        """Seconds after the anchor, where a month has so many days."""
        seen: set[str] = set()
        total = 0
        while wave.wave not in seen:
            seen.add(wave.wave)
            total += length_of(wave.after.span, month)
            found = next((other for other in self.waves if other.wave == wave.after.wave), None)
            if found is None:
                break
            wave = found
        return total


def texts_of(wave: Wave) -> Iterator[tuple[Variant | None, str | None]]:
    """Yield each variant with its offer; a wave without variants is one of its own."""
    if not wave.variants:
        yield None, wave.offer
    for variant in wave.variants:
        yield variant, variant.offer or wave.offer


def offers_of(definition: Definition, wave: Wave) -> list[str]:
    """Return the offers whose coupons the wave brings, for the first time or again."""
    brings = next((one for one in definition.waves if one.wave == wave.reminds), wave)
    return list(dict.fromkeys(offer for _, offer in texts_of(brings) if offer is not None))


def _repeated(names: Iterable[str]) -> Iterator[tuple[int, str]]:
    seen: set[str] = set()
    for index, name in enumerate(names):
        if name in seen:
            yield index, name
        seen.add(name)


def length_of(span: Span, month: int) -> int:
    """Return seconds, where a month has so many days."""
    return (span.months * month + span.days) * 86_400 + span.seconds
