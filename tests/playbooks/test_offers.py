"""Offers, stocks, ladders and reminders: what is right, and what is wrong with the others."""

from datetime import date

import pytest

from orchestrator.domain.calendar import Span
from orchestrator.domain.money import Money
from orchestrator.playbooks import PlaybookError, Problem, playbook_from_files

BACK = "  back: {amount: 10 EUR, min_spend: 50 EUR, valid: 14 days}\n"
LADDER = """\
  back:
    ladder:
      - {from: 100 EUR, amount: 3 EUR}
      - {from: 150 EUR, amount: 5 EUR, min_spend: 50 EUR}
    until: 2026-04-30
    stock: 500
    otherwise: small
  small: {percent: 5}
"""
REMINDER = """\
  - wave: reminder
    kind: promo
    after: 11 days after coupon
    channels: [email]
    reminds: coupon
"""
ONCE = "    repeat: {times: 2, every: 1 month}\n"
CAP = "cap: {promo: 1 per 14 days}\n"


@pytest.fixture
def limited(files: dict[str, str]) -> dict[str, str]:
    """A playbook with a ladder of a stock, a last day and a reminder."""
    text = files["playbook.yaml"].replace(BACK, LADDER).replace(ONCE, REMINDER).replace(CAP, "")
    reminder = {"en/reminder.email.j2": files["en/coupon.email.j2"]}
    return {**files, "playbook.yaml": text, **reminder}


def test_reads_what_may_stand_in_an_offer(limited: dict[str, str]) -> None:
    definition = playbook_from_files(limited).definition

    offer = definition.offers["back"]
    assert (offer.lasts, offer.until, offer.stock) == (None, date(2026, 4, 30), 500)
    assert (offer.otherwise, definition.offers["small"].lasts) == ("small", Span(days=14))
    assert definition.wave_named("reminder").reminds == "coupon"


@pytest.mark.parametrize(
    ("total", "earned"),
    [
        (Money(9_999, "EUR"), None),
        (Money(10_000, "EUR"), (300, None)),
        (Money(14_999, "EUR"), (300, None)),
        (Money(15_000, "EUR"), (500, 5_000)),
        (Money(99_900, "CNY"), None),
    ],
)
def test_an_order_earns_the_highest_step_that_it_reaches(
    limited: dict[str, str], total: Money, earned: tuple[int, int | None] | None
) -> None:
    offer = playbook_from_files(limited).definition.offers["back"].earned_by(total)

    given = (
        offer and offer.amount and (offer.amount.minor, offer.min_spend and offer.min_spend.minor)
    )
    assert given == earned


# what stands there, what somebody writes instead, the line, what they are told
BROKEN = [
    pytest.param(
        "150 EUR, amount: 5 EUR, min",
        "100 EUR, amount: 5 EUR, min",
        ("from: 100 EUR, amount: 5 EUR", "step 100 of offer back does not lie above 100"),
        "List the steps from the lowest to the highest, each once.",
        id="a step that is no higher",
    ),
    pytest.param(
        "amount: 5 EUR, min",
        "amount: 2 EUR, min",
        ("from: 150 EUR", "offer back gives less from 150 on than below it"),
        "Let a dearer order earn at least as much.",
        id="a dearer order that earns less",
    ),
    pytest.param(
        "amount: 5 EUR, min",
        "percent: 5, min",
        ("from: 150 EUR", "the ladder of offer back gives amounts and percents"),
        "Write one of them at all steps.",
        id="a ladder of two kinds",
    ),
    pytest.param(
        "min_spend: 50 EUR}",
        "min_spend: 50 CNY}",
        ("ladder:", "the ladder of offer back is in CNY and EUR"),
        "Use one currency.",
        id="a ladder in two currencies",
    ),
    pytest.param(
        "amount: 3 EUR",
        "amount: 3 EUR, percent: 3",
        ("from: 100 EUR", "ladder: a step gives nothing, or several things at once"),
        "Write exactly one of amount, percent.",
        id="a step that gives two things",
    ),
    pytest.param(
        "    ladder:",
        "    pool: spring\n    ladder:",
        (
            "pool: spring",
            "offer back has a ladder, and the codes of a pool are worth what they are worth",
        ),
        "Remove pool: codes are made then.",
        id="a ladder of codes that others made",
    ),
    pytest.param(
        "stock: 500",
        "stock: 0",
        ("stock: 0", "stock: 0 does not fit"),
        "It should be greater than or equal to 1.",
        id="a stock of nothing",
    ),
    pytest.param(
        "otherwise: small",
        "otherwise: smal",
        ("otherwise: smal", "unknown offer smal"),
        "Did you mean small?",
        id="another offer that there is not",
    ),
    pytest.param(
        "small: {percent: 5}",
        "small: {percent: 5, stock: 9}",
        ("otherwise:", "small cannot stand in for back: it has a stock of its own"),
        "Name an offer that everybody can have for as long.",
        id="another offer that runs out too",
    ),
    pytest.param(
        "small: {percent: 5}",
        "small: {percent: 5, until: 2026-04-01}",
        ("otherwise:", "small cannot stand in for back: it ends before it"),
        "Name an offer that everybody can have for as long.",
        id="another offer that ends before",
    ),
    pytest.param(
        "until: 2026-04-30",
        "valid: 30 days",
        ("otherwise:", "small cannot stand in for back: it ends before it"),
        "Name an offer that everybody can have for as long.",
        id="another offer that is valid for less",
    ),
    pytest.param(
        "    stock: 500\n",
        "",
        ("otherwise:", "offer back has neither stock nor pool, so that nobody gets small"),
        "Remove otherwise, or write 'stock: …'.",
        id="another offer for nobody",
    ),
    pytest.param(
        "until: 2026-04-30",
        "until: 2026-03-15",
        (
            "after: 11 days",
            "reminder is due from 2026-03-19 on, and its offer back ends with 2026-03-15",
        ),
        "Send it earlier, or let the offer last longer.",
        id="a reminder behind the last day",
    ),
    pytest.param(
        "until: 2026-04-30",
        "valid: 11 days",
        ("after: 11 days", "reminder comes when the coupon of coupon is over"),
        "Remind earlier, or let the offer be valid for longer.",
        id="a reminder of what is over",
    ),
    pytest.param(
        "    until: 2026-04-30\n",
        "",
        (None, "the cap of promo puts reminder off until its coupon is over"),
        "Let the cap allow 2, or the offer be valid for longer.",
        id="a reminder that the cap holds back",
    ),
    pytest.param(
        "reminds: coupon",
        "reminds: cupon",
        ("reminds: cupon", "reminder reminds of cupon, which is not before it"),
        "Did you mean coupon?",
        id="a reminder of an unknown wave",
    ),
    pytest.param(
        "reminds: coupon",
        "reminds: thanks",
        ("reminds: thanks", "reminder reminds of thanks, which brings no coupon of its own"),
        "Name the wave with the offer.",
        id="a reminder of no coupon",
    ),
    pytest.param(
        "reminds: coupon",
        "reminds: coupon\n    offer: small",
        ("reminds: coupon", "reminder reminds of a coupon and brings another"),
        "Remove reminds, or its offer.",
        id="a reminder with a coupon of its own",
    ),
    pytest.param(
        "after: 11 days after coupon",
        "after: 18 days",
        ("reminds: coupon", "reminder reminds of coupon and does not count from it"),
        "Write 'after: … after coupon'.",
        id="a reminder that counts from the order",
    ),
    pytest.param(
        "unless: purchased\n",
        "unless: purchased\n" + ONCE.replace("month", "week"),
        ("reminds: coupon", "coupon repeats, and it would be open which coupon is meant"),
        "Remind once, of a wave that goes out once.",
        id="a reminder of one of several",
    ),
]


@pytest.mark.parametrize(("right", "wrong", "told", "remedy"), BROKEN)
def test_says_what_is_wrong_where(
    limited: dict[str, str], right: str, wrong: str, told: tuple[str | None, str], remedy: str
) -> None:
    text = limited["playbook.yaml"].replace(right, wrong, 1)
    where, message = told
    if where is None:
        text, where = text + CAP, "reminds: coupon"
    limited["playbook.yaml"] = text
    line = next(nr for nr, row in enumerate(text.splitlines(), 1) if where in row)

    with pytest.raises(PlaybookError) as raised:
        playbook_from_files(limited)

    assert raised.value.problems == (Problem("playbook.yaml", line, message, remedy),)


def test_a_reminder_prints_the_coupon(limited: dict[str, str]) -> None:
    limited["en/reminder.email.j2"] = limited["en/coupon.email.j2"].replace("{{ coupon.code }}", "")

    with pytest.raises(PlaybookError, match="the coupon of wave reminder is not named"):
        playbook_from_files(limited)


def test_a_cap_holds_a_reminder_back_by_whatever_channel_it_goes(limited: dict[str, str]) -> None:
    """Caps count the person."""
    text = limited["playbook.yaml"].replace("    until: 2026-04-30\n", "") + CAP
    head, _, tail = text.rpartition("channels: [email]")
    limited["playbook.yaml"] = f"{head}channels: [sms]{tail}"
    del limited["en/reminder.email.j2"]
    limited["en/reminder.sms.j2"] = "{{ shop.name }}: {{ coupon.code }} Reply STOP to opt out.\n"

    with pytest.raises(PlaybookError, match="the cap of promo puts reminder off"):
        playbook_from_files(limited)


def test_no_repeat_lies_behind_the_last_day(files: dict[str, str]) -> None:
    """The first of the two comes on the 8th."""
    files["playbook.yaml"] = files["playbook.yaml"].replace(
        "valid: 14", "until: 2026-04-04, valid: 14"
    )

    with pytest.raises(PlaybookError) as raised:
        playbook_from_files(files)

    message = "coupon is due from 2026-04-05 on, and its offer back ends with 2026-04-04"
    remedy = "Send it earlier, or let the offer last longer."
    assert raised.value.problems == (Problem("playbook.yaml", 17, message, remedy),)
