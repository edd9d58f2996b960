"""Each kind of audience rule as SQL. A new kind is a field of ``Rule`` and a function here."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from sqlalchemy import (
    ColumnElement,
    String,
    and_,
    cast,
    exists,
    false,
    func,
    literal,
    not_,
    select,
    true,
)

from orchestrator.domain.calendar import Span, due_at
from orchestrator.domain.money import Money
from orchestrator.playbooks.rules import (
    Amount,
    Attribute,
    ConsentTo,
    Count,
    EventDay,
    Membership,
    Recency,
    Spend,
)
from orchestrator.store import functions
from orchestrator.store.audience import wording
from orchestrator.store.audience.attributes import AttributeNumber, AttributeText
from orchestrator.store.audience.conditions import (
    Condition,
    Scope,
    between,
    member,
    of_person,
    one_of,
    other,
    value_of,
)
from orchestrator.store.audience.windows import event_window
from orchestrator.store.tables import Moment, consents, customers, order_lines, orders, products


def event_day(asked: EventDay, scope: Scope) -> Condition:
    window = event_window(asked, scope.zone)
    days = str(asked.first) if asked.first == asked.last else f"{asked.first} to {asked.last}"
    return Condition(
        holds=between(orders.c.placed_at, window.begins, window.ends),
        wanted=f"placed {days}",
        found=orders.c.placed_at,
        say=lambda placed: wording.local(placed, scope.zone),
    )


def order_total(asked: Amount, scope: Scope) -> Condition:
    """An amount in another currency is neither more nor less: the rule does not hold."""
    low, high = (wording.amount(value, scope.currency) for value in (asked.at_least, asked.below))
    net = orders.c.total - orders.c.refunded
    in_bounds = between(net, low and low.minor, high and high.minor)
    return Condition(
        holds=and_(orders.c.currency == scope.currency, in_bounds),
        wanted=wording.bounds(at_least=low, below=high),
        found=cast(net, String) + " " + orders.c.currency,
        say=wording.minor_in_words,
    )


def category(asked: Membership, scope: Scope) -> Condition:  # noqa: ARG001  # one signature for all kinds
    """Any line of the order counts, so that a dear gift in the basket does not hide the rest."""
    of_lines = (
        select(products.c.category)
        .join(order_lines, order_lines.c.product_id == products.c.id)
        .where(order_lines.c.order_id == orders.c.id)
        .correlate(orders)
    )

    def bought(names: Sequence[str]) -> ColumnElement[bool]:
        return (
            one_of(orders.c.category, names)
            | of_lines.where(products.c.category.in_(names)).exists()
        )

    lines = select(func.aggregate_strings(of_lines.distinct().subquery().c.category, ", "))
    return Condition(
        holds=member(asked, bought),
        wanted=wording.membership(asked),
        found=func.coalesce(value_of(lines), orders.c.category),
        say=wording.or_none,
    )


def orders_before(asked: Count, scope: Scope) -> Condition:
    """Counted orders before the event began; where there is none, before the anchor order."""
    before = of_person(scope, other.c.placed_at < (scope.began_at or orders.c.placed_at))
    count = value_of(select(func.count()).select_from(other).where(before))
    some = exists(select(other.c.id).where(before).correlate(orders, customers))
    low, high = asked.at_least or 0, asked.at_most
    # "None" and "any" stop at the first order they meet.
    at_least = true() if low == 0 else some if low == 1 else count >= low
    at_most = true() if high is None else not_(some) if high == 0 else count <= high
    return Condition(
        holds=and_(true(), at_least, at_most),
        wanted=wording.bounds(at_least=asked.at_least, at_most=asked.at_most),
        found=count,
        say=str,
    )


def recency(asked: Recency, scope: Scope) -> Condition:
    """Months count back on the playbook's wall clock from now."""

    def bought_within(span: Span) -> ColumnElement[bool]:
        since = due_at(scope.now, Span().plus(span, -1), scope.zone)
        later = of_person(scope, other.c.placed_at > since)
        return exists(select(other.c.id).where(later).correlate(customers))

    at_least = true() if asked.at_least is None else not_(bought_within(asked.at_least))
    below = true() if asked.below is None else bought_within(asked.below)
    last = func.max(other.c.placed_at, type_=Moment)
    return Condition(
        holds=and_(true(), at_least, below),
        wanted=wording.bounds(
            at_least=wording.length(asked.at_least), below=wording.length(asked.below)
        )
        + " since the last order",
        found=value_of(select(last).where(of_person(scope))),
        say=lambda at: "no order" if at is None else wording.local(at, scope.zone),
    )


def spend(asked: Spend, scope: Scope) -> Condition:
    """In the campaign's currency. ``within`` ends with the anchor order, which counts."""
    low, high = (wording.amount(value, scope.currency) for value in (asked.at_least, asked.below))
    spent = [other.c.currency == scope.currency]
    if asked.within is not None:
        back, zone = Span().plus(asked.within, -1), literal(scope.zone.key, String)
        since = functions.due_at(orders.c.placed_at, back, zone, None)
        spent += [other.c.placed_at > since, other.c.placed_at <= orders.c.placed_at]
    net = func.coalesce(func.sum(other.c.total - other.c.refunded), 0)
    total = value_of(select(net).where(of_person(scope, *spent)))
    within = f" within {wording.length(asked.within)}" if asked.within else ""
    return Condition(
        holds=between(total, low and low.minor, high and high.minor),
        wanted=wording.bounds(at_least=low, below=high) + within,
        found=total,
        say=lambda minor: str(Money(int(minor), scope.currency)),
    )


def region(asked: Membership, scope: Scope) -> Condition:  # noqa: ARG001  # one signature for all kinds
    return _membership(asked, customers.c.region)


def tier(asked: Membership, scope: Scope) -> Condition:  # noqa: ARG001  # one signature for all kinds
    return _membership(asked, customers.c.tier)


def consent(asked: ConsentTo, scope: Scope) -> Condition:  # noqa: ARG001  # one signature for all kinds
    told = select(consents.c.granted).where(
        consents.c.customer_id == customers.c.id,
        consents.c.channel == asked.channel,
        consents.c.purpose == asked.purpose,
    )
    return Condition(
        holds=exists(told.where(consents.c.granted).correlate(customers)),
        wanted=f"agreed to {asked.purpose} by {asked.channel}",
        found=value_of(told),
        say=lambda said: "never asked" if said is None else "agreed" if said else "refused",
    )


def attribute(asked: Attribute, scope: Scope) -> Condition:  # noqa: ARG001  # one signature for all kinds
    """Values compare as text, so that 5 and "5", true and "true" are the same; ``at_least`` as numbers."""
    value = AttributeText(customers.c.attributes, literal(asked.name, String))
    holds: ColumnElement[bool]
    if asked.at_least is not None:
        holds = func.coalesce(AttributeNumber(value) >= float(asked.at_least), false())
    else:
        holds = one_of(value, asked.within or (wording.attribute_text(asked.equals),))
    return Condition(holds=holds, wanted=wording.attribute(asked), found=value, say=wording.or_none)


def _membership(asked: Membership, value: ColumnElement[Any]) -> Condition:
    return Condition(
        holds=member(asked, lambda names: one_of(value, names)),
        wanted=wording.membership(asked),
        found=value,
        say=wording.or_none,
    )


Compile = Callable[[Any, Scope], Condition]
#: The fields of ``Rule`` that ask something themselves, and the function that compiles each.
KINDS: Mapping[str, Compile] = MappingProxyType(
    {
        "event_day": event_day,
        "order_total": order_total,
        "category": category,
        "orders_before": orders_before,
        "recency": recency,
        "spend": spend,
        "region": region,
        "tier": tier,
        "consent": consent,
        "attribute": attribute,
    }
)
