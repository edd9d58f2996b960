"""Every text is written from what is known of its customer, or not sent."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import select, update

from builders import CARE, EMAIL, PLAYBOOK, fates
from orchestrator.domain.messages import Channel, MessageState, Reason
from orchestrator.store.database import Database
from orchestrator.store.tables import concerns, messages, orders

S = MessageState
R = Reason
Make = Callable[..., int]


def write(database: Database, statement: Any) -> None:
    with database.write() as connection:
        connection.execute(statement)


def test_a_care_wave_gives_the_answer_that_is_asked_for_most(desk: Any, a_message: Make) -> None:
    asked = [("Q1", "any", 2), ("Q2", "any", 9), ("Q3", "any", 5), ("Q4", "returning", 99)]
    one = a_message(wave="care", files={"concerns/en.yaml": a_file(*asked)})

    desk.dispatch()

    assert told(desk.database, one) == (S.ACCEPTED, "Q2")


def test_each_repeat_gives_the_next_answer(desk: Any, a_message: Make) -> None:
    asked = [("Q1", "any", 9), ("Q2", "new", 2), ("Q1", "new", 1), ("Q3", "any", 5)]
    files = {"concerns/en.yaml": a_file(*asked)}
    sent = [
        a_message(wave="care", name=f"repeat {place}", occurrence=place, files=files)
        for place in range(4)
    ]

    desk.dispatch()

    assert [told(desk.database, one) for one in sent] == [
        (S.ACCEPTED, "Q2"),
        (S.ACCEPTED, "Q1"),
        (S.ACCEPTED, "Q3"),
        (S.SKIPPED, None),
    ]


def test_a_later_wave_goes_on_with_the_answers(desk: Any, a_message: Make) -> None:
    care = "  - {wave: care, kind: care, after: 2 days, by: category, channels: [sms, email]}\n"
    earlier = care.replace("care,", "more,", 1).replace("2 days", "1 day")
    files = {
        "playbook.yaml": PLAYBOOK.replace(care, earlier + care),
        "en/more.sms.j2": CARE,
        "en/more.email.j2": EMAIL,
        "concerns/en.yaml": a_file(("Q1", "any", 9), ("Q2", "any", 2)),
    }
    one = a_message(wave="care", files=files)

    desk.dispatch()

    assert told(desk.database, one) == (S.ACCEPTED, "Q2")


def test_without_an_answer_a_care_message_is_skipped(desk: Any, a_message: Make) -> None:
    a_message(wave="care", enrollment={"category": "shoes"})

    desk.dispatch()

    assert fates(desk.database) == {(S.SKIPPED, R.NO_ANSWER): 1}


def test_a_text_that_needs_no_answer_goes_without(desk: Any, a_message: Make) -> None:
    one = a_message(wave="care", channel=Channel.EMAIL)

    desk.dispatch()

    assert told(desk.database, one) == (S.ACCEPTED, None)


def a_file(*entries: tuple[str, str, int]) -> str:
    """The concerns of womenswear, each with question, audience and evidence."""
    return "concerns:\n" + "".join(
        f"  - {{category: womenswear, question: {question}, audience: {audience}, answer: Yes,"
        f" curator: support, dated: 2025-06-01, evidence: {evidence}}}\n"
        for question, audience, evidence in entries
    )


def told(database: Database, message_id: int) -> tuple[Any, ...]:
    """What became of the message, and the question that it answered."""
    found = select(messages.c.state, concerns.c.question).outerjoin(concerns)
    with database.read() as connection:
        return tuple(connection.execute(found.where(messages.c.id == message_id)).one())


def test_a_text_that_cannot_be_written_is_not_sent(desk: Any, a_message: Make) -> None:
    a_message(channel=Channel.EMAIL)
    write(desk.database, update(orders).values(item=None))

    desk.dispatch()

    assert fates(desk.database) == {(S.SKIPPED, R.RENDER_FAILED): 1}
