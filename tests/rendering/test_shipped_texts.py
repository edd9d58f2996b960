from datetime import date
from pathlib import Path
from typing import Any

import pytest

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


def test_an_email_is_a_whole_page(playbook: Playbook) -> None:
    renderer = Renderer(playbook)
    for path in playbook.templates:
        if path.endswith(".email.j2"):
            html = renderer.render(path, example_context(path.partition("/")[0])).html or ""
            assert html.startswith("<!doctype html>")
            assert html.endswith("</html>")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (
            "en/coupon.sms.j2",
            (
                "Willow Lane: Hi Na, should you look for something to go with your Linen midi dress:"
                " CNY 20 off orders from CNY 199 with code 7KQ2MX9R4TBD until 2 Dec 2026:"
                " https://shop.example/ Reply STOP to opt out."
            ),
        ),
        (
            "zh-CN/thanks.returning.sms.j2",
            (
                "【Willow Lane】Li Na您好,感谢您一贯以来的支持,这次又选了Linen midi dress。"
                "您的信任我们记在心里,有任何需要请随时联系。拒收请回复R"
            ),
        ),
        (
            "zh-CN/coupon.sms.j2",
            (
                "【Willow Lane】Li Na您好,想为Linen midi dress添件搭配?送您20元优惠券(满199元可用),"
                "券码7KQ2MX9R4TBD,2026年12月2日前有效:https://shop.example/ 拒收请回复R"
            ),
        ),
    ],
)
def test_womenswear_reads_like_this(path: str, expected: str) -> None:
    renderer = Renderer(read_playbook(SHIPPED / "womenswear-double11"))
    context = example_context(path.partition("/")[0])
    context["coupon"]["valid_until"] = date(2026, 12, 2)

    assert renderer.render(path, context).text == expected
