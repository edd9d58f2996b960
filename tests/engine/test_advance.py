"""From an order to an evaluated campaign, by nothing but ``advance``."""

import random
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, func, insert, select, update

from orchestrator.domain.messages import Channel
from orchestrator.playbooks import read_playbook
from orchestrator.providers.outbox import OutboxProvider
from orchestrator.services.advance import AdvanceReport, advance
from orchestrator.services.dispatch import OpenedTexts
from orchestrator.services.dispatch.writing import Letter
from orchestrator.services.forecast import (
    NotInAudienceError,
    forecast,
    forecast_markdown,
    rehearse_message,
)
from orchestrator.services.launch import CampaignNameTakenError, launch
from orchestrator.services.lives import Life, Machine, begin_life
from orchestrator.services.quarantine import confirm
from orchestrator.store.database import Database
from orchestrator.store.tables import (
    audit_log,
    campaigns,
    enrollments,
    evaluations,
    heartbeats,
    imports,
    messages,
    orders,
)
from shops import EVENT_NOON, SHOP, add_buyers, add_order

PLAYBOOK = Path(__file__).parents[2] / "templates" / "womenswear-double11"
LAUNCH = EVENT_NOON + timedelta(hours=12)
MONTHS = timedelta(days=185)


class Shopkeeper:
    """Launches the women's-wear playbook and lets time pass."""

    def __init__(self, database: Database, folder: Path, life: Life) -> None:
        self.database, self.life = database, life
        outbox = OutboxProvider(folder / "outbox")
        self.providers = {Channel.SMS: outbox, Channel.EMAIL: outbox}
        self.texts, self.dice = OpenedTexts(), random.Random(11)

    def launch(self, name: str = "double11") -> None:
        launch(
            self.database,
            read_playbook(PLAYBOOK),
            name=name,
            shop=SHOP,
            now=LAUNCH,
            actor="test",
            random_bytes=self.dice.randbytes,
        )

    def advance(self, now: datetime) -> AdvanceReport:
        return advance(
            self.database,
            self.providers,
            now=lambda: now,
            life=self.life,
            texts=self.texts,
            random_bytes=self.dice.randbytes,
        )

    def live(self, until: timedelta, step: timedelta = timedelta(hours=12)) -> None:
        now = LAUNCH
        while now <= LAUNCH + until:
            self.advance(now)
            now += step


@pytest.fixture
def shopkeeper(database: Database, tmp_path: Path) -> Iterator[Shopkeeper]:
    machine = Machine("host", "boot", lambda: 0.0, lambda: LAUNCH)
    with begin_life(tmp_path / "lives", machine) as life:
        yield Shopkeeper(database, tmp_path, life)


def rows(database: Database, column: object, *where: object) -> Counter[object]:
    with database.read() as connection:
        return Counter(connection.execute(select(column).where(*where)).scalars())  # type: ignore[call-overload]  # any column


def test_a_campaign_walks_to_its_end_and_is_evaluated(
    database: Database, shopkeeper: Shopkeeper
) -> None:
    with database.write() as connection:
        ids = add_buyers(connection, 12)
        add_order(connection, ids[0], at=EVENT_NOON + timedelta(days=40))
    shopkeeper.launch()

    shopkeeper.live(MONTHS + timedelta(days=40))

    assert rows(database, campaigns.c.state) == {"done": 1}
    assert set(rows(database, enrollments.c.exit_reason)) <= {"completed", "purchased", "held_out"}
    assert rows(database, enrollments.c.exit_reason)["purchased"] <= 1
    assert set(rows(database, messages.c.state)) <= {"accepted", "withheld", "skipped"}
    assert rows(database, evaluations.c.recorded_at)[None] == 0


def test_later_refunds_are_followed_by_advancing_alone(
    database: Database, shopkeeper: Shopkeeper
) -> None:
    with database.write() as connection:
        ids = add_buyers(connection, 12)
        bought = [
            add_order(connection, buyer, at=EVENT_NOON + timedelta(days=2), number=f"again {buyer}")
            for buyer in ids
        ]
    shopkeeper.launch()
    shopkeeper.live(timedelta(days=30))
    recorded = rows(database, evaluations.c.revision)
    with database.write() as connection:
        refunded = {"refunded": 10_000, "updated_at": LAUNCH + timedelta(days=31)}
        connection.execute(update(orders).where(orders.c.id.in_(bought)).values(refunded))

    report = shopkeeper.advance(LAUNCH + timedelta(days=32))

    assert set(recorded) == {0}
    assert rows(database, evaluations.c.revision)[1] == len(report.revised.revised) > 0


def test_advancing_again_at_the_same_moment_changes_nothing(
    database: Database, shopkeeper: Shopkeeper
) -> None:
    with database.write() as connection:
        add_buyers(connection, 8)
    shopkeeper.launch()
    shopkeeper.live(timedelta(days=8))
    before = rows(database, messages.c.state)

    again = shopkeeper.advance(LAUNCH + timedelta(days=8))

    assert rows(database, messages.c.state) == before
    assert not again.dispatched.counts
    assert sum(again.enrolled.values()) == 0


def a_part_of_a_file(database: Database, since: datetime) -> None:
    half = {"kind": "orders", "preset": "orders", "file_name": "orders.csv", "file_hash": "1"}
    with database.write() as connection:
        connection.execute(
            insert(imports).values(**half, state="running", started_at=since, half_at=since)
        )


def test_while_a_part_of_a_file_is_in_nobody_is_enrolled_and_all_are_told(
    database: Database, shopkeeper: Shopkeeper
) -> None:
    with database.write() as connection:
        add_buyers(connection, 3)
    shopkeeper.launch()
    a_part_of_a_file(database, LAUNCH)

    report = shopkeeper.advance(LAUNCH)
    page = forecast_markdown(
        forecast(
            database,
            read_playbook(PLAYBOOK),
            shop=SHOP,
            now=LAUNCH,
            random_bytes=random.Random(3).randbytes,
        )
    )

    assert (report.enrolled, report.half_in) == ({"double11": 0}, ("orders.csv",))
    assert "Of orders.csv only a part is in" in page
    # The plan still shows what there is.
    assert "would be enrolled** | **3" in page


def test_a_campaign_is_not_done_while_a_part_of_a_file_is_in(
    database: Database, shopkeeper: Shopkeeper
) -> None:
    with database.write() as connection:
        add_buyers(connection, 2)
    shopkeeper.launch()
    shopkeeper.advance(LAUNCH)
    with database.write() as connection:
        connection.execute(update(enrollments).values(wave=None, due_at=None))
    end = LAUNCH + timedelta(days=2)
    a_part_of_a_file(database, end)

    assert shopkeeper.advance(end).finished == ()
    assert shopkeeper.advance(end + timedelta(days=1)).finished == ("double11",)


def test_the_same_launch_again_changes_nothing_and_another_playbook_is_refused(
    database: Database, shopkeeper: Shopkeeper, tmp_path: Path
) -> None:
    shopkeeper.launch()
    shopkeeper.launch()
    assert rows(database, campaigns.c.name) == {"double11": 1}
    assert rows(database, audit_log.c.action) == {"launch": 1}

    other = read_playbook(PLAYBOOK.parent / "mother-baby")
    with pytest.raises(CampaignNameTakenError, match="another name"):
        launch(
            database,
            other,
            name="double11",
            shop=SHOP,
            now=LAUNCH,
            actor="test",
            random_bytes=random.Random(1).randbytes,
        )


def test_a_forecast_renders_everything_and_leaves_nothing_behind(
    database: Database,
) -> None:
    with database.write() as connection:
        add_buyers(connection, 20)

    found = forecast(
        database,
        read_playbook(PLAYBOOK),
        shop=SHOP,
        now=LAUNCH,
        random_bytes=random.Random(5).randbytes,
    )

    assert found.is_sound
    assert found.admission.admitted == sum(number for *_, number in found.enrolled) == 20
    assert [wave.wave for wave in found.waves] == ["thanks", "care", "coupon", "restimulate"]
    coupon = next(wave for wave in found.waves if wave.wave == "coupon")
    assert coupon.coupon_exposure == coupon.planned * 2_000
    assert coupon.cost == coupon.parts * SHOP.sms_price
    page = forecast_markdown(found)
    assert "| **would be enrolled** | **20** |" in page
    assert "Lotus" not in page
    with database.read() as connection:
        for table in (campaigns, enrollments, messages):
            assert connection.execute(select(func.count()).select_from(table)).scalar() == 0


def test_a_preview_shows_one_customers_message_and_leaves_nothing_behind(
    database: Database,
) -> None:
    with database.write() as connection:
        add_buyers(connection, 3)

    def preview(customer: str) -> Letter:
        return rehearse_message(
            database,
            read_playbook(PLAYBOOK),
            "coupon",
            customer,
            shop=SHOP,
            now=LAUNCH,
            random_bytes=random.Random(5).randbytes,
        )

    outgoing = preview("C2").outgoing

    assert outgoing is not None
    assert outgoing.address == "+8613800000002"
    assert "Lotus & Linen" in outgoing.text
    assert rows(database, messages.c.state) == {}
    with pytest.raises(NotInAudienceError, match="C9 would get no coupon: outside the audience"):
        preview("C9")


def test_in_quarantine_all_goes_on_but_sending(database: Database, shopkeeper: Shopkeeper) -> None:
    with database.write() as connection:
        add_buyers(connection, 8)
    shopkeeper.launch()
    shopkeeper.advance(LAUNCH)
    with database.write() as connection:
        connection.execute(delete(heartbeats))

    report = shopkeeper.advance(LAUNCH + timedelta(days=2))
    confirm(database, shopkeeper.life, actor="test", now=LAUNCH)
    later = shopkeeper.advance(LAUNCH + timedelta(days=2, hours=12))

    assert "orchestrator confirm" in (report.quarantined or "")
    assert report.planned["double11"].messages > 0
    assert (report.dispatched.accepted, later.quarantined) == (0, None)
    assert later.dispatched.accepted > 0
