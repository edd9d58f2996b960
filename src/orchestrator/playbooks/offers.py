"""Whether the offers hold together: one currency, ladders that rise, who stands in for whom."""

from itertools import pairwise

from orchestrator.playbooks.document import Document, Location
from orchestrator.playbooks.model import Definition, LadderStep, Offer
from orchestrator.playbooks.problems import Problem, did_you_mean
from orchestrator.playbooks.schedule import SHORTEST_MONTH
from orchestrator.playbooks.sequence import length_of


def check_offers(definition: Definition, document: Document, problems: list[Problem]) -> None:
    """Add what no single key of an offer shows."""
    checker = _Checker(definition, document, problems)
    for name, offer in definition.offers.items():
        checker.currency(name, offer)
        checker.ladder(name, offer)
        checker.otherwise(name, offer)


class _Checker:
    def __init__(self, definition: Definition, document: Document, problems: list[Problem]) -> None:
        self.definition = definition
        self.document = document
        self.problems = problems

    def complain(self, location: Location, message: str, remedy: str) -> None:
        line = self.document.line("offers", *location)
        self.problems.append(Problem(self.document.file, line, message, remedy))

    def currency(self, name: str, offer: Offer) -> None:
        if offer.amount and offer.min_spend and offer.amount.currency != offer.min_spend.currency:
            self.complain(
                (name, "min_spend"),
                f"offer {name} gives {offer.amount.currency} and asks {offer.min_spend.currency}",
                "Use one currency.",
            )
        steps = offer.ladder or ()
        amounts = [
            money for step in steps for money in (step.at_least, step.amount, step.min_spend)
        ]
        currencies = {money.currency for money in (*amounts, steps and offer.min_spend) if money}
        if len(currencies) > 1:
            self.complain(
                (name, "ladder"),
                f"the ladder of offer {name} is in {' and '.join(sorted(currencies))}",
                "Use one currency.",
            )

    def ladder(self, name: str, offer: Offer) -> None:
        steps = offer.ladder or ()
        for place, (below, step) in enumerate(pairwise(steps), start=1):
            if step.at_least.minor <= below.at_least.minor:
                self.complain(
                    (name, "ladder", place, "from"),
                    f"step {step.at_least.plain} of offer {name} does not lie above "
                    f"{below.at_least.plain}",
                    "List the steps from the lowest to the highest, each once.",
                )
            elif (step.amount is None) != (below.amount is None):
                self.complain(
                    (name, "ladder", place),
                    f"the ladder of offer {name} gives amounts and percents",
                    "Write one of them at all steps.",
                )
            elif _worth(step) < _worth(below):
                self.complain(
                    (name, "ladder", place),
                    f"offer {name} gives less from {step.at_least.plain} on than below it",
                    "Let a dearer order earn at least as much.",
                )
        if steps and offer.pool is not None:
            self.complain(
                (name, "pool"),
                f"offer {name} has a ladder, and the codes of a pool are worth what they are worth",
                "Remove pool: codes are made then.",
            )

    def otherwise(self, name: str, offer: Offer) -> None:
        """Nobody is left empty-handed by the second offer, so that there is never a third."""
        if offer.otherwise is None:
            return
        at: Location = (name, "otherwise")
        other = self.definition.offers.get(offer.otherwise)
        if offer.stock is None and offer.pool is None:
            self.complain(
                at,
                f"offer {name} has neither stock nor pool, so that nobody gets {offer.otherwise}",
                "Remove otherwise, or write 'stock: …'.",
            )
        if other is None:
            remedy = did_you_mean(offer.otherwise, self.definition.offers)
            self.complain(at, f"unknown offer {offer.otherwise}", remedy)
        elif (limit := _limit_of(other)) or _ends_before(other, offer):
            why = f"has a {limit} of its own" if limit else "ends before it"
            self.complain(
                at,
                f"{offer.otherwise} cannot stand in for {name}: it {why}",
                "Name an offer that everybody can have for as long.",
            )


def _worth(step: LadderStep) -> int:
    return step.amount.minor if step.amount else step.percent or 0


def _limit_of(offer: Offer) -> str | None:
    """What may leave somebody without the offer."""
    named = (offer.stock, offer.pool, offer.ladder)
    return next(
        (word for word, it in zip(("stock", "pool", "ladder"), named, strict=True) if it), None
    )


def _ends_before(other: Offer, offer: Offer) -> bool:
    if other.until is not None and (offer.until is None or other.until < offer.until):
        return True
    if other.lasts is None or offer.lasts is None:
        return False
    return length_of(other.lasts, SHORTEST_MONTH) < length_of(offer.lasts, SHORTEST_MONTH)
