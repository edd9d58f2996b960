"""The report says what was recorded, adds up, and stands alone."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest

from orchestrator.domain.messages import MessageState, Reason
from orchestrator.services.evaluate import evaluate
from orchestrator.services.pooled import CampaignUnknownError, pooled
from orchestrator.services.report import (
    LOCALES,
    ReportData,
    build_report,
    render_report,
    report_markdown,
    summary_table,
)
from orchestrator.store.database import Database
from orchestrator.store.ledger import LedgerRow

NOON = datetime(2025, 11, 12, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(days=40)


@pytest.fixture
def a_report(shop: Any, database: Database) -> Callable[[], ReportData]:
    def build() -> ReportData:
        evaluate(database, LATER)
        return build_report(database, "double11", LATER)

    return build


def a_send(
    shop: Any, treated: tuple[int, int], control: tuple[int, int], occurrence: int = 0
) -> None:
    """A send of which so many (bought, of all) bought."""
    send = shop.send("coupon", occurrence)
    for arm, (bought, people) in (("treated", treated), ("holdout", control)):
        for number in range(people):
            customer = shop.message(send, arm=arm, cost=0 if arm == "holdout" else 4_500)
            if number < bought:
                shop.order(customer)
    shop.schedule(send)


def test_the_first_words_are_the_verdict(shop: Any, a_report: Callable[[], ReportData]) -> None:
    a_send(shop, treated=(15, 20), control=(2, 20))

    page = render_report(a_report(), "en")

    assert "“coupon” works: of 20 customers, 13 came back who would not have come otherwise" in page


def test_a_small_difference_says_how_many_customers_it_would_take(
    shop: Any, a_report: Callable[[], ReportData]
) -> None:
    a_send(shop, treated=(5, 10), control=(4, 10))

    found = re.search(
        r"cannot tell yet\..* About [\d,]+ customers", render_report(a_report(), "en")
    )

    assert found


def test_without_anybody_held_out_nothing_is_claimed(
    shop: Any, a_report: Callable[[], ReportData]
) -> None:
    a_send(shop, treated=(3, 5), control=(0, 0))

    assert "“coupon” was not measured" in render_report(a_report(), "en")


def test_before_the_first_evaluation_it_says_when_that_is(shop: Any, database: Database) -> None:
    send = shop.send()
    shop.message(send)
    shop.schedule(send)

    page = render_report(build_report(database, "double11", NOON), "en")

    assert "Nothing has been evaluated yet. The first evaluation is due on 23 Nov 2025." in page


def test_the_ledger_adds_up_to_the_planned_messages(
    shop: Any, a_report: Callable[[], ReportData]
) -> None:
    send = shop.send()
    shop.message(send)
    shop.message(send, arm="holdout")
    shop.message(send, shop.enrollment(arm="holdout"), arm="holdout", assigned=False)
    shop.message(send, state="skipped", reason="no_consent", assigned=False)

    data = a_report()

    assert data.planned_rows == data.ledger_sum == 4
    assert data.ledger == (
        LedgerRow(MessageState.ACCEPTED, None, of_campaign=False, messages=1),
        LedgerRow(MessageState.SKIPPED, Reason.NO_CONSENT, of_campaign=False, messages=1),
        LedgerRow(MessageState.WITHHELD, Reason.HELD_OUT, of_campaign=False, messages=1),
        LedgerRow(MessageState.WITHHELD, Reason.HELD_OUT, of_campaign=True, messages=1),
    )
    assert "held out of the whole campaign by lot" in render_report(data, "en")


def test_repeats_are_pooled_within_each_send(
    shop: Any, database: Database, a_report: Callable[[], ReportData]
) -> None:
    a_send(shop, treated=(6, 8), control=(2, 8))
    a_send(shop, treated=(4, 8), control=(4, 8), occurrence=1)
    a_report()

    found = {(one.occurrence, one.sends): one for one in pooled(database, "double11")}

    assert set(found) == {(None, 2), (0, 1), (1, 1)}
    assert found[None, 2].difference.value == pytest.approx(0.25)
    assert found[0, 1].difference.value == pytest.approx(0.5)
    assert found[1, 1].difference.value == pytest.approx(0)


def test_plain_rows_for_the_shell(shop: Any, a_report: Callable[[], ReportData]) -> None:
    a_send(shop, treated=(3, 4), control=(1, 4))

    heading, row = summary_table(a_report())

    assert dict(zip(heading, row, strict=True)) == {
        "Date": "12 Nov 2025",
        "Wave": "coupon 1",
        "Eligible": "8",
        "Assigned": "4",
        "Held out": "4",
        "Accepted": "4",
        "Came back": "3",
        "Rate": "75.0% (30.1 to 95.4%)",
        "Natural rate": "25.0% (4.6 to 69.9%)",
        "Difference": "+50.00 pp (−13.55 to +78.91)",
        "Relative lift": "+200%",
        "p": "0.486",
        "Verdict": "cannot tell yet",
    }


@pytest.mark.parametrize("locale", LOCALES)
def test_the_page_needs_nothing_else(
    shop: Any, a_report: Callable[[], ReportData], locale: str
) -> None:
    a_send(shop, treated=(3, 4), control=(1, 4))
    a_send(shop, treated=(3, 4), control=(1, 4), occurrence=1)

    page = render_report(a_report(), locale)

    assert not re.findall(r"<script|<link|<img|https?://|url\(|@import", page)
    assert f'<html lang="{locale}">' in page
    assert page.count("<svg") == 2
    assert _open_tags(page) == []


def test_a_campaign_named_like_markup_stays_a_name(
    shop: Any, a_report: Callable[[], ReportData]
) -> None:
    a_send(shop, treated=(1, 2), control=(1, 2))
    data = replace(a_report(), title="<b>5 | 6</b>")

    assert "&lt;b&gt;5 | 6&lt;/b&gt;" in render_report(data, "en")
    assert "\\<b\\>5 \\| 6\\</b\\>" in report_markdown(data, "en")


@pytest.mark.parametrize("locale", LOCALES)
def test_every_row_of_the_markdown_has_the_columns_of_its_heading(
    shop: Any, a_report: Callable[[], ReportData], locale: str
) -> None:
    a_send(shop, treated=(3, 4), control=(1, 4))

    blocks = re.findall(r"(?:^\|.*\n)+", report_markdown(a_report(), locale), re.MULTILINE)

    assert len(blocks) >= 4
    for block in blocks:
        assert len({line.count("|") for line in block.splitlines()}) == 1


def test_an_unknown_campaign_is_named(shop: Any, database: Database) -> None:
    with pytest.raises(CampaignUnknownError, match="no campaign named double12"):
        build_report(database, "double12", NOON)


class _Tags(HTMLParser):
    void = frozenset({"meta", "line", "circle", "polyline"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002  # the base class gives it
        if tag not in self.void:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.void:
            assert self.open.pop() == tag


def _open_tags(page: str) -> list[str]:
    parser = _Tags()
    parser.feed(page)
    return parser.open
