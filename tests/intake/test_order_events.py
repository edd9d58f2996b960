"""Orders one by one as a shop's webhook brings them, and files of the same documents."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select

from intake_shop import NOON, SHOP, Importing, stored
from launched import COUPON, THANKS, Campaign, a_definition
from orchestrator.domain.coupons import CodeFate, CouponState
from orchestrator.services.intake import Refusal, TakenOrders, take_orders
from orchestrator.services.intake.mapping import parse_mapping
from orchestrator.store.campaigns import shop_data_seen
from orchestrator.store.database import Database
from orchestrator.store.intake.counts import Counts
from orchestrator.store.tables import (
    consents,
    coupons,
    customers,
    enrollments,
    imports,
    order_lines,
    orders,
)

PLACED = datetime(2025, 11, 11, 10, tzinfo=UTC)
TEA = {"sku": "T1", "title": "Tea", "quantity": 2, "unit_price": 1.5, "category": "food"}
POT = {"title": "Pot", "quantity": 1, "line_amount": "9.00"}


def a_document(**more: Any) -> dict[str, Any]:
    return {
        "order_id": "A1",
        "placed_at": "2025-11-11T10:00:00Z",
        "paid_at": "2025-11-11T10:01:00Z",
        "customer_id": "C1",
        "phone": "+447946095801",
        "total": 12.0,
        "currency": "GBP",
        "lines": [TEA, POT],
        **more,
    }


def take(database: Database, *documents: dict[str, Any], at: datetime = NOON) -> TakenOrders:
    return take_orders(database, documents, now=at, shop=SHOP)


def json_lines(*documents: dict[str, Any]) -> str:
    return "".join(json.dumps(one) + "\n" for one in documents)


def test_an_event_stores_the_whole_order_and_its_customer(database: Database) -> None:
    taken = take(
        database,
        a_document(name="Ann", email="Ann@Example.org", sms_marketing=True, utm_source="mail"),
    )

    assert (taken.refused, taken.without) == ((), ())
    shown = ("external_id", "placed_at", "total", "counts", "category", "item", "utm_source")
    assert stored(database, orders, *shown) == [
        ("A1", PLACED, 1_200, True, "food", "Pot", "mail"),
    ]
    assert stored(database, order_lines, "position", "title", "quantity", "amount") == [
        (1, "Tea", 2, 300),
        (2, "Pot", 1, 900),
    ]
    assert stored(database, customers, "external_id", "name", "phone", "email") == [
        ("C1", "Ann", "+447946095801", "ann@example.org"),
    ]
    assert stored(database, consents, "channel", "purpose", "granted", "at") == [
        ("sms", "marketing", True, PLACED),
    ]


def test_the_same_event_again_changes_nothing(database: Database) -> None:
    take(database, a_document())
    again = take(database, a_document(), at=NOON + timedelta(hours=1))

    assert again.counts == {
        "customers": Counts(unchanged=1),
        "products": Counts(unchanged=2),
        "orders": Counts(unchanged=1),
        "order_lines": Counts(unchanged=2),
        "coupons": Counts(),
    }


def test_a_later_event_replaces_the_order(database: Database) -> None:
    take(database, a_document(paid_at=None))
    take(database, a_document(refunded="12", lines=[TEA]))

    shown = ("total", "refunded", "counts", "item")
    assert stored(database, orders, *shown) == [(1_200, 1_200, False, "Tea")]
    assert stored(database, order_lines, "position", "title") == [(1, "Tea")]


def test_an_event_without_lines_leaves_those_that_are_stored(database: Database) -> None:
    take(database, a_document())
    news = a_document(cancelled_at="2025-11-12T09:00:00Z")
    del news["lines"]
    taken = take(database, news)

    assert taken.counts["orders"] == Counts(updated=1)
    assert stored(database, orders, "counts", "category", "item") == [(False, "food", "Pot")]
    assert stored(database, order_lines, "title") == [("Pot",), ("Tea",)]


def test_of_two_events_for_one_order_the_last_counts(database: Database) -> None:
    taken = take(
        database, a_document(total="many"), a_document(lines=[POT], total=9), a_document(total=8)
    )

    assert [(one.position, one.reason) for one in taken.refused] == [
        (0, Refusal.AMOUNT_UNREADABLE),
    ]
    assert stored(database, orders, "total") == [(800,)]
    assert stored(database, order_lines, "title") == [("Pot",), ("Tea",)]


def test_an_order_goes_in_whole_or_is_refused_with_reason_and_field(database: Database) -> None:
    taken = take(
        database,
        a_document(order_id="A2", lines=[TEA, {**POT, "quantity": "many"}]),
        a_document(order_id="A3", placed_at="yesterday"),
        a_document(order_id="A4", currency="quid"),
        a_document(order_id=None),
        a_document(order_id="A5", phone="none"),
        a_document(),
    )

    assert [(one.position, one.reason, one.field) for one in taken.refused] == [
        (0, Refusal.QUANTITY_UNREADABLE, "lines.quantity"),
        (1, Refusal.MOMENT_UNREADABLE, "placed_at"),
        (2, Refusal.CURRENCY_UNKNOWN, "currency"),
        (3, Refusal.CELL_MISSING, "order_id"),
    ]
    assert [(one.position, one.reason, one.field) for one in taken.without] == [
        (4, Refusal.PHONE_UNREADABLE, "phone"),
    ]
    assert stored(database, orders, "external_id") == [("A1",), ("A5",)]
    assert stored(database, imports, "rows_read", "rows_rejected") == [(6, 4)]


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ("A1", Refusal.NOT_A_DOCUMENT),
        (a_document(lines="Tea"), Refusal.NOT_A_DOCUMENT),
        (a_document(lines=["Tea"]), Refusal.NOT_A_DOCUMENT),
        (a_document(name="A\0B"), Refusal.NUL_CHARACTER),
        (a_document(name="\ud800"), Refusal.NOT_DECODABLE),
        (a_document(name="x" * 200_000), Refusal.CELL_TOO_LONG),
        (a_document(total=float("inf")), Refusal.AMOUNT_UNREADABLE),
        (a_document(total=1e300), Refusal.AMOUNT_UNREADABLE),
        (a_document(total=0.1 + 0.2), Refusal.TOO_MANY_DECIMALS),
    ],
    ids=lambda one: str(one)[:12] if isinstance(one, Refusal) else "",
)
def test_whatever_is_sent_is_an_order_or_a_refusal(
    database: Database, document: Any, reason: Refusal
) -> None:
    taken = take_orders(database, [document], now=NOON, shop=SHOP)

    assert [one.reason for one in taken.refused] == [reason]
    assert stored(database, orders, "id") == []


def test_nothing_given_is_nothing_done(database: Database) -> None:
    assert take(database).refused == ()


def test_the_coupon_on_an_event_is_redeemed_at_once(database: Database) -> None:
    with database.write() as connection:
        connection.execute(
            insert(coupons).values(code="7KQ2MX9R4TBD", offer="back", state=CouponState.ISSUED)
        )

    taken = take(database, a_document(coupon_code="7kq2-mx9r 4tbd", discount=2))

    assert taken.counts["coupons"] == Counts(updated=1)
    assert taken.codes == {CodeFate.REDEEMED: 1}
    assert stored(database, coupons, "state", "redeemed_at", "discount") == [
        ("redeemed", PLACED, 200),
    ]


def test_a_purchase_by_event_ends_the_walk(database: Database) -> None:
    bought = datetime(2026, 11, 11, 4, tzinfo=UTC)
    take(database, a_document(placed_at=bought.isoformat(), currency="CNY"), at=bought)
    campaign = Campaign(database, a_definition(waves=[THANKS, COUPON]), bought)
    campaign.enroll(bought + timedelta(hours=1))
    campaign.plan(bought + timedelta(days=1, hours=1))
    back = bought + timedelta(days=3)
    take(database, a_document(order_id="A2", placed_at=back.isoformat(), currency="CNY"), at=back)

    assert campaign.plan(bought + timedelta(days=7, hours=1)).purchased == 1
    with database.read() as connection:
        assert connection.execute(select(enrollments.c.exit_reason)).scalars().all() == [
            "purchased"
        ]


def test_the_events_of_a_day_share_a_row_and_each_is_seen_by_enrollment(
    database: Database,
) -> None:
    def seen() -> str:
        with database.read() as connection:
            return shop_data_seen(connection)

    marks = [seen()]
    # A second machine whose clock is behind.
    for number, at in enumerate((NOON, NOON - timedelta(minutes=1))):
        take(database, a_document(order_id=f"A{number}"), at=at)
        marks.append(seen())

    assert len(set(marks)) == 3
    assert stored(database, imports, "kind", "state", "file_name", "rows_read", "counts") == [
        ("order events", "done", "2026-11-12", 2, {
            "coupons": {},
            "customers": {"inserted": 1, "unchanged": 1},
            "order_lines": {"inserted": 4},
            "orders": {"inserted": 2},
            "products": {"inserted": 2, "unchanged": 2},
        }),
    ]  # fmt: skip


def test_a_shops_own_documents_are_read_by_a_mapping(database: Database) -> None:
    fields = parse_mapping(
        "shop.yaml",
        """\
mapping: shop
title: Webhooks of a shop
kind: orders
lines_in: line_items
decimal: ","
columns:
  order_id: id
  placed_at: created_at
  total: total_price
  phone: {column: customer.phone, otherwise: [customer.default_address.phone]}
  title: line_items.title
  quantity: line_items.quantity
  unit_price: line_items.price
""",
    )
    document = {
        "id": 450_789_469,
        "created_at": "2025-11-11T10:00:00+00:00",
        "total_price": 1.234,
        "customer": {"phone": None, "default_address": {"phone": "07946 095801"}},
        "line_items": [{"id": 1, "title": "Tea", "quantity": 3, "price": "0,4"}],
        "tags": ["new"],
    }

    refused = take_orders(database, [document], now=NOON, shop=SHOP, fields=fields).refused
    take_orders(database, [{**document, "total_price": 1.2}], now=NOON, shop=SHOP, fields=fields)

    assert [one.field for one in refused] == ["total_price"]
    assert stored(database, orders, "external_id", "total", "item") == [("450789469", 120, "Tea")]
    assert stored(database, customers, "phone") == [("+447946095801",)]


def test_a_file_of_json_lines_is_the_same_orders(
    database: Database, import_text: Importing
) -> None:
    content = json_lines(a_document(), a_document(order_id="A2", lines=[POT]))

    report = import_text(gzip.compress(content.encode()), name="orders.jsonl.gz")
    again = take(database, a_document())

    assert (report.preset, report.rows_read, report.rows_rejected) == ("order-documents", 2, 0)
    assert stored(database, order_lines, "order_id", "title") == [
        (1, "Tea"), (1, "Pot"), (2, "Pot"),
    ]  # fmt: skip
    assert again.counts["orders"] == Counts(unchanged=1)


def test_refused_lines_stand_in_a_rejects_file_that_can_be_corrected(
    database: Database, import_text: Importing
) -> None:
    content = (
        json_lines(a_document(), a_document(order_id="A2", total="many"))
        + '{"order_id": "A3", \n'
        + "\n"
        + json_lines(a_document(order_id="A4", email="nobody"))
    )

    report = import_text(content, name="orders.jsonl")

    assert report.rejects_file is not None
    rejected = report.rejects_file.read_text(encoding="utf-8")
    shown = [json.loads(line) for line in rejected.splitlines()]
    assert [(one["line"], one["reason"], one["field"], one["imported"]) for one in shown] == [
        (2, "amount_unreadable", "total", "no"),
        (3, "not_a_document", "row", "no"),
        (5, "email_unreadable", "email", "yes"),
    ]
    assert shown[1]["document"] == '{"order_id": "A3",'
    assert (report.rows_read, report.rows_rejected) == (4, 2)

    corrected = rejected.replace('"many"', "12").replace("nobody", "ann@example.org")
    second = import_text(corrected, name="corrected.jsonl")

    assert second.rejected == {"cell_missing": 1}
    assert stored(database, orders, "external_id") == [("A1",), ("A2",), ("A4",)]


def test_lines_in_a_later_document_of_a_file_are_not_overlooked(
    database: Database, import_text: Importing
) -> None:
    plain = a_document()
    del plain["lines"]

    import_text(json_lines(plain, a_document(order_id="A2")), name="orders.jsonl")

    assert stored(database, orders, "external_id", "item") == [("A1", None), ("A2", "Pot")]


def test_customers_may_come_as_documents_too(database: Database, import_text: Importing) -> None:
    ann = {"customer_id": "C1", "name": "Ann", "email": "ann@example.org", "phone": None}
    report = import_text(json_lines({**ann, "phone": "+447946095801"}), name="customers.ndjson")

    assert report.kind == "customers"
    assert stored(database, customers, "external_id", "name") == [("C1", "Ann")]


def test_a_list_of_documents_is_told_how_to_become_lines(import_text: Importing) -> None:
    with pytest.raises(ValueError, match=r"orders\.json:1: no line is a JSON document\. Write one"):
        import_text(json.dumps([a_document()]), name="orders.json")
