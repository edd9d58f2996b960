import unicodedata
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.playbooks import example_context
from orchestrator.rendering import Rendered, Renderer, RenderError, RenderReason

RendererOf = Callable[..., Renderer]
OVERRIDING = {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}  #: of direction
SMS, LETTER = "en/thanks.sms.j2", "en/letter.email.j2"


def a_context(**changes: Any) -> dict[str, Any]:
    """The example values; ``order__item="x"`` changes one of them."""
    context = example_context("en")
    for name, value in changes.items():
        root, _, key = name.partition("__")
        context[root][key] = value
    return context


def reason_of(renderer: Renderer, template: str, context: dict[str, Any]) -> RenderReason:
    with pytest.raises(RenderError) as raised:
        renderer.render(template, context)
    return raised.value.reason


def test_an_sms_has_a_text_alone(renderer_of: RendererOf) -> None:
    assert renderer_of().render(SMS, a_context()) == Rendered(
        None, "Willow Lane Reply STOP to opt out.", None
    )


def test_an_email_has_subject_text_and_html(renderer_of: RendererOf) -> None:
    legal = "12 Garden Road, Hangzhou 310000, China https://shop.example/stop"

    assert renderer_of().render(LETTER, a_context(order__item="Tom's <b>")) == Rendered(
        "About your Tom's <b>",
        f"Tom's <b> for Li Na\n{legal}",
        f'<p title="Tom&#39;s &lt;b&gt;">Tom&#39;s &lt;b&gt;</p>\n{legal}',
    )


def test_an_sms_is_not_escaped(renderer_of: RendererOf) -> None:
    renderer = renderer_of("{{ customer.name or 'you' }}")

    assert renderer.render(SMS, a_context(customer__name="O'Brien & Co")).text.startswith(
        "O'Brien & Co "
    )


@pytest.mark.parametrize("nobody", ["", None])
def test_says_something_else_where_a_name_is_missing(
    renderer_of: RendererOf, nobody: str | None
) -> None:
    renderer = renderer_of("Hi {{ customer.name or 'there' }}!")

    assert renderer.render(SMS, a_context(customer__name=nobody)).text.startswith("Hi there!")


def test_prints_nothing_for_an_empty_value_beside_a_full_one(renderer_of: RendererOf) -> None:
    renderer = renderer_of(
        "{% if customer.name or customer.tier %}"
        "{{ customer.name }}{{ customer.tier|default('-', true) }}{% endif %}."
    )
    context = a_context(customer__name=None, customer__tier="gold")

    assert renderer.render(SMS, context).text.startswith("gold. ")


@pytest.mark.parametrize(
    ("locale", "expected"), [("en", "CNY 399, 11 Nov 2026"), ("zh-CN", "399元, 2026年11月11日")]
)
def test_writes_money_and_dates_by_locale(
    renderer_of: RendererOf, locale: str, expected: str
) -> None:
    renderer = renderer_of("{{ order.total|money }}, {{ order.date|date }}.")

    assert renderer.render(SMS, {**a_context(), "locale": locale}).text.startswith(f"{expected}.")


@pytest.mark.parametrize("value", [None, ""])
def test_a_required_value_must_not_be_empty(renderer_of: RendererOf, value: str | None) -> None:
    with pytest.raises(RenderError) as raised:
        renderer_of("{{ order.item }}").render(SMS, a_context(order__item=value))

    assert raised.value == RenderError(SMS, RenderReason.MISSING_VALUE, "order.item")


def test_a_value_that_nobody_gave_is_missing(renderer_of: RendererOf) -> None:
    renderer = renderer_of("{{ order.item }}")

    assert reason_of(renderer, SMS, {**a_context(), "order": {}}) == RenderReason.MISSING_VALUE
    assert reason_of(renderer, SMS, {}) == RenderReason.MISSING_VALUE


class Order:
    item = "a dress"

    def delete(self) -> None:
        raise AssertionError("was called")


class SafeText(str):
    __slots__ = ()

    def __html__(self) -> str:
        return "<script>"


@pytest.mark.parametrize("value", [["a"], 1.5, {"a": 1}, Order(), SafeText("x")])
def test_values_are_plain(renderer_of: RendererOf, value: object) -> None:
    context = a_context(order__item=value)

    assert reason_of(renderer_of("{{ order.item }}"), SMS, context) == RenderReason.WRONG_TYPE


def test_reads_keys_and_no_attributes(renderer_of: RendererOf) -> None:
    context = {**a_context(), "order": Order()}

    assert reason_of(renderer_of("{{ order.item }}"), SMS, context) == RenderReason.MISSING_VALUE


@pytest.mark.parametrize(
    "evil",
    ["a\r\nBcc: all@shop.example", "a\nb", "a\rb", "a\u2028b", "a\u2029b", "a\0b", "a\u202eb"],
)
def test_no_line_gets_into_a_subject(renderer_of: RendererOf, evil: str) -> None:
    context = a_context(order__item=evil)

    assert reason_of(renderer_of(), LETTER, context) == RenderReason.CONTROL_CHARACTER


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ("x\x07y", RenderReason.CONTROL_CHARACTER),
        ("x\x7fy", RenderReason.CONTROL_CHARACTER),
        ("裙\x07", RenderReason.CONTROL_CHARACTER),
        ("裙\x85", RenderReason.CONTROL_CHARACTER),
        ("裙\u202e", RenderReason.CONTROL_CHARACTER),
        ("x\ud800y", RenderReason.CONTROL_CHARACTER),
        ("{{ order.item }}", RenderReason.LEFTOVER_MARKUP),
        ("{% if %}", RenderReason.LEFTOVER_MARKUP),
    ],
)
def test_refuses_what_no_message_should_hold(
    renderer_of: RendererOf, item: str, reason: RenderReason
) -> None:
    assert reason_of(renderer_of("{{ order.item }}"), SMS, a_context(order__item=item)) == reason


@given(value=st.text(alphabet=st.characters(max_codepoint=0x2100), min_size=1))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_control_character_gets_into_an_sms(renderer_of: RendererOf, value: str) -> None:
    result = renderer_of("<{{ order.item }}>").render_many(SMS, [a_context(order__item=value)])[0]

    evil = [each for each in value if unicodedata.category(each) == "Cc" and each not in "\t\n"]
    evil += [each for each in value if unicodedata.bidirectional(each) in OVERRIDING]
    if evil:
        assert result == RenderError(SMS, RenderReason.CONTROL_CHARACTER, "text")
    elif not {"{{", "{%"} & {value[place : place + 2] for place in range(len(value))}:
        assert result == Rendered(None, f"<{value}> Reply STOP to opt out.", None)


def test_a_subject_has_an_end(renderer_of: RendererOf) -> None:
    context = a_context(order__item="x" * 300)

    assert reason_of(renderer_of(), LETTER, context) == RenderReason.SUBJECT_TOO_LONG


def test_a_value_of_the_wrong_type_for_its_filter_fails_alone(renderer_of: RendererOf) -> None:
    renderer = renderer_of("{{ order.date|date }}")

    results = renderer.render_many(SMS, [a_context(order__date="secret"), a_context()])

    assert results == [
        RenderError(SMS, RenderReason.TEMPLATE_FAILED, "AttributeError"),
        Rendered(None, "11 Nov 2026 Reply STOP to opt out.", None),
    ]


def test_an_unknown_template_has_a_reason(renderer_of: RendererOf) -> None:
    assert reason_of(renderer_of(), "en/x.sms.j2", {}) == RenderReason.UNKNOWN_TEMPLATE


def test_an_order_of_a_real_day_only(renderer_of: RendererOf) -> None:
    rendered = renderer_of("{{ order.date }}").render(SMS, a_context(order__date=date(2026, 1, 2)))

    assert rendered.text.startswith("2026-01-02 ")


@given(value=st.text(alphabet=st.characters(), min_size=1).map(lambda text: f"S3CRET{text}"))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_an_email_is_right_or_refused_without_a_word_of_the_customers(
    renderer_of: RendererOf, value: str
) -> None:
    result = renderer_of().render_many(LETTER, [a_context(order__item=value)])[0]

    if isinstance(result, RenderError):
        assert "S3CRET" not in f"{result} {result.args}"
    else:
        assert result.subject is not None
        assert not set(result.subject) & set("\r\n\0\u2028\u2029")
        assert result.html is not None
        assert result.html.count("<") == 2
