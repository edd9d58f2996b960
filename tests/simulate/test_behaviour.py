"""Customers answer a message as the model says, whoever else is asked."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from orchestrator.services.simulate.behaviour import (
    DAY,
    Behaviour,
    Outcomes,
    ResponseModel,
    Step,
    nothing_pending,
)
from orchestrator.services.simulate.population import Population

NOTHING_ELSE = ResponseModel(undelivered=0, opt_out=0)


def a_step(shop: Population, **changed: Any) -> Step:
    customer = np.arange(len(shop))
    return replace(
        Step(
            wave="coupon",
            occurrence=0,
            loop=0,
            customer=customer,
            opened=np.full(len(shop), int(shop.event.placed.max()) + 7 * DAY),
            messages_before=np.zeros(len(shop), dtype=np.int64),
            pending=nothing_pending(len(shop)),
        ),
        **changed,
    )


def said(outcomes: Outcomes) -> list[list[bool]]:
    return [outcomes.caused.tolist(), outcomes.placed.tolist(), outcomes.opts_out.tolist()]


def test_without_effect_nobody_is_moved(shop: Population) -> None:
    answers = Behaviour(shop, ResponseModel(effect=0)).answer(a_step(shop))

    assert not answers.caused.any()
    assert answers.natural.any()


def test_an_answer_does_not_depend_on_who_else_is_asked(shop: Population) -> None:
    behaviour, everybody = Behaviour(shop, ResponseModel(effect=0.3)), a_step(shop)
    some = slice(500, 900)

    alone = behaviour.answer(
        replace(
            everybody,
            customer=everybody.customer[some],
            opened=everybody.opened[some],
            messages_before=everybody.messages_before[some],
            pending=everybody.pending[some],
        )
    )

    assert said(alone) == [column[some] for column in said(behaviour.answer(everybody))]


def test_another_occurrence_is_another_toss(shop: Population) -> None:
    behaviour = Behaviour(shop, ResponseModel(effect=0.3))

    first, second = (behaviour.answer(a_step(shop, occurrence=k)).caused for k in (0, 1))

    assert first.tolist() != second.tolist()


def test_the_effect_is_what_was_asked_for(shop: Population) -> None:
    responsive = shop.traits.responsiveness
    answers = Behaviour(shop, replace(NOTHING_ELSE, effect=0.1, dropped=1)).answer(a_step(shop))

    likely = np.minimum(0.1 * responsive, 0.9)[~answers.natural].mean()

    assert answers.caused[~answers.natural].mean() == pytest.approx(likely, abs=0.02)


@pytest.mark.parametrize(
    "less",
    [{"loop": 3}, {"messages_before": np.full(2000, 9)}, {"opened": np.full(2000, 2**39)}],
    ids=["a later loop", "many messages before", "when some are gone"],
)
def test_the_effect_fades(shop: Population, less: dict[str, Any]) -> None:
    behaviour = Behaviour(shop, replace(NOTHING_ELSE, effect=0.3))

    first = behaviour.answer(a_step(shop)).caused.sum()

    assert behaviour.answer(a_step(shop, **less)).caused.sum() < first


def test_a_caused_order_comes_inside_the_window(shop: Population) -> None:
    step = a_step(shop)
    answers = Behaviour(shop, ResponseModel(effect=0.5)).answer(step)

    assert np.all(answers.placed > step.opened)
    assert np.all(answers.placed <= step.opened + 10 * DAY)


def test_an_order_that_an_earlier_message_caused_counts_as_natural_here(shop: Population) -> None:
    step = a_step(shop)
    soon = replace(step, pending=step.opened + DAY)

    assert Behaviour(shop, ResponseModel()).answer(soon).natural.all()


def test_a_message_that_never_arrives_moves_nobody(shop: Population) -> None:
    answers = Behaviour(shop, ResponseModel(effect=0.5, undelivered=1)).answer(a_step(shop))

    assert not (answers.caused | answers.redeems | answers.opts_out).any()


def test_thanks_have_an_effect_of_their_own(shop: Population) -> None:
    model = replace(NOTHING_ELSE, service_effect=0.2)

    none, some = (
        Behaviour(shop, each).answer(a_step(shop, wave="thanks", loop=None)).caused.sum()
        for each in (ResponseModel(), model)
    )

    assert (none, some > 0) == (0, True)
