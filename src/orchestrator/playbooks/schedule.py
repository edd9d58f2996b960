"""The steps that a track walks, in order, and what each counts from."""

from dataclasses import dataclass
from datetime import timedelta

from orchestrator.domain.calendar import Span
from orchestrator.playbooks.model import Definition, Wave

SHORTEST_MONTH, LONGEST_MONTH = 28, 31  #: days


@dataclass(frozen=True, slots=True)
class Step:
    wave: str
    occurrence: int
    span: Span  #: from the anchor, or from the acceptance of the wave it follows
    follows: str | None  #: the earlier wave; none: the enrollment's anchor


def waves_of(definition: Definition, track: str) -> list[Wave]:
    return [wave for wave in definition.waves if wave.tracks is None or track in wave.tracks]


def steps_of(definition: Definition, track: str) -> list[Step]:
    """Every occurrence of every wave of the track; repeats count from the first anchor."""
    waves = waves_of(definition, track)
    names = {wave.wave for wave in waves}
    return [
        Step(
            wave.wave,
            occurrence,
            wave.after.span.plus(wave.repeat.every, occurrence) if wave.repeat else wave.after.span,
            wave.after.wave if wave.after.wave in names else None,
        )
        for wave in waves
        for occurrence in range(wave.occurrences)
    ]


def step_after(definition: Definition, track: str, wave: str, occurrence: int) -> Step | None:
    """The step behind this one; none at the end of the walk."""
    steps = steps_of(definition, track)
    position = next(
        index
        for index, step in enumerate(steps)
        if (step.wave, step.occurrence) == (wave, occurrence)
    )
    return steps[position + 1] if position + 1 < len(steps) else None


def from_anchor(definition: Definition, track: str, step: Step) -> Span:
    """How far behind the anchor the step lies where every wave is accepted in its moment."""
    if step.follows is None:
        return step.span
    followed = next(one for one in steps_of(definition, track) if one.wave == step.follows)
    return from_anchor(definition, track, followed).plus(step.span)


def gaps_before(
    definition: Definition, track: str, wave: str, occurrence: int
) -> dict[Step, timedelta]:
    """Return the planned gap between a step and each before it, at the least that it can be."""
    steps = steps_of(definition, track)
    place = [(step.wave, step.occurrence) for step in steps].index((wave, occurrence))
    here = from_anchor(definition, track, steps[place])
    return {
        before: _shortest(here.plus(from_anchor(definition, track, before), times=-1))
        for before in steps[:place]
    }


def _shortest(span: Span) -> timedelta:
    days = span.months * (SHORTEST_MONTH if span.months > 0 else LONGEST_MONTH) + span.days
    return max(timedelta(), timedelta(days=days, seconds=span.seconds))


def tracks_beginning(definition: Definition, wave: str) -> list[str]:
    """Return the tracks whose walk begins with the wave; the campaign's holdout stands there too."""
    return [
        track
        for track in definition.tracks
        if (waves := waves_of(definition, track)) and waves[0].wave == wave
    ]


def last_action(definition: Definition, track: str) -> Step | None:
    """The last wave that does not repeat: with it a group's actions are complete."""
    single = {wave.wave for wave in waves_of(definition, track) if wave.repeat is None}
    steps = [step for step in steps_of(definition, track) if step.wave in single]
    return steps[-1] if steps else None
