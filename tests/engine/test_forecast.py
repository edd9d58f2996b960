"""Every text that could be sent is written before anything is: nothing fails for the first time in June."""

import random
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from orchestrator.domain.arms import Arm
from orchestrator.domain.messages import Channel, MessageState
from orchestrator.playbooks import PlaybookError, playbook_from_files
from orchestrator.services.forecast import Flaw, Forecast, forecast, forecast_markdown
from orchestrator.services.launch import launch
from orchestrator.statistics import smallest_detectable_effect
from orchestrator.store.database import Database
from orchestrator.store.tables import campaigns, consents, customers, orders
from shops import EVENT_NOON, SHOP, add_buyers, add_order, add_suppression

LAUNCH = EVENT_NOON + timedelta(hours=12)
PLAYBOOK = """\
playbook: spring
title: Spring
timezone: Asia/Shanghai
locales: [en, zh-CN]
audience: {event_day: {from: 2026-11-11, to: 2026-11-11}}
tracks: {new: {}}
waves:
  - {wave: care, kind: care, after: 1 day, by: category, channels: [sms, email],
     repeat: {times: 3, every: 1 month}}
"""
BOTH = ((Channel.SMS, "marketing"), (Channel.EMAIL, "marketing"))
CARE = "{{ shop.name }}, {{ order.item }}: {{ concern.question }} {{ concern.answer }} STOP"
EMAIL = """\
{% block subject %}Your {{ order.item }}{% endblock %}
{% block text %}{{ shop.name }} {{ order.item }} {{ shop.postal_address }} {{ shop.unsubscribe_url }}{% endblock %}
"""


def concerns(*answers: str) -> str:
    entries = [
        f"  - {{category: womenswear, question: 'Q{place}?', answer: '{answer}',"
        f" curator: support, dated: 2025-06-01, evidence: {9 - place}}}\n"
        for place, answer in enumerate(answers)
    ]
    return "concerns:\n" + "".join(entries)


def files(
    waves: str = "", *, answers: Iterable[str] = ("A.", "B.", "C."), **texts: str
) -> dict[str, str]:
    """Three care messages; ``waves`` are added, ``texts`` are their SMS in both languages."""
    written = {"care.sms": CARE, "care.email": EMAIL}
    written |= {f"{wave}.sms": text for wave, text in texts.items()}
    return {
        "playbook.yaml": PLAYBOOK + waves,
        "concerns/en.yaml": concerns(*answers),
        "concerns/zh-CN.yaml": concerns("A.", "B.", "C."),
        **{f"{spoken}/{name}.j2": written[name] for spoken in ("en", "zh-CN") for name in written},
    }


def plan(database: Database, files: dict[str, str], **more: Any) -> Forecast:
    return forecast(
        database,
        playbook_from_files(files),
        shop=SHOP,
        now=LAUNCH,
        random_bytes=random.Random(5).randbytes,
        **more,
    )


def buyers(database: Database, count: int = 3, **more: Any) -> list[int]:
    with database.write() as connection:
        return add_buyers(connection, count, **more)


def change(database: Database, statement: Any) -> None:
    with database.write() as connection:
        connection.execute(statement)


def test_finds_a_text_that_only_fails_in_its_third_occurrence(database: Database) -> None:
    ids = buyers(database)
    change(database, update(customers).where(customers.c.id == ids[0]).values(locale="zh-CN"))

    found = plan(database, files(answers=("A.", "B.", "Wash it at {{ degrees }}.")))

    assert not found.is_sound
    assert found.flaws == (
        Flaw(
            wave="care",
            occurrence=2,
            locale="en",
            what="en/care.sms.j2: leftover_markup (text)",
            customers=2,
            first="id:2",
            remedy="Take {{ and {% out of the customer's data or the answer that holds them",
        ),
    )
    page = forecast_markdown(found)
    assert (
        "**care, number 3, en: the text of 2 customers cannot be written**, the first is customer "
        "id:2 (`orchestrator why id:2`): en/care.sms.j2: leftover_markup (text). Take {{ and {% out"
    ) in page
    assert "degrees" not in page
    assert "linen dress" not in page


def test_says_for_which_category_nobody_has_collected_answers(database: Database) -> None:
    ids = buyers(database)
    change(database, update(orders).where(orders.c.customer_id == ids[0]).values(category="shoes"))

    found = plan(database, files())

    assert [(flaw.occurrence, flaw.customers, flaw.first) for flaw in found.flaws] == [
        (number, 1, "id:1") for number in range(3)
    ]
    assert found.flaws[0].remedy == "Add answer number 1 for shoes and new to concerns/en.yaml"


def test_a_text_that_is_the_same_each_time_is_written_once(database: Database) -> None:
    buyers(database)
    written: list[int] = []
    greeting = (
        "  - {wave: hello, kind: greeting, after: 4 months, channels: [sms],"
        " repeat: {times: 5, every: 1 month}}\n"
    )

    found = plan(
        database,
        files(greeting, hello="{{ shop.name }}: {{ order.item }}. STOP"),
        progress=written.append,
    )

    assert found.is_sound
    assert sum(written) == 3 * 3 + 3


def test_a_fault_in_each_occurrence_is_told_once(database: Database) -> None:
    buyers(database)
    change(database, update(orders).values(item=None))
    greeting = (
        "  - {wave: hello, kind: greeting, after: 4 months, channels: [sms],"
        " repeat: {times: 5, every: 1 month}}\n"
    )

    found = plan(database, files(greeting, hello="{{ shop.name }}: {{ order.item }}. STOP"))

    [flaw] = [flaw for flaw in found.flaws if flaw.wave == "hello"]
    assert (flaw.occurrence, flaw.customers, flaw.first) == (None, 3, "id:1")
    assert flaw.remedy == "Import it for these customers, or leave order.item out of the text"
    assert "**hello, en: the text of 3 customers cannot be written**" in forecast_markdown(found)


def test_whoever_is_withheld_by_this_lot_may_be_written_to_by_the_next(
    database: Database,
) -> None:
    buyers(database, 6)
    change(database, update(orders).values(item=None))
    promo = (
        "  - {wave: promo, kind: promo, after: 4 months, channels: [sms], offer: back, holdout: 50%}\n"
        "offers: {back: {amount: 20 CNY, min_spend: 199 CNY}}\n"
        "holdout: 40%\n"
    )
    text = "{{ shop.name }} {{ order.item }} {{ coupon.code }} STOP"

    found = plan(database, files(promo, promo=text))

    [flaw] = [flaw for flaw in found.flaws if flaw.wave == "promo"]
    promo_wave = found.waves[-1]
    assert flaw.customers == 6
    assert 0 < promo_wave.planned < 6


def test_a_coupon_is_there_for_everybody_and_in_each_occurrence(database: Database) -> None:
    buyers(database, 6)
    promo = (
        "  - {wave: promo, kind: promo, after: 4 months, channels: [sms], offer: back, holdout: 50%,"
        " repeat: {times: 3, every: 1 month}}\n"
        "offers: {back: {amount: 20 CNY, min_spend: 199 CNY}}\n"
    )
    text = (
        "{{ shop.name }} {{ coupon.code }} {{ coupon.value|money }} {{ coupon.valid_until|date }}"
        "{% if coupon.min_spend %} from {{ coupon.min_spend|money }}{% endif %} STOP"
    )
    written: list[int] = []

    found = plan(database, files(promo, promo=text), progress=written.append)

    assert found.is_sound
    assert sum(written) == 6 * 3 + 6 * 3


def test_every_variant_and_every_open_channel_is_written(database: Database) -> None:
    [one, other] = buyers(database, 1, email="a@b.example", agreed=BOTH) + buyers(
        database, 1, first=2, email="c@d.example", agreed=BOTH
    )
    with database.write() as connection:
        add_suppression(connection, other, Channel.EMAIL)
    change(database, update(orders).where(orders.c.customer_id == one).values(item="x\ny"))
    trial = (
        "  - {wave: trial, kind: greeting, after: 4 months, channels: [sms, email],"
        " variants: [{variant: long, share: 50%}, {variant: short, share: 50%}]}\n"
    )
    texts = files(trial, trial="{{ shop.name }} STOP") | {
        f"{spoken}/trial.{name}": text
        for spoken in ("en", "zh-CN")
        for name, text in {"short.sms.j2": "STOP", "email.j2": EMAIL}.items()
    }
    written: list[int] = []

    found = plan(database, texts, progress=written.append)

    # One on both channels and in both variants, the other by SMS alone; three times care.
    assert sum(written) == (3 + 1) + 3 + (2 + 1) + 2
    assert {(flaw.wave, flaw.occurrence, flaw.what) for flaw in found.flaws} == {
        ("care", None, "en/care.email.j2: control_character (subject)"),
        ("trial", None, "en/trial.email.j2: control_character (subject)"),
    }
    assert {flaw.first for flaw in found.flaws} == {"id:1"}


def test_what_goes_out_is_counted_by_the_messages_of_one_occurrence(database: Database) -> None:
    buyers(database, 4, email="a@b.example", agreed=BOTH)

    found = plan(database, files())

    [care] = found.waves
    assert care.planned == 4
    assert {key[2]: number for key, number in care.outcomes.items()} == {Channel.SMS: 4}
    assert (care.parts, care.cost) == (4, 4 * SHOP.sms_price)
    assert found.cost_at_most == 3 * care.cost
    assert [sample.template for sample in care.samples] == ["en/care.sms.j2"]


def test_nobody_who_cannot_be_written_to_has_a_text(database: Database) -> None:
    buyers(database, 2, phone=None)

    found = plan(database, files())

    [care] = found.waves
    assert found.is_sound
    assert {key[0] for key in care.outcomes} == {MessageState.SKIPPED}
    assert care.samples == ()


@pytest.mark.parametrize("item", ["Li Na's dress", "13800000001"])
def test_a_flaw_has_nothing_of_the_customer_but_the_number(database: Database, item: str) -> None:
    buyers(database, 1, name="Li Na")
    change(database, update(orders).values(item=f"{item}\x07"))

    found = plan(database, files())

    assert found.flaws
    assert item not in f"{found!r}{forecast_markdown(found)}"


def test_the_calendar_says_what_each_day_takes(database: Database) -> None:
    buyers(database, 4)
    buyers(database, 2, first=5, phone=None)

    found = plan(database, files())

    [care] = found.waves
    sends = [send for waves in found.days.values() for send in waves.values()]
    assert care.planned == 4
    assert [send.messages for send in sends] == [6, 6, 6]
    assert [send.parts for send in sends] == [care.parts] * 3 == [4] * 3
    assert sum(send.cost for send in sends) == found.cost_at_most
    page = forecast_markdown(found)
    assert "| day | wave | messages at most | SMS parts, expected | cost, expected |" in page
    assert "| 2026-11-12 | care | 6 | 4 | 0.20 CNY |" in page


def test_says_what_it_could_show_where_the_shop_has_no_past(database: Database) -> None:
    buyers(database, 200)
    change(database, update(orders).values(item="x"))

    found = plan(database, files("holdout: 50%\n"))

    treated, held_out = (
        sum(number for *_, one, number in found.enrolled if one is arm)
        for arm in (Arm.TREATED, Arm.HOLDOUT)
    )
    assert found.natural_rate is None
    assert [(one.natural_rate, one.assumed) for one in found.smallest_effects] == [
        (0.02, True),
        (0.05, True),
        (0.1, True),
    ]
    assert found.smallest_effects[1].effect == smallest_detectable_effect(treated, held_out, 0.05)
    page = forecast_markdown(found)
    assert "has no orders in the 90 days before the event" in page
    assert "**assumed**" in page
    assert "| comparison | at 2.0% | at 5.0% | at 10.0% |" in page
    effects = " | ".join(f"{(one.effect or 0) * 100:.2f}" for one in found.smallest_effects)
    assert f"| whole campaign against its holdout | {effects} |" in page
    assert "| one send of care | no holdout | no holdout | no holdout |" in page


def test_takes_the_rate_of_the_months_before_where_there_is_one(database: Database) -> None:
    ids = buyers(database, 40)
    with database.write() as connection:
        for customer in ids[:20]:
            add_order(connection, customer, at=EVENT_NOON - timedelta(days=60))
        for customer in ids[:5]:
            add_order(connection, customer, at=EVENT_NOON - timedelta(days=55))

    found = plan(database, files("holdout: 50%\n"))

    [effect] = found.smallest_effects
    assert (effect.natural_rate, effect.assumed) == (0.25, False)
    page = forecast_markdown(found)
    assert "25.0%" in page
    assert "assumed" not in page


PROMO = (
    "  - {wave: promo, kind: promo, after: 4 months, channels: [sms], offer: back}\n"
    "offers: {back: {amount: 20 CNY, min_spend: 199 CNY}}\n"
)


def test_a_playbook_in_another_currency_is_neither_planned_nor_launched(
    database: Database,
) -> None:
    foreign = files(PROMO.replace("CNY", "EUR") + "budget: 1 EUR\n", promo="{{ coupon.code }} STOP")
    with pytest.raises(
        PlaybookError, match=r"playbook.yaml:11: amount is 20.00 EUR, and the shop's"
    ):
        plan(database, foreign)

    with pytest.raises(PlaybookError, match=r"playbook.yaml:12: budget is 1.00 EUR"):
        launch(
            database,
            playbook_from_files(foreign),
            name="spring",
            shop=SHOP,
            now=LAUNCH,
            actor="test",
            random_bytes=random.Random(1).randbytes,
        )
    with database.read() as connection:
        assert connection.execute(select(campaigns.c.id)).first() is None


@pytest.mark.parametrize(
    ("budget", "verdict"),
    [
        (
            "0.59 CNY",
            "**more than the budget of 0.59 CNY**: the last messages would be skipped",
        ),
        ("0.60 CNY", "within the budget of 0.60 CNY"),
    ],
)
def test_compares_what_it_takes_at_most_with_the_budget(
    database: Database, budget: str, verdict: str
) -> None:
    buyers(database, 4)

    found = plan(database, files(f"budget: {budget}\n"))

    assert found.cost_at_most == 60 * 1_000
    assert found.is_within_budget is (budget == "0.60 CNY")
    assert f"At most 0.60 CNY for all messages, {verdict}." in forecast_markdown(found)


def test_a_wave_that_skips_whoever_missed_the_one_before_is_planned_all_the_same(
    database: Database,
) -> None:
    """In a rehearsal nothing is accepted, and everything is as good as accepted."""
    buyers(database)
    text = "{{ shop.name }}: {{ order.item }}. STOP"
    waves = (
        "  - {wave: hello, kind: thanks, after: 4 months, channels: [sms]}\n"
        "  - {wave: again, kind: greeting, after: 1 month after hello, channels: [sms],"
        " if_missed: skip}\n"
    )

    found = plan(database, files(waves, hello=text, again=text))

    assert {one.wave: one.planned for one in found.waves} == {"care": 3, "hello": 3, "again": 3}


def test_what_another_profile_refused_is_not_written_here_either(database: Database) -> None:
    one, other, _ = buyers(database)
    change(database, update(customers).where(customers.c.id.in_((one, other))).values(person="P"))
    change(database, update(orders).values(item=None))
    refused = {"customer_id": other, "purpose": "service", "granted": False, "source": "shop"}
    rows = [{**refused, "channel": channel, "at": LAUNCH} for channel in Channel]
    change(database, insert(consents).values(rows))

    found = plan(database, files())

    assert {flaw.customers for flaw in found.flaws} == {1}
