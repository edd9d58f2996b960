"""Coupons and budgets are in the shop's currency, or nothing begins."""

import pytest

from orchestrator.playbooks import PlaybookError, assert_currency, currency_of, playbook_from_files


def test_every_amount_in_another_currency_is_told_with_its_line(files: dict[str, str]) -> None:
    files["playbook.yaml"] += "budget: 1 EUR\n"
    playbook = playbook_from_files(files)

    with pytest.raises(PlaybookError) as raised:
        assert_currency(playbook, "CNY")

    remedy = "Write it in CNY, or set ORCHESTRATOR_SHOP_CURRENCY to EUR."
    assert [str(problem) for problem in raised.value.problems] == [
        f"playbook.yaml:23: amount is 10.00 EUR, and the shop's currency is CNY. {remedy}",
        f"playbook.yaml:23: min_spend is 50.00 EUR, and the shop's currency is CNY. {remedy}",
        f"playbook.yaml:27: budget is 1.00 EUR, and the shop's currency is CNY. {remedy}",
    ]


def test_a_ladders_steps_are_told_each(files: dict[str, str]) -> None:
    ladder = "ladder: [{from: 10 EUR, percent: 5}, {from: 20 EUR, percent: 9}], min_spend: 5 EUR"
    files["playbook.yaml"] = files["playbook.yaml"].replace(
        "amount: 10 EUR, min_spend: 50 EUR", ladder
    )

    with pytest.raises(PlaybookError) as raised:
        assert_currency(playbook_from_files(files), "GBP")

    assert [problem.message.partition(",")[0] for problem in raised.value.problems] == [
        "from is 10.00 EUR",
        "from is 20.00 EUR",
        "min_spend is 5.00 EUR",
    ]


def test_a_playbook_in_the_shops_currency_or_without_amounts_is_fine(
    files: dict[str, str],
) -> None:
    playbook = playbook_from_files(files)
    assert_currency(playbook, "EUR")
    assert currency_of(playbook.definition) == "EUR"

    given = "amount: 10 EUR, min_spend: 50 EUR"
    files["playbook.yaml"] = files["playbook.yaml"].replace(given, "percent: 10")
    without = playbook_from_files(files)
    assert_currency(without, "CNY")
    assert currency_of(without.definition) is None
