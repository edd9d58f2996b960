"""Phones and e-mails: whatever is taken without the library is what the library takes."""

import phonenumbers
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.services.intake import contacts

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)


@st.composite
def numbers(draw: st.DrawFn) -> str:
    region = draw(st.sampled_from(REGIONS))
    example = phonenumbers.example_number_for_type(region, draw(st.sampled_from([0, 1, 2])))
    if example is None:
        return f"+{draw(st.integers(10**7, 10**14))}"
    digits = list(phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164))
    for _ in range(draw(st.integers(0, 2))):
        digits[draw(st.integers(2, len(digits) - 1))] = draw(st.sampled_from("0123456789"))
    return "".join(digits)


def _by_library(text: str) -> str | None:
    try:
        number = phonenumbers.parse(text, "GB")
    except phonenumbers.NumberParseException:
        return None
    valid = phonenumbers.is_valid_number(number)
    return (
        phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) if valid else None
    )


@settings(deadline=None, max_examples=150)
@given(st.lists(numbers(), min_size=1, max_size=20))
def test_a_phone_is_what_the_library_says(texts: list[str]) -> None:
    column = pl.Series("phone", texts)

    found = contacts.phones(column, pl.Series("country", ["GB"] * len(texts)))

    assert found.to_list() == [_by_library(text) for text in texts]


@pytest.mark.parametrize(
    ("written", "country", "found"),
    [
        ("138 0013 8000", "CN", "+8613800138000"),
        ("(0)20 7946 0018", "GB", "+442079460018"),
        ("+1 (415) 555-2671", "GB", "+14155552671"),
        ("0086 13800138000", "GB", "+8613800138000"),
        ("12345", "GB", None),
        ("none", "GB", None),
    ],
)
def test_a_phone_without_prefix_is_of_the_orders_country(
    written: str, country: str, found: str | None
) -> None:
    assert contacts.phones(pl.Series([written]), pl.Series([country])).to_list() == [found]


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("Li.Na+Shop@Example.COM", "li.na+shop@example.com"),
        ("李@例子.中国", "李@例子.中国"),
        ("a..b@example.com", None),
        ("a@example", None),
        ("a@localhost", None),
        ("a@shop.test", None),
        ("a b@example.com", None),
        ("a@b.c\nBcc: x@example.com", None),
    ],
)
def test_an_email_is_checked_without_asking_anybody(written: str, found: str | None) -> None:
    assert contacts.emails(pl.Series([written])).to_list() == [found]


@settings(deadline=None, max_examples=300)
@given(st.from_regex(r"[a-z0-9._+-]{1,12}@[a-z0-9.-]{1,16}\.(com|cn|test|co\.uk)", fullmatch=True))
def test_an_email_taken_as_it_is_is_one_for_the_library(text: str) -> None:
    assert contacts.emails(pl.Series([text])).to_list() == [contacts.address(text)]
