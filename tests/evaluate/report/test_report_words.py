"""Both languages say the same things, as their readers write them."""

import re
from datetime import date
from typing import Any

import pytest

from orchestrator.domain.coupons import CouponState
from orchestrator.domain.effects import Caution, Estimate
from orchestrator.domain.messages import MessageState, Reason
from orchestrator.services.report.words import LOCALES, LocaleUnknownError, Words, words_of
from orchestrator.statistics import Flag, Interval, Verdict

PLACEHOLDER = re.compile(r"\{(\w+)\}")
# Reasons of people who never became a message.
_NOT_OF_MESSAGES = {Reason.OUTSIDE_AUDIENCE, Reason.NO_TRACK, Reason.SAME_PERSON, Reason.COMPLETED}


def placeholders(words: Words) -> dict[str, Any]:
    return {
        f"{section}.{key}": set(PLACEHOLDER.findall(str(text)))
        for section, entries in words.lists.items()
        for key, text in entries.items()
    }


def test_both_languages_have_the_same_keys_and_the_same_blanks() -> None:
    assert placeholders(words_of("en")) == placeholders(words_of("zh-CN"))


@pytest.mark.parametrize("locale", LOCALES)
def test_every_word_of_the_shop_has_a_translation(locale: str) -> None:
    lists = words_of(locale).lists

    assert set(lists["state"]) == set(MessageState)
    assert set(lists["reason"]) >= set(Reason) - _NOT_OF_MESSAGES
    assert set(lists["coupon_state"]) == set(CouponState)
    assert set(lists["flag"]) == {*Flag, *Caution}
    assert set(Verdict) < set(lists["verdict"])


def test_a_language_without_words_is_refused_by_name() -> None:
    with pytest.raises(LocaleUnknownError, match="en or zh-CN, not in fr"):
        words_of("fr")


@pytest.mark.parametrize(("locale", "written"), [("en", "5 Jan 2026"), ("zh-CN", "2026年1月5日")])
def test_writes_a_day(locale: str, written: str) -> None:
    assert words_of(locale).day(date(2026, 1, 5)) == written


def test_writes_numbers() -> None:
    words = words_of("en")
    around = Estimate(0.01, Interval(-0.005, 0.025))

    assert words.whole(-1234.4, signed=True) == "−1,234"
    assert words.whole(0, signed=True) == "0"
    assert words.about(170_826) == "170,000"
    assert words.about(7) == "7"
    assert words.share(0.0456) == "4.6%"
    assert words.points(around.value) == "+1.00 pp"
    assert words.points_range(around) == "−0.50 to +2.50"
    assert words.p_value(0.0004) == "< 0.001"
    assert words.length(864_000) == "10 days"
    assert words.length(86_400) == "1 day"
    assert words.length(5_400) == "1.5 hours"


@pytest.mark.parametrize(
    ("currency", "written"), [("CNY", "1,234.56"), ("JPY", "123,456"), ("KWD", "123.456")]
)
def test_writes_money_with_the_digits_of_its_currency(currency: str, written: str) -> None:
    assert words_of("en").money(123_456, currency) == written


def test_what_is_not_known_is_a_dash() -> None:
    words = words_of("en")

    assert [words.share(None), words.money(None, "CNY"), words.p_value(None)] == ["–"] * 3


def test_one_customer_is_not_many_and_the_only_track_is_everybody() -> None:
    words = words_of("en")

    assert [words.customers(1), words.customers(1_200)] == ["1 customer", "1,200 customers"]
    assert [words.track("all"), words.track("new")] == ["everybody", "new"]
