import re
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from orchestrator.domain.messages import WaveKind
from orchestrator.playbooks import ConcernEntry, Playbook, example_context, read_playbook
from orchestrator.rendering import Renderer, sms_parts

SHIPPED = Path(__file__).parents[2] / "templates"
PLAYBOOKS = ("womenswear-double11", "mother-baby")


@pytest.fixture(scope="module", params=PLAYBOOKS)
def playbook(request: pytest.FixtureRequest) -> Playbook:
    return read_playbook(SHIPPED / str(request.param))


def a_typical_context(locale: str) -> dict[str, Any]:
    context = example_context(locale)
    if locale == "zh-CN":
        context["customer"]["name"] = "欧阳小婉"
        context["shop"]["name"] = "柳巷旗舰店"
        context["order"]["item"] = "羊毛混纺中长款大衣驼色"
    else:
        context["order"]["item"] = "Linen midi dress with belt, sand"
    return context


def answers(playbook: Playbook, path: str) -> list[ConcernEntry]:
    return [entry for entry in playbook.concerns if path.startswith(f"{entry.locale}/")]


def test_every_text_renders_with_every_answer(playbook: Playbook) -> None:
    renderer = Renderer(playbook)
    for path in playbook.templates:
        context = a_typical_context(path.partition("/")[0])
        for entry in answers(playbook, path):
            context["concern"] = {"question": entry.question, "answer": entry.answer}
            text = renderer.render(path, context).text
            assert path.endswith(".email.j2") or sms_parts(text).parts <= 3


def test_every_text_renders_for_a_customer_without_a_name(playbook: Playbook) -> None:
    renderer = Renderer(playbook)
    for path in playbook.templates:
        context = example_context(path.partition("/")[0])
        context["customer"] = {"name": "", "first_name": None, "tier": None}
        context["coupon"]["min_spend"] = ""
        rendered = renderer.render(path, context)
        assert "None" not in rendered.text


def test_english_sms_stay_in_the_cheap_alphabet(playbook: Playbook) -> None:
    renderer = Renderer(playbook)
    texts = [
        renderer.render(path, a_typical_context("en")).text
        for path in playbook.templates
        if path.startswith("en/") and path.endswith(".sms.j2")
    ]

    assert {sms_parts(text).encoding.value for text in texts} == {"GSM-7"}
    assert all(text.endswith(" Reply STOP to opt out.") for text in texts)


def test_chinese_sms_are_signed_and_say_how_to_refuse(playbook: Playbook) -> None:
    renderer = Renderer(playbook)
    for path in playbook.templates:
        if path.startswith("zh-CN/") and path.endswith(".sms.j2"):
            text = renderer.render(path, a_typical_context("zh-CN")).text
            assert text.startswith("【柳巷旗舰店】")
            assert text.endswith("拒收请回复R")


def test_thanks_fit_one_sms(playbook: Playbook) -> None:
    renderer = Renderer(playbook)
    for path in playbook.templates:
        if "/thanks." in path and path.endswith(".sms.j2"):
            context = a_typical_context(locale := path.partition("/")[0])
            context["order"]["item"] = (
                "Linen midi dress" if locale == "en" else "羊毛混纺中长款大衣"
            )
            assert sms_parts(renderer.render(path, context).text).parts == 1


def test_chinese_is_set_with_chinese_punctuation(playbook: Playbook) -> None:
    for path, text in playbook.files.items():
        if "zh-CN" in path:
            assert not re.search(r"[\u4e00-\u9fff][,:;!?]|[,;!?][\u4e00-\u9fff]", text), path


def test_a_chinese_promotion_by_email_says_so_in_front(playbook: Playbook) -> None:
    renderer = Renderer(playbook)
    promoting = {wave.wave for wave in playbook.definition.waves if wave.kind == WaveKind.PROMO}
    for path in playbook.templates:
        if path.startswith("zh-CN/") and path.endswith(".email.j2"):
            subject = renderer.render(path, a_typical_context("zh-CN")).subject or ""
            wave = path.partition("/")[2].partition(".")[0]
            assert subject.startswith("【广告】") == (wave in promoting)


class Tags(HTMLParser):
    """Every element that is open, and those that were closed out of turn."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002  # given by the parser
        if tag not in {"meta", "br", "hr"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


def test_an_email_is_a_whole_page(playbook: Playbook) -> None:
    renderer = Renderer(playbook)
    for path in playbook.templates:
        if path.endswith(".email.j2"):
            html = renderer.render(path, example_context(path.partition("/")[0])).html or ""
            assert html.startswith("<!doctype html>")
            assert html.endswith("</html>")
            assert '<a href="https://shop.example/stop"' in html
            tags = Tags()
            tags.feed(html)
            assert (tags.open, tags.wrong) == ([], []), path


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (
            "en/coupon.sms.j2",
            (
                "Willow Lane: Hi Na, looking for something to go with your Linen midi dress?"
                " CNY 20 off orders from CNY 199 with code 7KQ2MX9R4TBD until 2 Dec 2026:"
                " https://shop.example/ Reply STOP to opt out."
            ),
        ),
        (
            "zh-CN/thanks.returning.sms.j2",
            (
                "【Willow Lane】Li Na，您好！感谢您一贯以来的支持，这次又选了Linen midi dress。"
                "您的信任我们记在心里，有需要请随时联系。拒收请回复R"
            ),
        ),
        (
            "zh-CN/coupon.sms.j2",
            (
                "【Willow Lane】Li Na，您好！想为Linen midi dress添件搭配？送您20元优惠券（满199元可用），"
                "券码7KQ2MX9R4TBD，有效期至2026年12月2日：https://shop.example/ 拒收请回复R"
            ),
        ),
    ],
)
def test_womenswear_reads_like_this(path: str, expected: str) -> None:
    renderer = Renderer(read_playbook(SHIPPED / "womenswear-double11"))
    context = example_context(path.partition("/")[0])
    context["coupon"]["valid_until"] = date(2026, 12, 2)

    assert renderer.render(path, context).text == expected
