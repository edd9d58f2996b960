"""One wave's text as a customer would get it, or with the examples that every variable has."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from orchestrator.domain.messages import Channel
from orchestrator.playbooks import Playbook, Wave, example_context
from orchestrator.playbooks.schedule import waves_of
from orchestrator.rendering import Rendered, Renderer, sms_parts


class WaveUnknownError(LookupError):
    """The playbook has no wave of this name."""


class LocaleNotThereError(LookupError):
    """The playbook has no texts in this language."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    template: str
    channel: Channel
    locale: str
    track: str
    variant: str | None
    category: str | None
    parts: int  #: of an SMS; 1 for an e-mail
    text: Rendered = field(repr=False)


def assert_wave(playbook: Playbook, wave: str) -> None:
    """Raise WaveUnknownError where the playbook has no such wave."""
    definition = playbook.definition
    known = [each.wave for each in definition.waves]
    if wave not in known:
        raise WaveUnknownError(
            f"{definition.playbook} has no wave {wave!r}. It has: {', '.join(known)}"
        )


def preview_examples(playbook: Playbook, wave: str, locale: str | None) -> list[Preview]:
    """Return every text of the wave once, in one locale or in all; RenderError for a faulty one."""
    assert_wave(playbook, wave)
    definition = playbook.definition
    renderer = Renderer(playbook)
    locales = [_spoken(playbook, locale)] if locale else list(definition.locales)
    shown: dict[str, Preview] = {}
    for track, variant, category, channel in _cases(playbook, wave):
        for spoken in locales:
            template = playbook.template_for(
                wave=wave, variant=variant, track=track, category=category, channel=channel,
                locale=spoken,
            )  # fmt: skip
            if template not in shown:
                text = renderer.render(template, example_context(spoken))
                parts = sms_parts(text.text).parts if channel is Channel.SMS else 1
                shown[template] = Preview(
                    template=template, channel=channel, locale=spoken, track=track,
                    variant=variant, category=category, parts=parts, text=text,
                )  # fmt: skip
    return list(shown.values())


def preview_playbook(playbook: Playbook) -> list[Preview]:
    """Return every text of the playbook in its first locale, wave by wave."""
    definition = playbook.definition
    return [
        shown
        for wave in definition.waves
        for shown in preview_examples(playbook, wave.wave, definition.locales[0])
    ]


def _spoken(playbook: Playbook, locale: str) -> str:
    """The locale or one of its language; whoever asks for a text of another wants to be told."""
    found = playbook.locale_for(locale)
    if found.partition("-")[0] != locale.partition("-")[0]:
        known = ", ".join(playbook.definition.locales)
        raise LocaleNotThereError(
            f"{playbook.definition.playbook} has no texts in {locale}. It has: {known}"
        )
    return found


def _cases(
    playbook: Playbook, wave_name: str
) -> Iterator[tuple[str, str | None, str | None, Channel]]:
    definition = playbook.definition
    wave = definition.wave_named(wave_name)
    categories = sorted(playbook.categories) if wave.by == "category" else [None]
    for track in definition.tracks:
        if wave not in waves_of(definition, track):
            continue
        for name, channels in _variants(wave):
            for category in categories:
                for channel in channels:
                    yield track, name, category, channel


def _variants(wave: Wave) -> list[tuple[str | None, tuple[Channel, ...]]]:
    if not wave.variants:
        return [(None, wave.channels)]
    return [(variant.variant, variant.channels or wave.channels) for variant in wave.variants]
