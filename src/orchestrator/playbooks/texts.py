"""Which file holds which text: ``<locale>/<wave>[.<variant>][.<track>][.<category>].<channel>.j2``."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from orchestrator.domain.messages import Channel

_PATH = re.compile(r"^(?P<locale>[^/]+)/(?P<name>[^/]+)\.(?P<channel>sms|email)\.j2$")


@dataclass(frozen=True, slots=True)
class TextPath:
    """A template's path taken apart; the qualifiers are not told apart yet."""

    locale: str
    wave: str
    qualifiers: tuple[str, ...]
    channel: Channel

    @classmethod
    def parse(cls, path: str) -> "TextPath | None":
        match = _PATH.match(path)
        if match is None:
            return None
        wave, *qualifiers = match["name"].split(".")
        return cls(match["locale"], wave, tuple(qualifiers), Channel(match["channel"]))


def candidates(
    locale: str,
    wave: str,
    channel: Channel,
    *,
    variant: str | None,
    track: str | None,
    category: str | None,
) -> Iterator[str]:
    """
    Yield the paths that fit, the one to take first.

    A text of the variant wins, because a trial compares texts; then one of the track, then one of
    the category.
    """
    for of_variant in _with_or_without(variant):
        for of_track in _with_or_without(track):
            for of_category in _with_or_without(category):
                words = [wave, of_variant, of_track, of_category]
                yield f"{locale}/{'.'.join(word for word in words if word)}.{channel.value}.j2"


def find_text(
    files: Collection[str],
    locale: str,
    wave: str,
    channel: Channel,
    *,
    variant: str | None,
    track: str | None,
    category: str | None,
) -> str | None:
    paths = candidates(locale, wave, channel, variant=variant, track=track, category=category)
    return next((path for path in paths if path in files), None)


def nearest_locale(wanted: str, locales: Sequence[str]) -> str:
    """Return the locale itself, else the first of the same language, else the playbook's first."""
    asked = wanted.replace("_", "-").lower()
    itself = (known for known in locales if known.lower() == asked)
    of_language = (known for known in locales if language_of(known) == language_of(asked))
    return next(itself, next(of_language, locales[0]))


def language_of(locale: str) -> str:
    return locale.partition("-")[0].lower()


def _with_or_without(word: str | None) -> tuple[str | None, ...]:
    return (word, None) if word else (None,)
