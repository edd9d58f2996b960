"""Write messages with the shipped templates, against a bare loop of cached, sandboxed templates.

    python bench/rendering.py

Written is what dispatch writes, batch by batch: template chosen, values gathered and checked,
coupon, text, SMS parts and cost, ready to be handed over. The bare loop calls ``Template.render``
of Jinja's own sandbox, compiled once, on values that are there already; for e-mail with autoescape
on.
"""

import argparse
import statistics
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from big_shop import SHOP
from jinja2 import StrictUndefined
from jinja2.sandbox import SandboxedEnvironment
from limits import Cost, Meter, cpu, interleaved, ratios, spread

from orchestrator.domain.messages import Channel, WaveKind
from orchestrator.playbooks import CONTEXT, read_playbook
from orchestrator.rendering import Renderer
from orchestrator.rendering.filters import LOCAL_FILTERS
from orchestrator.services.dispatch.contexts import context_of, shop_values
from orchestrator.services.dispatch.loop import DEFAULT_SETTINGS
from orchestrator.services.dispatch.writing import Texts, Writer
from orchestrator.store.campaigns import StoredCampaign
from orchestrator.store.messages.sheets import Sheet

PLAYBOOK = Path(__file__).parents[1] / "templates" / "womenswear-double11"
AT = datetime(2026, 11, 18, 4, 0, tzinfo=UTC)
SHEET = Sheet(
    message_id=1,
    token=1,
    campaign_id=1,
    wave="coupon",
    occurrence=0,
    kind=WaveKind.PROMO,
    variant=None,
    channel=Channel.SMS,
    track="new",
    category="womenswear",
    locale="en",
    timezone="Asia/Shanghai",
    address="+8613800000000",
    name="Li Na",
    tier=None,
    item="linen dress",
    total=39_900,
    currency="CNY",
    placed_at=AT - timedelta(days=7),
    code="2345ABCD678X",
    amount=2_000,
    percent=None,
    free_postage=False,
    gift=None,
    min_spend=19_900,
    coupon_currency="CNY",
    coupon_expires_at=AT + timedelta(days=14),
    expires_at=None,
)
#: Contract: the share of the bare loop's speed that writing keeps.
LIMITS = {Channel.SMS: (0.8, 1.0), Channel.EMAIL: (0.95, 1.2)}


def compare(channel: Channel, locale: str, count: int, rounds: int) -> bool:
    playbook = read_playbook(PLAYBOOK)
    texts = Texts(playbook, Renderer(playbook))
    campaign = StoredCampaign(
        id=1, name="bench", version=playbook.version, files=playbook.files, salt="salt",
        state="running", shop=SHOP, launched_at=AT, enrolled_seen=None,
    )  # fmt: skip
    sheets = [a_sheet(number, channel, locale) for number in range(count)]
    works = {"bare": bare(texts, sheets, channel), "written": real(texts, campaign, sheets)}
    costs = measured(works, rounds)
    speed, _ = ratios(costs, "bare", "written")
    floor, goal = LIMITS[channel]
    kept = statistics.median(speed)
    met = f"goal ≥ {goal:g} met" if kept >= goal else f"floor ≥ {floor:g} met"
    for name in works:
        print(f"  {name}: {spread([spent / count * 1e6 for spent in cpu(costs[name])], 1)} µs CPU")
    verdict = met if kept >= floor else f"floor ≥ {floor:g} MISSED"
    print(f"  written at {spread(speed)} × the speed of bare; {verdict}")
    return kept >= floor


def a_sheet(number: int, channel: Channel, locale: str) -> Sheet:
    """No two customers have the same name, amount, moment or code."""
    return SHEET._replace(
        message_id=number,
        channel=channel,
        locale=locale,
        name=f"Li Na {number}",
        total=20_000 + number * 7,
        placed_at=SHEET.placed_at + timedelta(seconds=number),
        code=f"{SHEET.code}{number}",
    )


def real(texts: Texts, campaign: StoredCampaign, sheets: Sequence[Sheet]) -> Callable[[], None]:
    def work() -> None:
        for start in range(0, len(sheets), DEFAULT_SETTINGS.batch):
            writer = Writer(campaign, texts, {})
            for sheet in sheets[start : start + DEFAULT_SETTINGS.batch]:
                assert writer.write(sheet).outgoing is not None

    return work


def bare(texts: Texts, sheets: Sequence[Sheet], channel: Channel) -> Callable[[], None]:
    environment = SandboxedEnvironment(
        autoescape=channel is Channel.EMAIL, undefined=StrictUndefined
    )
    environment.filters |= LOCAL_FILTERS
    locale = texts.playbook.locale_for(sheets[0].locale)
    path = texts.playbook.template_for(
        wave=SHEET.wave, variant=None, track=SHEET.track, category=SHEET.category,
        channel=channel, locale=locale,
    )  # fmt: skip
    template = environment.from_string(texts.playbook.files[path])
    shop = shop_values(SHOP)
    contexts = [context_of(sheet, shop, None, locale, CONTEXT.keys()) for sheet in sheets]

    def work() -> None:
        for context in contexts:
            template.render(context)

    return work


def measured(works: dict[str, Callable[[], None]], rounds: int) -> dict[str, list[Cost]]:
    for work in works.values():
        work()
    return interleaved(Meter(), works, rounds=rounds)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=5_000, help="messages a round")
    parser.add_argument("--rounds", type=int, default=15)
    given = parser.parse_args()
    good = True
    for channel in (Channel.SMS, Channel.EMAIL):
        for locale in ("en", "zh-CN"):
            print(f"{channel} in {locale}: {given.count:,} messages, {given.rounds} rounds")
            good &= compare(channel, locale, given.count, given.rounds)
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
