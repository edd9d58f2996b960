"""Whether a reminder has one coupon to remind of, and comes while that is good."""

from orchestrator.playbooks.document import Document
from orchestrator.playbooks.model import Definition, Wave
from orchestrator.playbooks.problems import Problem, did_you_mean
from orchestrator.playbooks.schedule import LONGEST_MONTH, SHORTEST_MONTH
from orchestrator.playbooks.sequence import length_of, offers_of, texts_of

Trouble = tuple[str, str, str]  #: the key, what is wrong with it, the remedy


def check_reminders(definition: Definition, document: Document, problems: list[Problem]) -> None:
    for index, wave in enumerate(definition.waves):
        if wave.reminds is not None and (found := _trouble(definition, index, wave, wave.reminds)):
            key, message, remedy = found
            line = document.line("waves", index, key)
            problems.append(Problem(document.file, line, message, remedy))


def _trouble(definition: Definition, index: int, wave: Wave, name: str) -> Trouble | None:
    earlier = {other.wave: other for other in definition.waves[:index]}
    if name not in earlier:
        message = f"{wave.wave} reminds of {name}, which is not before it"
        return "reminds", message, did_you_mean(name, earlier)
    return _unclear(wave, earlier[name]) or _too_late(definition, wave, earlier[name])


def _unclear(wave: Wave, other: Wave) -> Trouble | None:
    """Which coupon is meant has to be one, and the same for all of the wave."""
    if any(offer is not None for _, offer in texts_of(wave)):
        message = f"{wave.wave} reminds of a coupon and brings another"
        return "reminds", message, "Remove reminds, or its offer."
    if all(offer is None for _, offer in texts_of(other)):
        message = f"{wave.wave} reminds of {other.wave}, which brings no coupon of its own"
        return "reminds", message, "Name the wave with the offer."
    if wave.repeat or other.repeat:
        repeating = wave.wave if wave.repeat else other.wave
        message = f"{repeating} repeats, and it would be open which coupon is meant"
        return "reminds", message, "Remind once, of a wave that goes out once."
    if wave.after.wave != other.wave:
        message = f"{wave.wave} reminds of {other.wave} and does not count from it"
        return "reminds", message, f"Write 'after: … after {other.wave}'."
    return None


def _too_late(definition: Definition, wave: Wave, other: Wave) -> Trouble | None:
    known = [definition.offers.get(name) for name in offers_of(definition, wave)]
    spans = [offer.lasts for offer in known if offer is not None]
    lasts = min((length_of(span, SHORTEST_MONTH) for span in spans if span), default=None)
    if lasts is None:
        return None
    if length_of(wave.after.span, LONGEST_MONTH) >= lasts:
        message = f"{wave.wave} comes when the coupon of {other.wave} is over"
        return "after", message, "Remind earlier, or let the offer be valid for longer."
    cap = definition.cap.get(wave.kind)
    # Caps count the person's messages of a kind, by whatever channel.
    alike = wave.kind is other.kind
    if cap is not None and cap.times == 1 and alike and length_of(cap.per, SHORTEST_MONTH) >= lasts:
        message = f"the cap of {wave.kind} puts {wave.wave} off until its coupon is over"
        return "reminds", message, "Let the cap allow 2, or the offer be valid for longer."
    return None
