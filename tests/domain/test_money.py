"""Money is integer minor units."""

import pytest

from orchestrator.domain.money import Money, to_minor


@pytest.mark.parametrize(
    ("text", "money", "plain"),
    [
        ("199 CNY", Money(19_900, "CNY"), "199"),
        ("19.90 EUR", Money(1_990, "EUR"), "19.90"),
        ("500 JPY", Money(500, "JPY"), "500"),
        ("1.234 KWD", Money(1_234, "KWD"), "1.234"),
    ],
)
def test_money_is_read_and_written_as_people_do(text: str, money: Money, plain: str) -> None:
    assert Money.parse(text) == money
    assert money.plain == plain


@pytest.mark.parametrize("text", ["199", "CNY 199", "1,000 CNY", "1.999 CNY", "1.5 JPY", ""])
def test_money_refuses_what_is_not_exact(text: str) -> None:
    with pytest.raises(ValueError, match=r"amount|decimals"):
        Money.parse(text)


def test_an_amount_keeps_its_sign() -> None:
    assert to_minor("-12.30", "GBP") == -1_230
    assert str(Money(-1_230, "GBP")) == "-12.30 GBP"
