"""What a text is told about its customer, and that nobody is told what is another's."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from builders import BOUGHT, playbook_files
from orchestrator.domain.messages import Channel, Reason, WaveKind
from orchestrator.playbooks import CONTEXT, playbook_from_files
from orchestrator.rendering import Renderer
from orchestrator.services.dispatch.contexts import context_of, shop_values
from orchestrator.services.dispatch.writing import Texts, Writer, sources_of_answers
from orchestrator.store.campaigns import StoredCampaign
from orchestrator.store.concerns import digest_of
from orchestrator.store.messages.sheets import Sheet
from shops import SHOP

SHEET = Sheet(
    message_id=1, token=2, campaign_id=3, wave="care", occurrence=0, kind=WaveKind.CARE,
    variant=None, channel=Channel.SMS, track="new", category="womenswear", locale="en",
    timezone="Asia/Shanghai", address="+8613800000000", name="Li Na", tier=None, item="dress",
    total=39_950, currency="CNY", placed_at=datetime(2026, 11, 10, 18, 0, tzinfo=UTC),
    code="2345ABCD678X", amount=2_000, percent=None, free_postage=False, gift=None,
    min_spend=19_900, coupon_currency="CNY",
    coupon_expires_at=datetime(2026, 12, 1, 16, 0, tzinfo=UTC), expires_at=None,
)  # fmt: skip
CONCERNS = """\
concerns:
  - {category: womenswear, audience: any, question: Does it fit?, answer: "Yes.",
     curator: support, dated: 2025-06-01, evidence: 9}
  - {category: womenswear, audience: any, question: Does it sit?, answer: It does.,
     curator: support, dated: 2025-06-01, evidence: 8}
  - {category: womenswear, audience: returning, question: Only for others?, answer: "Yes.",
     curator: support, dated: 2025-06-01, evidence: 1}
"""
PLAYBOOK = playbook_from_files({**playbook_files(), "concerns/en.yaml": CONCERNS})
FITS, SITS, TELLING = PLAYBOOK.concerns
REGISTER = {
    digest_of("short", entry): number
    for number, entry in zip((7, 8, 9), PLAYBOOK.concerns, strict=True)
}


def a_writer() -> Writer:
    campaign = StoredCampaign(
        id=3, name="short", version=PLAYBOOK.version, files=PLAYBOOK.files, salt="salt",
        state="running", shop=SHOP, launched_at=BOUGHT, enrolled_seen=None,
    )  # fmt: skip
    return Writer(campaign, Texts(PLAYBOOK, Renderer(PLAYBOOK)), REGISTER)


def told(sheet: Sheet, locale: str = "en") -> dict[str, Any]:
    """Every declared variable with what a text is told."""
    context = context_of(sheet, shop_values(SHOP), FITS, locale, CONTEXT.keys())
    named = {name: name.partition(".") for name in CONTEXT}
    return {
        name: context[root][key] if key else context[root] for name, (root, _, key) in named.items()
    }


def test_tells_every_variable_that_is_declared() -> None:
    assert told(SHEET) == {
        "customer.name": "Li Na",
        "customer.first_name": "Li",
        "customer.tier": None,
        "shop.name": SHOP.name,
        "shop.url": SHOP.url,
        "shop.postal_address": SHOP.postal_address,
        "shop.unsubscribe_url": SHOP.unsubscribe_url,
        "order.item": "dress",
        "order.total": "399.50 CNY",
        "order.date": date(2026, 11, 11),
        "coupon.code": "2345ABCD678X",
        "coupon.value": "20 CNY",
        "coupon.min_spend": "199 CNY",
        "coupon.valid_until": date(2026, 12, 1),
        "concern.question": "Does it fit?",
        "concern.answer": "Yes.",
        "locale": "en",
    }


@pytest.mark.parametrize(
    ("terms", "locale", "value"),
    [
        ({"amount": None, "percent": 10}, "en", "10%"),
        ({"amount": None, "free_postage": True}, "en", "free postage"),
        ({"amount": None, "free_postage": True}, "zh-CN", "包邮"),
        ({"amount": None, "gift": "SKU-1"}, "en", "SKU-1"),
    ],
)
def test_says_what_a_coupon_gives(terms: dict[str, Any], locale: str, value: str) -> None:
    assert told(SHEET._replace(**terms), locale)["coupon.value"] == value


def test_a_batch_is_written_as_each_message_alone_would_be() -> None:
    sheets = [
        SHEET,
        SHEET._replace(message_id=2, name="Wang Wu", occurrence=1),
        SHEET._replace(message_id=3, occurrence=2),
        SHEET._replace(message_id=4, wave="thanks"),
        SHEET._replace(message_id=5, channel=Channel.EMAIL, address="a@b.example"),
        SHEET._replace(message_id=6, category="shoes"),
        SHEET._replace(message_id=7, category=None),
        SHEET._replace(message_id=8, track="returning"),
        SHEET._replace(message_id=9, locale="fr"),
        SHEET._replace(message_id=10, address=None),
    ]
    writer = a_writer()

    letters = [writer.write(sheet) for sheet in sheets]

    assert letters == [a_writer().write(sheet) for sheet in sheets]
    given = {letter.message_id: letter.concern_id for letter in letters if letter.concern_id}
    assert given == {1: 7, 2: 8, 8: 9, 9: 7}
    assert {letter.message_id: letter.unwritten for letter in letters if letter.unwritten} == {
        3: Reason.NO_ANSWER,
        6: Reason.NO_ANSWER,
        7: Reason.NO_ANSWER,
        10: Reason.NO_ADDRESS,
    }


def test_the_register_is_asked_only_where_a_wave_of_the_batch_gives_answers() -> None:
    texts = {3: Texts(PLAYBOOK, Renderer(PLAYBOOK))}

    assert sources_of_answers([SHEET, SHEET._replace(wave="thanks")], texts) == ["short"]
    assert sources_of_answers([SHEET._replace(wave="thanks")], texts) == []


def test_a_sheet_shows_no_personal_data() -> None:
    assert repr(SHEET) == "Sheet(message_id=1, campaign_id=3)"
