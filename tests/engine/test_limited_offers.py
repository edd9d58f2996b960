"""Ladder, stock, last day and reminder in one playbook: what is forecast, and what then happens."""

import random
from collections import Counter
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from orchestrator.domain.messages import MessageState, Reason
from orchestrator.playbooks import Playbook, playbook_from_files
from orchestrator.providers.simulated import SimulatedProvider
from orchestrator.services.forecast import (
    Forecast,
    NotInAudienceError,
    forecast,
    forecast_markdown,
    rehearse_message,
)
from orchestrator.services.simulate.play import simulate
from orchestrator.store.database import Database
from orchestrator.store.tables import coupons, messages
from shops import EVENT_NOON, SHOP, add_customer, add_order

LAUNCH = EVENT_NOON + timedelta(hours=6)
S, R = MessageState, Reason
PLAYBOOK = """\
playbook: limited
title: Limited
timezone: Asia/Shanghai
locales: [en]
waive: [care-first]
audience:
  event_day: {from: 2026-11-11, to: 2026-11-11}
waves:
  - {wave: coupon, kind: promo, after: 1 day, channels: [sms], offer: back, holdout: 10%}
  - wave: reminder
    kind: promo
    after: 9 days after coupon
    channels: [sms]
    reminds: coupon
    unless: purchased
    holdout: 20%
  - {wave: mug, kind: promo, after: 25 days, channels: [sms], offer: mug}
offers:
  back:
    ladder:
      - {from: 100 CNY, amount: 3 CNY}
      - {from: 150 CNY, amount: 5 CNY, min_spend: 50 CNY}
    until: 2026-11-30
  mug: {gift: MUG, stock: 5, otherwise: small}
  small: {percent: 5}
quiet_hours: {from: "21:00", to: "09:00"}
"""
TEXT = "{{ shop.name }}: {{ coupon.code }}, {{ coupon.value }} until {{ coupon.valid_until }}. STOP"


@pytest.fixture
def playbook() -> Playbook:
    texts = {f"en/{wave}.sms.j2": TEXT for wave in ("coupon", "reminder", "mug")}
    return playbook_from_files({"playbook.yaml": PLAYBOOK, **texts})


def shop_of(database: Database, *totals: int) -> None:
    with database.write() as connection:
        for number, total in enumerate(totals, start=1):
            at = EVENT_NOON + timedelta(seconds=number)
            add_order(connection, add_customer(connection, number), total=total, at=at)


def forecast_at(database: Database, playbook: Playbook, now: datetime) -> Forecast:
    dice = random.Random(5).randbytes
    return forecast(database, playbook, shop=SHOP, now=now, random_bytes=dice)


def test_a_forecast_counts_by_step_and_says_who_would_be_short(
    database: Database, playbook: Playbook
) -> None:
    shop_of(database, *[9_000] * 3, *[12_000] * 20, *[20_000] * 10)

    found = forecast_at(database, playbook, LAUNCH)

    by_wave = {wave.wave: wave for wave in found.waves}
    steps = {(one.amount, one.min_spend): one.coupons for one in by_wave["coupon"].coupons}
    assert set(steps) == {(300, None), (500, 5_000)}
    assert sum(steps.values()) == by_wave["coupon"].planned
    assert by_wave["coupon"].coupon_exposure == sum(
        amount * number for (amount, _), number in steps.items() if amount
    )
    assert by_wave["coupon"].outcomes[S.SKIPPED, R.BELOW_LADDER, None] == 3
    assert by_wave["reminder"].coupons == ()
    assert by_wave["reminder"].planned <= by_wave["coupon"].planned
    gifts = {
        (one.offer, one.gift, one.percent, one.stock): one.coupons for one in by_wave["mug"].coupons
    }
    assert gifts == {("mug", "MUG", None, 5): 5, ("small", None, 5, None): 28}
    assert found.is_sound
    page = forecast_markdown(found)
    assert "| mug | mug | MUG | – | 5 | 5 | – |" in page
    assert f"| coupon | back | 3.00 CNY | – | {steps[300, None]} | – | " in page


def test_a_forecast_counts_whom_the_last_day_leaves_out(
    database: Database, playbook: Playbook
) -> None:
    """Where waves count from the enrollment, the file alone does not say when they are due."""
    text = playbook.files["playbook.yaml"].replace("until: 2026-11-30", "until: 2026-11-15")
    files = {
        **playbook.files,
        "playbook.yaml": text.replace("waive:", "anchor: enrollment\nwaive:"),
    }
    shop_of(database, 20_000, 20_000)

    found = forecast_at(database, playbook_from_files(files), LAUNCH)

    over = [(wave.wave, wave.after_last_day) for wave in found.waves]
    assert over == [("coupon", 0), ("reminder", 2), ("mug", 0)]
    assert "- **reminder: 2 messages would come after the last day" in forecast_markdown(found)


def test_a_preview_of_a_reminder_shows_the_coupon_that_it_reminds_of(
    database: Database, playbook: Playbook
) -> None:
    shop_of(database, 20_000, 9_000)

    def preview(customer: str) -> str:
        letter = rehearse_message(
            database,
            playbook,
            "reminder",
            customer,
            shop=SHOP,
            now=LAUNCH,
            random_bytes=random.Random(5).randbytes,
        )
        assert letter.outgoing
        return letter.outgoing.text

    assert "5 CNY until 2026-11-30" in preview("C1")
    with pytest.raises(NotInAudienceError, match="no_coupon"):
        preview("C2")


@pytest.mark.slow
def test_a_simulated_campaign_plays_all_of_it_to_its_end(
    playbook: Playbook, tmp_path: Path
) -> None:
    report = simulate(
        playbook,
        provider=SimulatedProvider(7),
        customers=150,
        seed=7,
        effect=0.3,
        start=EVENT_NOON + timedelta(hours=21),
        step=timedelta(days=1),
        folder=tmp_path,
    )

    with (
        closing(Database(f"sqlite:///{tmp_path / 'simulation-7.db'}")) as database,
        database.read() as connection,
    ):
        asked = select(messages.c.wave, messages.c.reason)
        ends = Counter((row.wave, row.reason) for row in connection.execute(asked))
        given = Counter(connection.execute(select(coupons.c.offer)).scalars())
    assert report.unfinished is None
    assert report.messages == sum(day.accepted + day.withheld + day.others for day in report.sends)
    assert given["mug"] == 5
    assert ends["coupon", R.BELOW_LADDER] > 0
    assert ends["reminder", R.NO_COUPON] >= ends["coupon", R.HELD_OUT] > 0
