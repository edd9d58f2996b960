"""What a pooled figure says in one sentence, and what it is called."""

from orchestrator.domain.evaluations import EvaluationKind, read_group_scope
from orchestrator.services.pooled import Pooled
from orchestrator.services.report.words import Words
from orchestrator.statistics import Flag, Verdict


def subject(one: Pooled, words: Words) -> str:
    if one.kind is EvaluationKind.OVERALL:
        return words.say("subject.overall")
    if one.kind is EvaluationKind.GROUP:
        return group_name(one.scope, words)
    if one.track is not None:
        return words.say("subject.track", wave=one.wave, track=one.track)
    if one.occurrence is not None:
        return words.say("subject.occurrence", wave=one.wave, number=one.occurrence + 1)
    return words.say("subject.wave", wave=one.wave)


def group_name(scope: str, words: Words) -> str:
    track, category = read_group_scope(scope)
    named = category or words.say("subject.no_category")
    return words.say("subject.group", track=words.track(track), category=named)


def sentence(one: Pooled, words: Words) -> str:
    """Say what the figure means to the shop, in customers rather than in shares."""
    assigned = one.sums.treated.sums.assigned
    caused = one.difference.times(assigned)
    name, people = subject(one, words), words.customers(assigned)
    if one.verdict is Verdict.NOT_MEASURED or caused.value is None or caused.interval is None:
        responders = words.whole(one.sums.treated.sums.responders)
        return words.say(
            "sentence.not_measured",
            subject=name,
            assigned=words.whole(assigned),
            responders=responders,
        )
    low, high = caused.interval.low, caused.interval.high
    if one.verdict is Verdict.CANNOT_TELL:
        said = words.say(
            "sentence.cannot_tell",
            subject=name,
            assigned=people,
            value=words.whole(caused.value, signed=True),
            low=words.whole(low, signed=True),
            high=words.whole(high, signed=True),
        )
        return f"{said} {_what_would_help(one, words)}"
    if one.verdict is Verdict.HARMS:
        low, high = -high, -low
    return words.say(
        f"sentence.{one.verdict}",
        subject=name,
        assigned=people,
        value=words.whole(abs(caused.value)),
        interval=words.whole_range(low, high),
    )


def _what_would_help(one: Pooled, words: Words) -> str:
    if Flag.SRM in one.flags:
        return words.say("sentence.spoiled")
    if one.customers_to_decide is None:
        return words.say("sentence.undecidable")
    return words.say("sentence.decide", people=words.about(one.customers_to_decide))
