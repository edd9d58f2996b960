"""Whether a playbook's amounts are in the currency of the shop that runs it."""

from collections.abc import Iterator

from orchestrator.domain.money import Money
from orchestrator.playbooks.document import Location, read_document
from orchestrator.playbooks.model import Definition, Offer
from orchestrator.playbooks.playbook import Playbook
from orchestrator.playbooks.problems import PlaybookError, Problem
from orchestrator.playbooks.reading import MAIN_FILE


def currency_of(definition: Definition) -> str | None:
    """Return the currency that the playbook's amounts are in; none where it names no amount."""
    return next((money.currency for _, money in _amounts(definition)), None)


def assert_currency(playbook: Playbook, currency: str) -> None:
    """PlaybookError with every amount that is in another currency: coupons and budgets are the shop's."""
    foreign = [
        (place, money)
        for place, money in _amounts(playbook.definition)
        if money.currency != currency
    ]
    if not foreign:
        return
    document = read_document(MAIN_FILE, playbook.files[MAIN_FILE], [])
    raise PlaybookError(
        Problem(
            MAIN_FILE,
            document.line(*place) if document else 1,
            f"{place[-1]} is {money}, and the shop's currency is {currency}",
            f"Write it in {currency}, or set ORCHESTRATOR_SHOP_CURRENCY to {money.currency}.",
        )
        for place, money in foreign
    )


def _amounts(definition: Definition) -> Iterator[tuple[Location, Money]]:
    if definition.budget is not None:
        yield ("budget",), definition.budget
    for name, offer in definition.offers.items():
        for key, money in _given(offer):
            if money is not None:
                yield ("offers", name, *key), money


def _given(offer: Offer) -> Iterator[tuple[Location, Money | None]]:
    yield ("amount",), offer.amount
    yield ("min_spend",), offer.min_spend
    for place, step in enumerate(offer.ladder or ()):
        yield ("ladder", place, "from"), step.at_least
        yield ("ladder", place, "amount"), step.amount
        yield ("ladder", place, "min_spend"), step.min_spend
