"""Every text is written from what is known of its customer, or not sent."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import insert, update

from builders import BOUGHT, fates, message
from orchestrator.domain.messages import Channel, MessageState, Reason
from orchestrator.store.database import Database
from orchestrator.store.tables import concerns, orders

S = MessageState
R = Reason
Make = Callable[..., int]


def write(database: Database, statement: Any) -> None:
    with database.write() as connection:
        connection.execute(statement)


def test_a_care_wave_gives_the_answer_that_is_asked_for_most(desk: Any, a_message: Make) -> None:
    one = a_message(wave="care")
    for number, evidence in enumerate([2, 9, 5], start=1):
        write(desk.database, a_concern(id=number, question=f"Q{number}", evidence=evidence))

    desk.dispatch()

    sent = message(desk.database, one)
    assert (sent.state, sent.concern_id) == (S.ACCEPTED, 2)


def test_without_an_answer_a_care_message_is_skipped(desk: Any, a_message: Make) -> None:
    a_message(wave="care")
    write(desk.database, a_concern(category="shoes"))
    write(desk.database, a_concern(audience="returning", question="Only for others"))

    desk.dispatch()

    assert fates(desk.database) == {(S.SKIPPED, R.NO_ANSWER): 1}


def test_a_text_that_needs_no_answer_goes_without(desk: Any, a_message: Make) -> None:
    a_message(wave="care", channel=Channel.EMAIL)

    desk.dispatch()

    assert fates(desk.database) == {(S.ACCEPTED, None): 1}


def a_concern(**more: Any) -> Any:
    return insert(concerns).values(
        **{
            "category": "womenswear",
            "audience": "any",
            "locale": "en",
            "question": "Which size?",
            "answer": "Measure.",
            "curator": "support",
            "dated": BOUGHT.date(),
            "evidence": 1,
            "source": "test",
            "updated_at": BOUGHT,
            **more,
        }
    )


def test_a_text_that_cannot_be_written_is_not_sent(desk: Any, a_message: Make) -> None:
    a_message(channel=Channel.EMAIL)
    write(desk.database, update(orders).values(item=None))

    desk.dispatch()

    assert fates(desk.database) == {(S.SKIPPED, R.RENDER_FAILED): 1}
