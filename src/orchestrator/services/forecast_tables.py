"""What a launch would do as plain tables, for a terminal, a page or a script."""

from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.domain.arms import Arm
from orchestrator.domain.money import Money
from orchestrator.services.forecast import Forecast, WaveForecast

Cell = str | int | None


@dataclass(frozen=True, slots=True)
class Table:
    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]


def tables_of(forecast: Forecast) -> list[Table]:
    return [
        _who(forecast),
        _groups(forecast),
        _waves(forecast),
        _not_sent(forecast),
        _days(forecast),
        _sums(forecast),
    ]


def as_markdown(forecast: Forecast) -> str:
    """Tables alone: the texts carry customers' names, and this is kept by whoever shows it."""
    title = f"# Plan of {forecast.playbook}\n\nPlaybook version `{forecast.version[:12]}`\n"
    return "\n".join([title, *(_markdown(table) for table in tables_of(forecast))])


def _who(forecast: Forecast) -> Table:
    found = forecast.admission
    return Table(
        "Who would be enrolled",
        ("step", "customers"),
        [
            ("in the shop", found.customers),
            ("with an order in question", found.in_question),
            *((f"left out by {rule.path}: {rule.wanted}", rule.left_out) for rule in found.rules),
            ("admitted by the audience", found.admitted),
            ("in a track", found.tracked),
            ("enrolled, one profile a person", sum(number for *_, number in forecast.enrolled)),
        ],
    )


def _groups(forecast: Forecast) -> Table:
    sizes: dict[tuple[str, str | None], dict[Arm, int]] = {}
    for track, category, arm, number in forecast.enrolled:
        sizes.setdefault((track, category), {})[arm] = number
    return Table(
        "By track and group",
        ("track", "category", "written to", "held out"),
        [
            (track, category, arms.get(Arm.TREATED, 0), arms.get(Arm.HOLDOUT, 0))
            for (track, category), arms in sizes.items()
        ],
    )


def _waves(forecast: Forecast) -> Table:
    return Table(
        "Waves, each repeat if nobody came back",
        ("wave", "times", "planned", "withheld", "SMS parts", f"cost, {forecast.currency}",
         f"coupons' face value, {forecast.currency}", "smallest effect shown", "texts that fail"),
        [
            (
                wave.wave,
                wave.occurrences,
                wave.planned,
                _withheld(wave),
                wave.parts,
                _money(round(wave.cost / 1000), forecast.currency),
                _money(wave.coupon_exposure, forecast.currency),
                _share(wave.smallest_effect),
                _failing(wave),
            )
            for wave in forecast.waves
        ],
    )  # fmt: skip


def _not_sent(forecast: Forecast) -> Table:
    return Table(
        "Not written to, by reason",
        ("wave", "reason", "customers"),
        [
            (wave.wave, reason.value, number)
            for wave in forecast.waves
            for (_, reason, _), number in wave.outcomes.items()
            if reason is not None
        ],
    )


def _days(forecast: Forecast) -> Table:
    return Table(
        "Messages by day, if nobody came back",
        ("day", "wave", "messages"),
        [
            (day.isoformat(), wave, number)
            for day, waves in forecast.days.items()
            for wave, number in waves.items()
        ],
    )


def _sums(forecast: Forecast) -> Table:
    return Table(
        "Altogether",
        ("figure", "value"),
        [
            ("cost at most", _money(round(forecast.cost_at_most / 1000), forecast.currency)),
            ("come back by themselves within a send's window", _share(forecast.natural_rate)),
            ("smallest effect of the whole campaign that shows", _share(forecast.smallest_effect)),
        ],
    )


def _withheld(wave: WaveForecast) -> int:
    return sum(number for (state, _, _), number in wave.outcomes.items() if state == "withheld")


def _failing(wave: WaveForecast) -> str:
    if not wave.unwritten:
        return "none"
    counted = ", ".join(f"{number} {reason}" for reason, number in wave.unwritten.items())
    return f"{counted} (customer {wave.failing_customer} first)"


def _money(minor: int, currency: str) -> str:
    return str(Money(minor, currency)).removesuffix(f" {currency}")


def _share(value: float | None) -> str | None:
    return None if value is None else f"{value:.2%}"


def _markdown(table: Table) -> str:
    lines = [table.columns, ["---"] * len(table.columns), *table.rows]
    body = "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)
    return f"## {table.title}\n\n{body}\n"


def _cell(cell: Cell) -> str:
    return "" if cell is None else str(cell).replace("|", "\\|")
