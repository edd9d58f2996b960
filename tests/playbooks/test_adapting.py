"""The women's-wear playbook for a shop that names no categories, in another country."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from orchestrator.playbooks import Playbook, read_playbook
from orchestrator.services.adapt import adapt_playbook

SHIPPED = Path(__file__).parents[2] / "templates" / "womenswear-double11"
WEEK = (date(2010, 11, 22), date(2010, 11, 28))


@pytest.fixture
def adapted(tmp_path: Path) -> Playbook:
    return an_adapted(SHIPPED, tmp_path)


def an_adapted(source: Path, tmp_path: Path) -> Playbook:
    folder = adapt_playbook(
        source,
        tmp_path / "gifts",
        name="gifts",
        title="Gifts",
        event=WEEK,
        timezone="Europe/London",
        order_at_least=100,
        coupon="10 GBP",
        coupon_from="100 GBP",
    )
    return read_playbook(folder)


def test_it_is_a_valid_playbook_for_the_event_days(adapted: Playbook) -> None:
    event = adapted.definition.audience.event_day

    assert event is not None
    assert (adapted.definition.playbook, event.first, event.last) == ("gifts", *WEEK)


def test_waves_that_speak_of_a_category_are_left_out_with_their_texts(adapted: Playbook) -> None:
    assert [wave.wave for wave in adapted.definition.waves] == ["thanks", "coupon", "restimulate"]
    assert not [path for path in adapted.files if "care" in path or "concerns" in path]


def test_every_offer_is_the_one_coupon(adapted: Playbook) -> None:
    offers = adapted.definition.offers.values()

    assert {(str(one.amount), str(one.min_spend)) for one in offers} == {
        ("10.00 GBP", "100.00 GBP")
    }


def test_whatever_an_offer_gave_it_gives_the_one_coupon(tmp_path: Path) -> None:
    source = tmp_path / "laddered"
    shutil.copytree(SHIPPED, source)
    file = source / "playbook.yaml"
    ladder = "ladder: [{from: 100 CNY, amount: 3 CNY}], until: 2026-12-31, stock: 9, pool: spring,"
    file.write_text(file.read_text("utf-8").replace("amount: 20 CNY,", ladder), "utf-8")

    offer = an_adapted(source, tmp_path).definition.offers["welcome-back"]

    gone = (offer.ladder, offer.until, offer.stock, offer.pool)
    assert (str(offer.amount), gone) == ("10.00 GBP", (None,) * 4)
