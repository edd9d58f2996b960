"""The policy for one message whose moment has come, gate by gate."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from orchestrator.domain.breaker import is_over, upper_tail
from orchestrator.domain.calendar import QuietHours, Span
from orchestrator.domain.decisions import (
    Cancel,
    Decision,
    Expire,
    Limit,
    MessageFacts,
    Postpone,
    Send,
    Skip,
    decide,
)
from orchestrator.domain.messages import Reason

NOON = datetime(2025, 11, 12, 4, 0, tzinfo=UTC)  # in Shanghai
NIGHT = datetime(2025, 11, 12, 14, 0, tzinfo=UTC)  # 22:00 there
MORNING = datetime(2025, 11, 13, 1, 0, tzinfo=UTC)  # 09:00 there
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FINE = MessageFacts(zone=ZoneInfo("Asia/Shanghai"), consent=True)
QUIET = QuietHours(time(21), time(9))
ONE_IN_14_DAYS = Limit(1, Span(days=14))


def test_nothing_stands_against_it() -> None:
    assert decide(FINE, NOON) == Send()


@pytest.mark.parametrize(
    ("more", "decision"),
    [
        ({"dispatch_stopped": True}, Postpone(NOON, Reason.DISPATCH_STOPPED)),
        ({"campaign_state": "stopped"}, Cancel(Reason.CAMPAIGN_STOPPED)),
        ({"campaign_state": "paused"}, Postpone(NOON + HOUR, Reason.CAMPAIGN_PAUSED)),
        ({"expires_at": NOON}, Expire(Reason.LATE)),
        ({"coupon_expires_at": NOON}, Expire(Reason.COUPON_EXPIRED)),
        ({"purchased": True}, Skip(Reason.PURCHASED)),
        ({"coupon_redeemed": True}, Skip(Reason.COUPON_REDEEMED)),
        ({"reachable": False}, Skip(Reason.NO_ADDRESS)),
        ({"suppressed": True}, Skip(Reason.SUPPRESSED)),
        ({"consent": None}, Skip(Reason.NO_CONSENT)),
        ({"consent": False}, Skip(Reason.NO_CONSENT)),
        ({"purpose": "service", "consent": False}, Skip(Reason.NO_CONSENT)),
        ({"purpose": "service", "consent": None}, Send()),
        ({"unwritten": Reason.NO_ANSWER}, Skip(Reason.NO_ANSWER)),
        ({"cost": 11, "budget_left": 10}, Skip(Reason.BUDGET)),
        ({"cost": 10, "budget_left": 10}, Send()),
    ],
)
def test_each_gate_has_its_reason(more: dict[str, Any], decision: Decision) -> None:
    assert decide(replace(FINE, **more), NOON) == decision


@pytest.mark.parametrize(
    ("more", "decision"),
    [
        ({}, Postpone(MORNING, Reason.QUIET_HOURS)),
        ({"expires_at": MORNING}, Expire(Reason.QUIET_HOURS)),
        ({"coupon_expires_at": MORNING}, Expire(Reason.QUIET_HOURS)),
        ({"expires_at": MORNING + HOUR}, Postpone(MORNING, Reason.QUIET_HOURS)),
        ({"campaign_state": "paused"}, Postpone(MORNING, Reason.CAMPAIGN_PAUSED)),
    ],
)
def test_at_night_it_waits_unless_it_would_be_over(
    more: dict[str, Any], decision: Decision
) -> None:
    assert decide(replace(FINE, quiet=QUIET, **more), NIGHT) == decision


def test_a_cap_is_free_again_when_the_oldest_contact_leaves_its_span() -> None:
    capped = replace(FINE, cap=Limit(2, Span(days=14)), contacts=(NOON - 3 * DAY, NOON - DAY))

    assert decide(capped, NOON) == Postpone(NOON + 11 * DAY, Reason.CAP)
    assert decide(replace(capped, contacts=(NOON - 14 * DAY, NOON - DAY)), NOON) == Send()


def test_a_cap_that_outlasts_the_message_ends_it() -> None:
    capped = replace(FINE, cap=ONE_IN_14_DAYS, contacts=(NOON - DAY,), expires_at=NOON + DAY)

    assert decide(capped, NOON) == Expire(Reason.CAP)


def test_a_cap_that_outlasts_the_coupon_is_why_it_ends() -> None:
    capped = replace(FINE, cap=ONE_IN_14_DAYS, contacts=(NOON - DAY,), coupon_expires_at=NOON + DAY)

    assert decide(capped, NOON) == Expire(Reason.CAP)


def test_a_cap_that_is_free_at_night_waits_for_the_morning() -> None:
    contact = NIGHT - 14 * DAY + HOUR
    capped = replace(FINE, cap=ONE_IN_14_DAYS, contacts=(contact,), quiet=QUIET)

    assert decide(capped, NIGHT - 3 * HOUR) == Postpone(MORNING, Reason.CAP)


def test_the_breaker_s_tail_is_the_exact_binomial() -> None:
    assert upper_tail(0, 10, 0.5) == 1
    assert upper_tail(10, 10, 0.5) == pytest.approx(1 / 1024)
    assert upper_tail(2, 3, 0.1) == pytest.approx(3 * 0.01 * 0.9 + 0.001)


def test_chance_does_not_trip_the_breaker_and_a_fault_does() -> None:
    assert not is_over(3, 10, 0.05, 1e-4)
    assert not is_over(25, 500, 0.05, 1e-4)
    assert is_over(60, 500, 0.05, 1e-4)
