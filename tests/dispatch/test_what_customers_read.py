"""From the shop's file to the outbox: in which language, about which item, with which answer."""

import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from builders import Uptime, a_life
from orchestrator.domain.messages import Channel
from orchestrator.playbooks import playbook_from_files
from orchestrator.providers.outbox import OutboxProvider
from orchestrator.services.advance import advance
from orchestrator.services.dispatch import OpenedTexts
from orchestrator.services.intake import import_file
from orchestrator.services.launch import launch
from orchestrator.services.lives import Life
from orchestrator.services.why import as_lines, why
from orchestrator.store.database import Database
from orchestrator.store.tables import campaigns, enrollments, messages
from orchestrator.store.tables import concerns as register
from shops import SHOP

EVENT = datetime(2026, 12, 12, 4, 0, tzinfo=UTC)
LAUNCH = datetime(2026, 12, 12, 12, 0, tzinfo=UTC)
CARE_DUE = datetime(2026, 12, 13, 6, 0, tzinfo=UTC)
PLAYBOOK = """\
playbook: family
title: Families, cared for
timezone: Asia/Shanghai
locales: [zh-CN, en]
audience:
  event_day: {from: 2026-12-12, to: 2026-12-12}
  category: {in: [food, wear]}
waves:
  - {wave: care, kind: care, after: 1 day, by: category, channels: [sms]}
"""
TEXT = "{{ shop.name }}/{{ order.item }}/{{ concern.question }}/{{ concern.answer }}"
ENTRY = """\
  - category: %s
    question: "%s"
    answer: "%s"
    curator: support
    dated: 2026-10-12
    evidence: 3
"""


def concerns(*entries: tuple[str, str, str]) -> str:
    return "concerns:\n" + "".join(ENTRY % entry for entry in entries)


FILES = {
    "playbook.yaml": PLAYBOOK,
    "en/care.sms.j2": f"{TEXT} STOP",
    "zh-CN/care.sms.j2": f"{TEXT} 拒收请回复R",
    "concerns/en.yaml": concerns(("food", "Fresh?", "Sealed."), ("wear", "Fits?", "Measure.")),
    "concerns/zh-CN.yaml": concerns(("food", "新鲜?", "密封。"), ("wear", "合身?", "量一量。")),
}
COLUMNS = (
    "order_id", "customer_id", "phone", "locale", "placed_at", "paid_at", "total", "currency",
    "sku", "title", "category", "quantity", "line_amount", "sms_service",
)  # fmt: skip


@dataclass
class Counter:
    """Imports what was bought, launches, lets time pass, and reads what went out."""

    database: Database
    folder: Path
    life: Life
    dice: random.Random = field(default_factory=lambda: random.Random(5))

    def imports(self, *lines: Mapping[str, Any]) -> None:
        bought = [
            {
                "placed_at": EVENT.isoformat(),
                "paid_at": EVENT.isoformat(),
                "currency": "CNY",
                "quantity": 1,
                "sms_service": "yes",
                "phone": f"+861380000{int(line['customer_id'][1:]):04d}",
                "sku": line["title"],
                "total": sum(
                    one["line_amount"] for one in lines if one["order_id"] == line["order_id"]
                ),
                **line,
            }
            for line in lines
        ]
        rows = [",".join(str(row.get(name, "")) for name in COLUMNS) for row in bought]
        path = self.folder / "orders.csv"
        path.write_text("\n".join([",".join(COLUMNS), *rows]), encoding="utf-8")
        report = import_file(self.database, path, now=LAUNCH, shop=SHOP, preset="orders")
        assert report.rejects_file is None

    def launch(
        self, files: Mapping[str, str] = FILES, *, name: str = "family", **shop: Any
    ) -> None:
        launch(
            self.database,
            playbook_from_files(files),
            name=name,
            shop=replace(SHOP, **shop),
            now=LAUNCH,
            actor="test",
            random_bytes=self.dice.randbytes,
        )

    def advance(self, now: datetime) -> None:
        advance(
            self.database,
            dict.fromkeys(Channel, OutboxProvider(self.folder / "outbox")),
            now=lambda: now,
            life=self.life,
            texts=OpenedTexts(),
            random_bytes=self.dice.randbytes,
        )

    def read(self, campaign: str = "family") -> dict[str, str]:
        """What each customer read, by the last digits of their phone, without shop and opt-out."""
        files = sorted((self.folder / "outbox").glob("*/sms.jsonl"))
        lines = [json.loads(line) for file in files for line in file.read_text().splitlines()]
        return {
            line["to"][-4:]: line["text"].split("/", 1)[1].rsplit(" ", 1)[0]
            for line in lines
            if line["campaign"] == campaign
        }


@pytest.fixture
def counter(database: Database, tmp_path: Path) -> Iterator[Counter]:
    with a_life(tmp_path / "lives", uptime=Uptime()) as life:
        yield Counter(database, tmp_path, life)


def a_line(number: int, title: str, category: str, amount: int, **more: Any) -> dict[str, Any]:
    bought = {"title": title, "category": category, "line_amount": amount}
    return {"order_id": f"A{number}", "customer_id": f"C{number}", **bought, **more}


SPOKEN = {"": "zh", "en": "en", "EN": "en", "en-GB": "en", "en_us": "en", "zh-CN": "zh",
          "zh_cn": "zh", "zh-TW": "zh", "zh-Hans-CN": "zh", "fr": "zh"}  # fmt: skip
ABOUT_MILK = {"en": "milk/Fresh?/Sealed.", "zh": "milk/新鲜?/密封。"}


@pytest.mark.parametrize("shop_locale", ["zh-CN", "zh_TW", "fr"])
def test_everybody_reads_their_own_language_whatever_the_variant(
    counter: Counter, shop_locale: str
) -> None:
    counter.imports(
        *(
            a_line(number, "milk", "food", 100, locale=locale)
            for number, locale in enumerate(SPOKEN)
        )
    )
    counter.launch(locale=shop_locale)
    counter.advance(CARE_DUE)

    assert counter.read() == {
        f"{number:04d}": ABOUT_MILK[language] for number, language in enumerate(SPOKEN.values())
    }


def test_who_speaks_no_language_of_the_playbook_reads_the_shops(counter: Counter) -> None:
    counter.imports(a_line(1, "milk", "food", 100, locale="fr"), a_line(2, "milk", "food", 100))
    counter.launch(locale="en-IE")
    counter.advance(CARE_DUE)

    assert counter.read() == {"0001": ABOUT_MILK["en"], "0002": ABOUT_MILK["en"]}


LATER = FILES | {
    "concerns/en.yaml": concerns(("food", "Fresh?", "Eat it soon."), ("wear", "Warm?", "Very.")),
}


def test_a_campaign_gives_the_answers_that_it_was_launched_with(counter: Counter) -> None:
    """One answer is changed and one question taken out, in a folder launched meanwhile."""
    counter.imports(
        a_line(1, "milk", "food", 100, locale="en"), a_line(2, "coat", "wear", 100, locale="en")
    )
    counter.launch()
    counter.launch(LATER, name="again")
    counter.advance(CARE_DUE)

    assert counter.read() == {"0001": "milk/Fresh?/Sealed.", "0002": "coat/Fits?/Measure."}
    assert counter.read("again") == {"0001": "milk/Fresh?/Eat it soon.", "0002": "coat/Warm?/Very."}


def test_each_message_points_to_the_very_answer_that_it_gave(counter: Counter) -> None:
    counter.imports(a_line(1, "milk", "food", 100, locale="en"))
    counter.launch()
    counter.launch(LATER, name="again")
    counter.advance(CARE_DUE)

    lines = as_lines(why(counter.database, "C1", "family", CARE_DUE))
    assert [line for line in lines if "answers" in line] == [
        "    answers 'Fresh?', as of 2026-10-12, withdrawn 2026-12-12 20:00"
    ]
    told = select(campaigns.c.name, register.c.answer, register.c.withdrawn_at.is_(None))
    with counter.database.read() as connection:
        found = connection.execute(
            told.join_from(messages, campaigns).join(register).order_by(campaigns.c.id)
        ).all()
    assert [tuple(row) for row in found] == [
        ("family", "Sealed.", False),
        ("again", "Eat it soon.", True),
    ]


BASKETS = {
    "a dear toy beside the milk": (
        [("milk", "food", 100), ("toy", "toys", 300)],
        ("food", "milk/Fresh?/Sealed."),
    ),
    "a toy dearer than either milk": (
        [("toy", "toys", 100), ("milk", "food", 60), ("powder", "food", 70)],
        ("food", "powder/Fresh?/Sealed."),
    ),
    "more clothes than food": (
        [("milk", "food", 100), ("coat", "wear", 60), ("hat", "wear", 60), ("toy", "toys", 300)],
        ("wear", "coat/Fits?/Measure."),
    ),
    "as much of both, the first by name": (
        [("coat", "wear", 100), ("toy", "toys", 300), ("milk", "food", 100)],
        ("food", "milk/Fresh?/Sealed."),
    ),
    "nothing else": ([("coat", "wear", 100)], ("wear", "coat/Fits?/Measure.")),
}


def test_a_mixed_basket_is_cared_for_by_what_the_playbook_names(counter: Counter) -> None:
    bought = enumerate(BASKETS.values(), start=1)
    counter.imports(*(a_line(n, *line, locale="en") for n, (lines, _) in bought for line in lines))
    counter.launch()
    counter.advance(CARE_DUE)

    grouped = select(enrollments.c.category).order_by(enrollments.c.customer_id)
    with counter.database.read() as connection:
        groups = connection.execute(grouped).scalars().all()
    read = [text for _, text in sorted(counter.read().items())]
    assert list(zip(groups, read, strict=True)) == [expected for _, expected in BASKETS.values()]


def test_why_says_by_which_category_a_mixed_basket_is_grouped(counter: Counter) -> None:
    counter.imports(a_line(1, "milk", "food", 100), a_line(1, "toy", "toys", 300))
    counter.launch()
    counter.advance(LAUNCH)

    lines = as_lines(why(counter.database, "C1", "family", LAUNCH))

    assert [line.split(" (lot")[0] for line in lines if "enrolled" in line] == [
        "  enrolled 2026-12-12 20:00 by order A1, track all, category food, treated"
    ]
