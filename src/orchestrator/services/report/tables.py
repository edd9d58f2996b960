"""The tables of a report, the same for the page, for Markdown and for the shell."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from orchestrator.domain.effects import Effect
from orchestrator.domain.evaluations import EvaluationKind
from orchestrator.services.pooled import Pooled
from orchestrator.services.report.data import ReportData, SendLine
from orchestrator.services.report.sentences import group_name, subject
from orchestrator.services.report.words import Words
from orchestrator.statistics import Verdict
from orchestrator.store.evaluations import StoredEvaluation
from orchestrator.store.ledger import LedgerRow


@dataclass(frozen=True, slots=True)
class Entry:
    text: str
    note: str = ""  #: an interval, on a line of its own where there is room
    tone: str = ""  #: works, harms, cannot_tell, not_measured, pending

    def __str__(self) -> str:
        return f"{self.text} ({self.note})" if self.note else self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    name: str  #: of its heading
    columns: tuple[str, ...]  #: keys of the word list
    words_first: int = 1  #: so many columns hold words, the others numbers
    rows: tuple[tuple[Entry, ...], ...]
    total: tuple[Entry, ...] | None = None


_EFFECT = (
    "assigned", "held_out", "responders", "rate", "natural", "difference", "relative", "p_value",
    "verdict",
)  # fmt: skip


def tables_of(data: ReportData, words: Words) -> list[Table]:
    """Return every table that has a row, in the order of reading."""
    made = [
        money(data, words),
        sends(data, words),
        variants(data, words),
        _evaluated(data, words, EvaluationKind.OVERALL),
        groups(data, words),
        tracks(data, words),
        ledger(data, words),
        put_offs(data, words),
        enrolled(data, words),
        coupons(data, words),
    ]
    return [table for table in made if table.rows]


def sends(data: ReportData, words: Words) -> Table:
    before = ("date", "wave", "eligible")
    shown = ("assigned", "held_out", "accepted", *_EFFECT[2:])
    return Table(
        name="sends",
        columns=(*before, *shown),
        words_first=2,
        rows=tuple(_send(line, data, words) for line in data.sends),
    )


def _send(line: SendLine, data: ReportData, words: Words) -> tuple[Entry, ...]:
    sent, item = line.sent, line.evaluation
    counts = (
        Entry(words.day(sent.day)),
        Entry(
            f"{sent.wave} {sent.occurrence + 1}" if sent.wave in data.repeating_waves else sent.wave
        ),
        Entry(words.whole(sent.eligible)),
        Entry(words.whole(sent.assigned)),
        Entry(words.whole(sent.eligible - sent.assigned)),
        Entry(words.whole(sent.accepted)),
    )
    if item is None or item.result is None:
        missing = Entry(words.nothing)
        return (*counts, *(missing,) * 6, _pending(item, data, words))
    return (*counts, *_effect(item.result.effect, words)[2:])


def _pending(item: StoredEvaluation | None, data: ReportData, words: Words) -> Entry:
    if item is None:
        return Entry(words.nothing)
    day = words.day(item.due_at.astimezone(data.zone).date())
    return Entry(words.say("verdict.pending", day=day), tone="pending")


def _effect(effect: Effect, words: Words) -> tuple[Entry, ...]:
    treated, control = effect.treated, effect.control
    return (
        Entry(words.whole(treated.sums.assigned)),
        Entry(words.whole(control.sums.assigned)),
        Entry(words.whole(treated.sums.responders)),
        Entry(words.share(treated.rate.value), words.share_range(treated.rate)),
        Entry(words.share(control.rate.value), words.share_range(control.rate)),
        Entry(words.points(effect.difference.value), words.points_range(effect.difference)),
        Entry(words.percent(effect.relative.value)),
        Entry(words.p_value(effect.p_value)),
        Entry(words.say(f"verdict.{effect.verdict}"), tone=effect.verdict),
    )


def _pooled(one: Pooled, words: Words) -> tuple[Entry, ...]:
    treated, control = one.sums.treated.sums, one.sums.control.sums
    relative = None
    if one.rate is not None and one.natural_rate:
        relative = one.rate / one.natural_rate - 1
    return (
        Entry(words.whole(treated.assigned)),
        Entry(words.whole(control.assigned)),
        Entry(words.whole(treated.responders)),
        # Nobody held out: the plain rate stands in for one weighted by the comparison.
        Entry(words.share(one.sums.treated.rate.value if one.rate is None else one.rate)),
        Entry(words.share(one.natural_rate)),
        Entry(words.points(one.difference.value), words.points_range(one.difference)),
        Entry(words.percent(relative)),
        Entry(words.p_value(one.p_value)),
        Entry(words.say(f"verdict.{one.verdict}"), tone=one.verdict),
    )


def groups(data: ReportData, words: Words) -> Table:
    pooled = data.pooled_by(EvaluationKind.GROUP)
    rows = ((Entry(group_name(one.scope, words)), *_pooled(one, words)) for one in pooled)
    return Table(name="groups", columns=("group", *_EFFECT), rows=tuple(rows))


def tracks(data: ReportData, words: Words) -> Table:
    chosen = [one for one in data.pooled if one.track is not None]
    rows = ((Entry(one.wave), Entry(str(one.track)), *_pooled(one, words)) for one in chosen)
    return Table(
        name="tracks", columns=("wave", "track", *_EFFECT), words_first=2, rows=tuple(rows)
    )


def _evaluated(data: ReportData, words: Words, kind: EvaluationKind) -> Table:
    days = {line.sent.send_id: line.sent.day for line in data.sends}
    rows = []
    for item in data.evaluated(kind):
        day = Entry(words.day(days[item.send_id]))
        if item.result is None:
            missing = Entry(words.nothing)
            rows.append((day, *(missing,) * (len(_EFFECT) - 1), _pending(item, data, words)))
        else:
            rows.append((day, *_effect(item.result.effect, words)))
    return Table(name=kind.value, columns=("date", *_EFFECT), rows=tuple(rows))


def variants(data: ReportData, words: Words) -> Table:
    rows = []
    for line in data.sends:
        result = line.evaluation.result if line.evaluation else None
        for name, effect in result.variants.items() if result else ():
            day = Entry(words.day(line.sent.day))
            rows.append((day, Entry(line.sent.wave), Entry(name), *_effect(effect, words)))
    columns = ("date", "wave", "variant", *_EFFECT)
    return Table(name="variants", columns=columns, words_first=3, rows=tuple(rows))


def money(data: ReportData, words: Words) -> Table:
    columns = (
        "part", "revenue", "per_customer", "caused_orders", "caused_revenue", "cost",
        "cost_per_order", "contribution",
    )  # fmt: skip
    shown = (one for one in data.headlines if one.sums.treated.sums.assigned)
    rows = tuple(_money(one, data.currency, words) for one in shown)
    return Table(name="money", columns=columns, rows=rows)


def _money(one: Pooled, currency: str, words: Words) -> tuple[Entry, ...]:
    effect = one.sums
    each, caused, per = (
        effect.revenue.difference,
        effect.caused_orders,
        effect.cost_per_caused_order,
    )
    orders = caused.interval
    return (
        Entry(subject(one, words)),
        Entry(words.money(effect.treated.sums.revenue, currency)),
        Entry(words.money(each.value, currency, signed=True), words.money_range(each, currency)),
        Entry(
            words.whole(caused.value, signed=True),
            words.whole_range(orders.low, orders.high) if orders else "",
        ),
        Entry(
            words.money(effect.caused_revenue.value, currency, signed=True),
            words.money_range(effect.caused_revenue, currency),
        ),
        Entry(words.money(effect.cost, currency)),
        Entry(words.money(per.value, currency), words.money_range(per, currency))
        if one.verdict is Verdict.WORKS and per.value is not None
        else Entry(words.nothing),
        Entry(
            words.money(effect.contribution.value, currency, signed=True),
            words.money_range(effect.contribution, currency),
        ),
    )


def ledger(data: ReportData, words: Words) -> Table:
    rows = tuple(
        (
            Entry(words.say(f"state.{row.state}")),
            Entry(_reason(row, words)),
            Entry(words.whole(row.messages)),
        )
        for row in data.ledger
    )
    total = _total(words, 2, [data.ledger_sum])
    columns = ("state", "reason", "messages")
    return Table(name="ledger", columns=columns, words_first=2, rows=rows, total=total)


def _reason(row: LedgerRow, words: Words) -> str:
    if row.of_campaign:
        return words.say("reason.held_out_of_campaign")
    return words.say(f"reason.{row.reason}") if row.reason else ""


def put_offs(data: ReportData, words: Words) -> Table:
    rows = tuple(
        (
            Entry(words.say(f"reason.{row.reason}")),
            *(
                Entry(words.whole(number))
                for number in (row.messages, row.times, row.accepted, row.still_open, row.ended)
            ),
        )
        for row in data.put_offs
    )
    columns = ("reason", "messages", "times", "accepted", "still_open", "ended")
    return Table(name="put_offs", columns=columns, rows=rows)


def enrolled(data: ReportData, words: Words) -> Table:
    rows = tuple(
        (
            Entry(words.track(row.track)),
            Entry(words.say(f"arm.{row.arm}")),
            Entry(words.whole(row.customers)),
        )
        for row in data.enrolled
    )
    total = _total(words, 2, [sum(row.customers for row in data.enrolled)])
    columns = ("track", "arm", "customers")
    return Table(name="enrolled", columns=columns, words_first=2, rows=rows, total=total)


def coupons(data: ReportData, words: Words) -> Table:
    rows = tuple(
        (
            Entry(row.offer),
            Entry(words.say(f"coupon_state.{row.state}")),
            Entry(words.whole(row.coupons)),
            Entry(words.money(row.discount, data.currency)),
        )
        for row in data.coupons
    )
    count = Entry(words.whole(sum(row.coupons for row in data.coupons)))
    given = Entry(words.money(sum(row.discount for row in data.coupons), data.currency))
    return Table(
        name="coupons",
        columns=("offer", "state", "coupons", "discount"),
        words_first=2,
        rows=rows,
        total=(Entry(words.say("column.sum")), Entry(""), count, given),
    )


def _total(words: Words, words_first: int, sums: Sequence[int]) -> tuple[Entry, ...]:
    blank = (Entry(""),) * (words_first - 1)
    return (Entry(words.say("column.sum")), *blank, *(Entry(words.whole(s)) for s in sums))


def warnings(data: ReportData) -> list[str]:
    """Return every flag that stands beside a figure of the report, once each."""
    found: set[str] = set()
    for effect in _effects(data):
        found.update(effect.flags)
    return sorted(found)


def _effects(data: ReportData) -> Iterable[Effect]:
    items = [line.evaluation for line in data.sends if line.evaluation]
    for item in (*items, *data.evaluations):
        if item.result is not None and item.result.effect.control.sums.assigned:
            yield item.result.effect
