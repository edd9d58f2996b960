"""A forecast as Markdown: for people, and for the page that Prefect shows them."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from orchestrator.domain.arms import Arm
from orchestrator.domain.messages import MessageState
from orchestrator.domain.money import Money
from orchestrator.services.forecast.results import (
    ASSUMED_RATES,
    HISTORY,
    Flaw,
    Forecast,
    SmallestEffect,
    WaveForecast,
)
from orchestrator.services.preview import Preview
from orchestrator.store.forecasts import CouponsAlike

MILLIS = 1_000  # costs are in thousandths of a minor unit
DAYS_SHOWN = 40


def forecast_markdown(
    found: Forecast, *, samples: bool = False, examples: Iterable[Preview] = ()
) -> str:
    """
    Return the whole forecast.

    ``samples`` adds texts as customers would get them, which are personal data; ``examples`` are
    texts with made-up values, fit to be shown to anybody.
    """
    return "\n".join(
        [
            f"# Plan of {found.playbook} (version {found.version[:12]})",
            "",
            *_doubt(found),
            *_audience(found),
            *_groups(found),
            *_waves(found),
            *_days(found),
            *_power(found),
            *(_samples(found) if samples else ()),
            *_examples(examples),
        ]
    )


def _doubt(found: Forecast) -> Iterator[str]:
    if found.half_in:
        yield f"**Of {', '.join(found.half_in)} only a part is in: this will change.**"
        yield ""


def _audience(found: Forecast) -> Iterator[str]:
    admission = found.admission
    enrolled = sum(number for *_, number in found.enrolled)
    yield "## Who"
    yield ""
    yield from _table(
        ("", "customers"),
        [
            ("in the shop", _number(admission.customers)),
            ("with an order in question", _number(admission.in_question)),
            ("admitted by the audience", _number(admission.admitted)),
            ("and in a track", _number(admission.tracked)),
            ("**would be enrolled**", f"**{_number(enrolled)}**"),
            ("another profile of the same person", _number(admission.tracked - enrolled)),
            ("admitted, but in no track", _number(admission.admitted - admission.tracked)),
        ],
    )
    if admission.rules:
        yield from _table(
            ("rule", "asks", "leaves out"),
            [(f"`{one.path}`", one.wanted, _number(one.left_out)) for one in admission.rules],
        )


def _groups(found: Forecast) -> Iterator[str]:
    groups: dict[tuple[str, str], Counter[Arm]] = {}
    for track, category, arm, number in found.enrolled:
        groups.setdefault((track, category or "–"), Counter())[arm] += number
    yield from _table(
        ("track", "group", "treated", "held out"),
        [
            (track, category, _number(arms[Arm.TREATED]), _number(arms[Arm.HOLDOUT]))
            for (track, category), arms in groups.items()
        ],
    )


def _waves(found: Forecast) -> Iterator[str]:
    yield "## What goes out, if nobody came back meanwhile"
    yield ""
    yield from _table(
        ("wave", "times", "messages", "withheld", "not written to", "SMS parts", "cost", "coupons"),
        [_wave(wave, found.currency) for wave in found.waves],
    )
    yield f"At most {_cost(found.cost_at_most, found.currency)} for all messages{_budget(found)}."
    yield ""
    yield from _coupons(found)
    for wave in found.waves:
        if wave.after_last_day:
            yield (
                f"- **{wave.wave}: {_number(wave.after_last_day)} messages would come after the last "
                "day of their offer**, and be skipped"
            )
    yield from map(_flaw, found.flaws)


def _flaw(flaw: Flaw) -> str:
    number = "" if flaw.occurrence is None else f", number {flaw.occurrence + 1}"
    return (
        f"- **{flaw.wave}{number}, {flaw.locale}: the text of {_number(flaw.customers)} customers "
        f"cannot be written**, the first is customer {flaw.first} (`orchestrator why {flaw.first}`): "
        f"{flaw.what}. {flaw.remedy}"
    )


def _wave(wave: WaveForecast, currency: str) -> Sequence[str]:
    states, reasons = Counter[MessageState](), Counter[str]()
    for (state, reason, _), number in wave.outcomes.items():
        states[state] += number
        if state in {MessageState.SKIPPED, MessageState.EXPIRED}:
            reasons[str(reason)] += number
    return (
        wave.wave,
        str(wave.occurrences),
        _number(wave.planned),
        _number(states[MessageState.WITHHELD]),
        ", ".join(f"{reason} {_number(number)}" for reason, number in reasons.items()) or "–",
        _number(wave.parts),
        _cost(wave.cost, currency),
        str(Money(wave.coupon_exposure, currency)) if wave.coupon_exposure else "–",
    )


def _budget(found: Forecast) -> str:
    if found.budget is None:
        return ""
    budget = _cost(found.budget, found.currency)
    if found.is_within_budget:
        return f", within the budget of {budget}"
    return f", **more than the budget of {budget}**: the last messages would be skipped"


def _coupons(found: Forecast) -> Iterator[str]:
    given = [(wave.wave, alike) for wave in found.waves for alike in wave.coupons]
    if given:
        yield from _table(
            ("wave", "offer", "gives", "from", "coupons", "of a stock of", "face value"),
            [(wave, *_alike(alike)) for wave, alike in given],
        )


def _alike(coupons: CouponsAlike) -> Sequence[str]:
    currency = coupons.currency or ""
    percent = f"{coupons.percent}%" if coupons.percent else None
    gives = str(Money(coupons.amount, currency)) if coupons.amount else percent or coupons.gift
    return (
        coupons.offer,
        gives or "free postage",
        str(Money(coupons.min_spend, currency)) if coupons.min_spend else "–",
        _number(coupons.coupons),
        _number(coupons.stock) if coupons.stock else "–",
        str(Money(coupons.face_value, currency)) if coupons.amount else "–",
    )


def _days(found: Forecast) -> Iterator[str]:
    yield "## Calendar"
    yield ""
    shown = list(found.days.items())[:DAYS_SHOWN]
    yield from _table(
        ("day", "wave", "messages at most", "SMS parts, expected", "cost, expected"),
        [
            (
                day.isoformat(),
                wave,
                _number(send.messages),
                _number(send.parts),
                _cost(send.cost, found.currency),
            )
            for day, waves in shown
            for wave, send in waves.items()
        ],
    )
    if len(found.days) > DAYS_SHOWN:
        yield f"… and {len(found.days) - DAYS_SHOWN} more days."
        yield ""


def _power(found: Forecast) -> Iterator[str]:
    yield "## What it could show"
    yield ""
    yield (
        f"{_rate(found)} Smallest effects that four of five such campaigns would show, in "
        "percentage points:"
    )
    yield ""
    rates = ASSUMED_RATES if found.natural_rate is None else (found.natural_rate,)
    rows = [("whole campaign against its holdout", found.smallest_effects)]
    rows += [(f"one send of {wave.wave}", wave.smallest_effects) for wave in found.waves]
    yield from _table(
        ("comparison", *(f"at {rate:.1%}" for rate in rates)),
        [(name, *_points(effects, len(rates))) for name, effects in rows],
    )


def _rate(found: Forecast) -> str:
    if found.natural_rate is None:
        return (
            f"The shop has no orders in the {HISTORY.days} days before the event to estimate a "
            "natural repurchase rate from; the rates here are **assumed**."
        )
    return (
        f"Natural repurchase rate of the months before: {found.natural_rate:.1%} "
        "(from the past: descriptive, not causal)."
    )


def _samples(found: Forecast) -> Iterator[str]:
    yield "## Texts"
    yield ""
    for wave in found.waves:
        for sample in wave.samples:
            yield from _text(f"{wave.wave}: {sample.template}", sample.subject, sample.text)


def _examples(examples: Iterable[Preview]) -> Iterator[str]:
    shown = list(examples)
    if shown:
        yield "## Texts, with example values"
        yield ""
    for one in shown:
        yield from _text(one.template, one.text.subject, one.text.text)


def _text(heading: str, subject: str | None, text: str) -> Iterator[str]:
    yield f"### {heading}"
    yield ""
    if subject is not None:
        yield f"> **{subject}**"
        yield ">"
    # Two blanks at its end: the next line begins where the author began it.
    yield from (f"> {line}  " for line in text.splitlines())
    yield ""


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"
    yield ""


def _number(value: int) -> str:
    return f"{value:,}"


def _cost(millis: int, currency: str) -> str:
    return str(Money(round(millis / MILLIS), currency))


def _points(effects: Sequence[SmallestEffect], columns: int) -> list[str]:
    if not effects:
        return ["no holdout"] * columns
    return ["–" if one.effect is None else f"{one.effect * 100:.2f}" for one in effects]
