"""A demonstration that went wrong says so, in a line and by its exit code."""

from dataclasses import replace
from datetime import date
from zoneinfo import ZoneInfo

import pytest
from flows.demo_check import Held, complaints

from orchestrator.domain.messages import MessageState
from orchestrator.services.report import ReportData
from orchestrator.store.ledger import LedgerRow

FINE = Held("zero", 96, 100)
DATA = ReportData(
    campaign="demo",
    title="Demo",
    state="done",
    currency="CNY",
    zone=ZoneInfo("UTC"),
    launched_on=date(2026, 11, 12),
    built_on=date(2027, 4, 1),
    window_seconds=864_000,
    lag_seconds=86_400,
    margin=0.35,
    repeating_waves=frozenset(),
    sends=(),
    evaluations=(),
    pooled=(),
    next_due_on=None,
    enrolled=(),
    ledger=(),
    put_offs=(),
    coupons=(),
)


def test_a_demo_that_went_well_has_nothing_to_complain_of() -> None:
    assert complaints(DATA, FINE) == []


def test_a_ledger_that_does_not_add_up_is_told() -> None:
    row = LedgerRow(MessageState.ACCEPTED, None, of_campaign=False, messages=7)

    found = complaints(replace(DATA, ledger=(row,)), FINE)

    assert found == ["the ledger does not add up: 7 of 0"]


def test_a_campaign_that_paused_itself_is_told() -> None:
    found = complaints(replace(DATA, state="paused"), FINE)

    assert found == ["the campaign paused itself before its end"]


# Of 100 honest intervals 14 or more miss with a chance of .0005, of 17 five or more with .0013.
@pytest.mark.parametrize(("among", "most"), [(100, 13), (17, 5), (1, 1), (0, 0)])
def test_chance_may_miss_a_few(among: int, most: int) -> None:
    held = Held("zero", among - most, among)

    assert held.most_missed == most
    assert complaints(DATA, held) == []


def test_more_than_chance_misses_is_told() -> None:
    found = complaints(DATA, Held("zero", 86, 100))

    assert found == ["14 of 100 intervals miss zero: not by chance"]
