"""What a simulation ends with adds up."""

from datetime import date
from typing import Any

from orchestrator.domain.messages import MessageState, Reason
from orchestrator.services.simulate.report import DayOfSends, by_day, by_reason, by_state
from orchestrator.store.simulation import Tally

_S = MessageState


def a_tally(state: MessageState, messages: int, **changed: Any) -> Tally:
    values: dict[str, Any] = {
        "wave": "coupon",
        "occurrence": 0,
        "day": date(2026, 11, 18),
        "reason": None,
        "parts": 0,
        "cost": 0,
    }
    return Tally(state=state, messages=messages, **(values | changed))


LEDGER = [
    a_tally(_S.ACCEPTED, 90, cost=450_000),
    a_tally(_S.WITHHELD, 10, reason=Reason.HELD_OUT),
    a_tally(_S.SKIPPED, 5, reason=Reason.NO_CONSENT),
    a_tally(_S.SKIPPED, 2, reason=Reason.CAP),
    a_tally(_S.SKIPPED, 1, reason=Reason.CAP, wave="again"),
]


def test_each_send_has_a_line_that_counts_everybody() -> None:
    values: dict[str, Any] = {"day": date(2026, 11, 18), "occurrence": 0}

    assert by_day(LEDGER) == (
        DayOfSends(**values, wave="again", accepted=0, withheld=0, others=1, cost=0),
        DayOfSends(**values, wave="coupon", accepted=90, withheld=10, others=7, cost=450_000),
    )


def test_states_hold_every_message_and_reasons_those_that_were_not_sent() -> None:
    assert by_state(LEDGER) == {_S.ACCEPTED: 90, _S.WITHHELD: 10, _S.SKIPPED: 8}
    assert by_reason(LEDGER) == {Reason.HELD_OUT: 10, Reason.NO_CONSENT: 5, Reason.CAP: 3}
