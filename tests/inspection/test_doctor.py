"""The doctor finds nothing in a healthy shop, and each thing that can go wrong by its name."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Executable, delete, insert, select, update

from launched import COUPON, THANKS, Campaign, a_definition
from orchestrator.domain.arms import Arm
from orchestrator.domain.coupons import CouponState
from orchestrator.domain.messages import MessageState, Reason
from orchestrator.services.doctor import Finding, Severity, doctor
from orchestrator.store import audit
from orchestrator.store.database import Database
from orchestrator.store.tables import (
    attempts,
    audit_log,
    campaigns,
    coupons,
    dispatchers,
    enrollments,
    evaluations,
    events,
    imports,
    instance,
    messages,
    orders,
    sends,
    suppressions,
)
from shops import EVENT_NOON, add_buyers, add_order

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
LAUNCH = EVENT_NOON + timedelta(hours=12)
PLANNED = EVENT_NOON + 2 * DAY
NOW = PLANNED + 2 * HOUR
S = MessageState
COUPON_FIRST = COUPON | {"after": "1 day"}


def found(campaign: Campaign, now: datetime = PLANNED) -> list[Finding]:
    return doctor(campaign.database, now, definition_of=lambda _: campaign.definition)


def kinds(campaign: Campaign, now: datetime = PLANNED) -> list[tuple[str, int]]:
    return [(one.kind, one.count) for one in found(campaign, now)]


def put(campaign: Campaign, *statements: Executable) -> None:
    with campaign.database.write() as connection:
        for statement in statements:
            connection.execute(statement)


def everyone(**values: Any) -> Executable:
    return update(messages).values(**values)


def one(**values: Any) -> Executable:
    return everyone_where_first(messages, values)


def everyone_where_first(table: Any, values: dict[str, Any]) -> Executable:
    first = select(table.c.id).order_by(table.c.id).limit(1).scalar_subquery()
    return update(table).where(table.c.id == first).values(**values)


def an_attempt(token: int, outcome: str = "accepted") -> Executable:
    values = {"message_id": 1, "token": token, "owner": "a", "provider": "outbox"}
    return insert(attempts).values(**values, intended_at=PLANNED, outcome=outcome)


def accepted(**more: Any) -> Executable:
    done = {"state": S.ACCEPTED, "accepted_at": PLANNED, "finished_at": PLANNED}
    return one(**done, sending_at=PLANNED, **more)


def an_import(state: str) -> Executable:
    return insert(imports).values(
        kind="orders",
        preset="shopify",
        file_name="a.csv",
        file_hash="0",
        state=state,
        counts={},
        started_at=PLANNED,
    )


def test_a_healthy_campaign_has_no_finding(campaign: Campaign) -> None:
    assert found(campaign) == []


def test_an_empty_shop_has_no_finding(database: Database) -> None:
    assert doctor(database, NOW) == []


def test_a_finding_says_what_it_is_and_what_is_safe_to_do(campaign: Campaign) -> None:
    assert found(campaign, NOW) == [
        Finding(
            kind="message_overdue",
            severity=Severity.LATE,
            subject="test",
            count=2,
            example="1",
            what="planned messages are due for more than an hour",
            remedy="orchestrator advance",
        )
    ]


def test_nothing_is_overdue_in_a_paused_campaign(campaign: Campaign) -> None:
    put(campaign, update(campaigns).values(state="paused"))

    assert kinds(campaign, NOW) == [("campaign_paused", 1)]


STUCK = {
    "dispatch_stopped": (update(instance).values(dispatch_stopped="wrong price"),),
    "claim_over": (one(state=S.CLAIMED, lease_until=PLANNED),),
    "doubt_sender_dead": (one(state=S.SENDING, sending_at=PLANNED, owner="a", due_at=PLANNED),),
    "doubt_sender_alive": (
        one(state=S.UNKNOWN, sending_at=PLANNED, owner="a"),
        insert(dispatchers).values(
            owner="a", host="h", boot_id="b", life_file="f", started_at=PLANNED
        ),
    ),
    "unresolved": (one(state=S.UNRESOLVED, finished_at=NOW),),
    "evaluation_overdue": (everyone_where_first(evaluations, {"due_at": PLANNED}),),
    "step_overdue": (everyone_where_first(enrollments, {"due_at": PLANNED}),),
    "waits_for_final": (one(state=S.SKIPPED, reason=Reason.SUPPRESSED, finished_at=PLANNED),),
    "import_interrupted": (an_import("running"),),
}


@pytest.mark.parametrize("kind", STUCK)
def test_finds_what_is_stuck(campaign: Campaign, kind: str) -> None:
    # What is not under test here is not due yet.
    put(campaign, everyone(due_at=NOW), *STUCK[kind])

    assert kinds(campaign, NOW) == [(kind, 1)]


def test_an_import_that_was_repeated_is_no_finding(campaign: Campaign) -> None:
    put(campaign, everyone(due_at=NOW), an_import("failed"), an_import("done"))

    assert found(campaign, NOW) == []


def test_finds_who_waits_for_no_message_at_all(database: Database) -> None:
    campaign = Campaign(database, a_definition(), LAUNCH)
    with database.write() as connection:
        add_buyers(connection, 1)
    campaign.enroll(LAUNCH)
    put(campaign, update(enrollments).values(due_at=None))

    assert kinds(campaign, NOW) == [("waits_for_nothing", 1)]


def a_suppression(at: datetime) -> Executable:
    chosen = select(messages.c.channel, messages.c.address_hash).where(messages.c.id == 1)
    return insert(suppressions).values(
        channel=chosen.with_only_columns(messages.c.channel).scalar_subquery(),
        address_hash=chosen.with_only_columns(messages.c.address_hash).scalar_subquery(),
        reason="opted_out",
        source="test",
        at=at,
    )


WRONG: dict[str, tuple[Executable, ...]] = {
    "send_without_evaluation": (delete(evaluations),),
    "send_without_message": (
        insert(sends).values(
            campaign_id=1, wave="coupon", occurrence=0, day=PLANNED.date() + DAY, created_at=PLANNED
        ),
        insert(evaluations).values(
            campaign_id=1, send_id=2, kind="send", scope="", due_at=PLANNED + 30 * DAY
        ),
    ),
    "message_of_another_send": (update(sends).values(wave="care"),),
    "message_of_held_out": (everyone_where_first(enrollments, {"arm": Arm.HOLDOUT, "wave": None}),),
    "held_out_without_place": (
        everyone_where_first(
            enrollments, {"arm": Arm.HOLDOUT, "wave": None, "exit_reason": Reason.HELD_OUT}
        ),
        delete(messages).where(messages.c.enrollment_id == 1),
    ),
    "accepted_without_attempt": (accepted(token=1), an_attempt(1, "retry")),
    "accepted_twice": (accepted(token=2), an_attempt(1), an_attempt(2)),
    "end_without_moment": (one(finished_at=PLANNED),),
    "spent_otherwise": (update(campaigns).values(spent=7),),
    "stray_coupon": (one(coupon_id=None),),
    "stock_overdrawn": (
        update(coupons).values(stock=1, state=CouponState.REDEEMED, redeemed_at=PLANNED),
    ),
    "written_though_suppressed": (
        accepted(token=1),
        an_attempt(1),
        a_suppression(PLANNED - HOUR),
    ),
    "news_of_unknown_message": (
        insert(events).values(
            provider="outbox",
            dedupe_key="1",
            message_id=99,
            fact="delivered",
            at=PLANNED,
            received_at=PLANNED,
        ),
    ),
    "other_currency": (everyone_where_first(orders, {"currency": "USD"}),),
}


#: What cannot be wrong alone, or once.
EXPECTED = {
    "message_of_another_send": {"message_of_another_send": 2},
    "held_out_without_place": {"held_out_without_place": 1, "stray_coupon": 1},
}


@pytest.mark.parametrize("kind", WRONG)
def test_finds_what_does_not_add_up(campaign: Campaign, kind: str) -> None:
    put(campaign, *WRONG[kind])

    assert dict(kinds(campaign)) == EXPECTED.get(kind, {kind: 1})


def test_finds_a_coupon_that_belongs_to_somebody_else(campaign: Campaign) -> None:
    theirs = select(coupons.c.id).where(coupons.c.enrollment_id == 2).scalar_subquery()
    put(campaign, update(messages).where(messages.c.id == 1).values(coupon_id=theirs))

    assert kinds(campaign) == [("stray_coupon", 1), ("foreign_coupon", 1)]


def test_a_coupon_that_is_brought_again_is_nobody_elses(database: Database) -> None:
    again = {"wave": "again", "after": "3 days after coupon", "offer": None, "reminds": "coupon"}
    campaign = Campaign(database, a_definition(waves=[COUPON_FIRST, COUPON | again]), LAUNCH)
    with database.write() as connection:
        add_buyers(connection, 2)
    campaign.enroll(LAUNCH)
    campaign.plan(PLANNED)
    put(campaign, everyone(state=S.UNRESOLVED, finished_at=PLANNED))
    campaign.plan(PLANNED + 4 * DAY)

    with database.read() as connection:
        assert list(connection.execute(select(messages.c.coupon_id)).scalars()) == [1, 2, 1, 2]
    assert kinds(campaign, PLANNED + 4 * DAY) == [("unresolved", 2)]


def test_coupons_that_are_over_are_not_missing_in_their_stock(campaign: Campaign) -> None:
    put(campaign, update(coupons).values(stock=1))

    assert [kind for kind, _ in kinds(campaign, PLANNED)] == ["stock_overdrawn"]
    assert "stock_overdrawn" not in [kind for kind, _ in kinds(campaign, PLANNED + 15 * DAY)]


def test_who_opted_out_after_the_message_is_no_finding(campaign: Campaign) -> None:
    put(campaign, accepted(token=1), an_attempt(1), a_suppression(PLANNED + HOUR))

    assert found(campaign) == []


def test_finds_an_enrollment_that_skipped_a_step(campaign: Campaign) -> None:
    put(
        campaign,
        delete(messages).where(messages.c.id == 1),
        delete(coupons).where(coupons.c.enrollment_id == 1),
    )

    assert ("ledger_gap", 1) in kinds(campaign)


def test_who_bought_on_the_way_leaves_no_gap(campaign: Campaign) -> None:
    left = {"wave": None, "exited_at": PLANNED, "exit_reason": Reason.PURCHASED}
    put(campaign, everyone_where_first(enrollments, left))

    assert found(campaign) == []


def test_a_walk_to_its_end_adds_up_at_every_step(database: Database) -> None:
    again = COUPON | {
        "wave": "again",
        "after": "14 days",
        "repeat": {"times": 2, "every": "7 days"},
    }
    waves = [THANKS | {"holdout": "20%"}, COUPON, again]
    campaign = Campaign(database, a_definition(waves=waves, holdout="30%"), LAUNCH)
    with database.write() as connection:
        buyers = add_buyers(connection, 30)
        for buyer in buyers[:10]:
            add_order(connection, buyer, at=EVENT_NOON + 10 * DAY)
    campaign.enroll(LAUNCH)

    for day in (2, 8, 15, 22, 23):
        now = EVENT_NOON + day * DAY
        campaign.plan(now)
        put(campaign, everyone(due_at=now), update(evaluations).values(due_at=now))

        assert found(campaign, now) == []


def test_finds_a_playbook_that_cannot_be_read_any_more(campaign: Campaign) -> None:
    found = doctor(campaign.database, PLANNED)

    assert [(one.kind, one.subject) for one in found] == [("playbook_unreadable", "test")]


def test_finds_an_audit_log_that_was_changed(campaign: Campaign) -> None:
    with campaign.database.write() as connection:
        audit.write(connection, at=NOW, actor="a", action="launch", subject="c")
    forged = {"at": NOW, "actor": "b", "action": "pause", "subject": "c", "details": {}}
    put(campaign, insert(audit_log).values(**forged, previous_hash="1", hash="2"))

    (found_one,) = found(campaign)

    assert (found_one.kind, found_one.example) == ("audit_broken", "2")


def test_a_database_without_tables_has_one_finding(tmp_path: Any) -> None:
    database = Database(f"sqlite:///{tmp_path / 'new.db'}")

    assert [(one.kind, one.remedy) for one in doctor(database, NOW)] == [
        ("schema_outdated", "orchestrator init")
    ]
    database.close()


def test_finds_a_database_that_may_lose_what_it_committed(
    campaign: Campaign, unsafe: Callable[[Database], None]
) -> None:
    unsafe(campaign.database)

    assert [one.kind for one in found(campaign)] == ["database_unsafe"]
