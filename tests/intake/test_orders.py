"""A file of orders goes in whole, once, and a newer one changes what differs."""

import gzip
from datetime import UTC, datetime
from pathlib import Path

import pytest

from intake_shop import NOON, Importing, rejects, stored
from orchestrator.services.intake import ImportFileError
from orchestrator.services.intake.reading import open_source
from orchestrator.store.database import Database
from orchestrator.store.intake.counts import Counts
from orchestrator.store.tables import consents, customers, imports, order_lines, orders, products

HEADER = "order_id,placed_at,customer_id,title,sku,category,quantity,unit_price,refunded,status\n"
TWO_ORDERS = (
    HEADER
    + "A1,2025-11-11 10:00,C1,Linen dress,D1,dresses,1,300.00,,paid\n"
    + "A1,2025-11-11 10:00,C1,Scarf,S1,scarves,2,20.50,,paid\n"
    + "A2,2025-11-11 11:00,C2,Scarf,S1,scarves,1,20.50,,paid\n"
)


def test_orders_go_in_with_their_lines_customers_and_products(
    database: Database, import_text: Importing
) -> None:
    report = import_text(TWO_ORDERS)

    assert dict(report.counts) == {
        "customers": Counts(inserted=2),
        "products": Counts(inserted=2),
        "orders": Counts(inserted=2),
        "order_lines": Counts(inserted=3),
        "coupons": Counts(),
    }
    assert stored(database, orders, "external_id", "total", "counts", "category", "item") == [
        ("A1", 34100, True, "dresses", "Linen dress"),
        ("A2", 2050, True, "scarves", "Scarf"),
    ]
    assert stored(database, order_lines, "id", "position", "title", "quantity", "amount") == [
        (1, 1, "Linen dress", 1, 30000),
        (2, 2, "Scarf", 2, 4100),
        (3, 1, "Scarf", 1, 2050),
    ]


def test_the_same_file_again_changes_nothing(import_text: Importing) -> None:
    import_text(TWO_ORDERS)

    again = import_text(TWO_ORDERS)

    assert dict(again.counts) == {
        "customers": Counts(unchanged=2),
        "products": Counts(unchanged=2),
        "orders": Counts(unchanged=2),
        "order_lines": Counts(unchanged=3),
        "coupons": Counts(),
    }


def test_a_newer_file_updates_what_differs(database: Database, import_text: Importing) -> None:
    import_text(TWO_ORDERS)

    newer = import_text(
        HEADER
        + "A1,2025-11-11 10:00,C1,Linen dress,D1,dresses,1,300.00,300.00,paid\n"
        + "A2,2025-11-11 11:00,C2,Scarf,S1,scarves,1,20.50,,cancelled\n"
    )

    assert newer.counts["orders"] == Counts(updated=2)
    assert stored(database, orders, "external_id", "total", "refunded", "counts") == [
        ("A1", 30000, 30000, False),
        ("A2", 2050, 0, False),
    ]
    assert len(stored(database, order_lines, "id")) == 2


def test_a_bad_row_takes_its_whole_order_along_and_no_other(
    database: Database, import_text: Importing
) -> None:
    report = import_text(
        HEADER
        + "A1,2025-11-11 10:00,C1,Dress,D1,,1,300.00,,paid\n"
        + "A2,2025-11-11 11:00,C2,Scarf,S1,,1,20.50,,paid\n"
        + "A1,2025-11-11 10:00,C1,Scarf,S1,,many,20.50,,paid\n"
    )

    assert rejects(report) == [
        (2, "order_refused", "order_id"),
        (4, "quantity_unreadable", "quantity"),
    ]
    assert stored(database, orders, "external_id") == [("A2",)]
    assert stored(database, customers, "external_id") == [("C2",)]
    assert (report.rows_read, report.rows_rejected) == (3, 2)


def test_a_stored_order_stays_as_it_was_when_its_newer_rows_are_refused(
    database: Database, import_text: Importing
) -> None:
    import_text(TWO_ORDERS)

    import_text(HEADER + "A2,2025-11-11 11:00,C2,Scarf,S1,scarves,1,x,,paid\n")

    assert stored(database, orders, "external_id", "total")[1] == ("A2", 2050)


def test_an_order_whose_rows_lie_far_apart_is_one_order(
    database: Database, import_text: Importing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.services.intake.reading.BATCH_ROWS", 2)
    monkeypatch.setattr("orchestrator.services.intake.reading.BATCH_CELLS", 1)
    rows = [f"B{number},2025-11-11,C1,Tea,T,,1,1.00,,paid\n" for number in range(2000)]

    report = import_text(HEADER + "".join([*rows, *rows]))

    assert report.counts["orders"] == Counts(inserted=2000)
    assert set(stored(database, orders, "total")) == {(200,)}


def test_a_customer_whom_many_batches_name_by_id_alone_is_stored_once(
    database: Database, import_text: Importing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.services.intake.reading.BATCH_CELLS", 1)
    monkeypatch.setattr("orchestrator.services.intake.reading.BATCH_ROWS", 2)
    rows = [f"B{number},2025-11-11,C{number % 7},Tea,T,,1,1.00,,paid\n" for number in range(3000)]

    report = import_text(HEADER + "".join(rows))

    assert report.counts["customers"] == Counts(inserted=7)
    assert report.counts["orders"] == Counts(inserted=3000)


def test_a_moment_without_an_offset_is_of_the_shops_clock(
    database: Database, import_text: Importing
) -> None:
    import_text(HEADER + "A1,2025-07-01 10:00,C1,Tea,T,,1,1.00,,paid\n")

    assert stored(database, orders, "placed_at") == [(datetime(2025, 7, 1, 9, tzinfo=UTC),)]


def test_line_amounts_are_rounded_half_up_once_a_line(
    database: Database, import_text: Importing
) -> None:
    import_text(
        HEADER + "A1,2025-07-01,C1,Nail,N,,5,0.001,,paid\nA2,2025-07-01,C1,N,N,,4,0.001,,\n"
    )

    assert stored(database, order_lines, "id", "amount") == [(1, 1), (2, 0)]


@pytest.mark.parametrize(
    "content",
    [
        TWO_ORDERS.encode("utf-8-sig"),
        TWO_ORDERS.encode("utf-16"),
        TWO_ORDERS.replace("Scarf", "围巾").encode("gb18030"),
        TWO_ORDERS.replace("Scarf", "围巾").encode(),
        TWO_ORDERS.replace(",", ";").encode(),
        TWO_ORDERS.replace(",", "\t").replace("\n", "\r\n").encode(),
        gzip.compress(TWO_ORDERS.encode("utf-8-sig"), mtime=0),
    ],
    ids=["bom", "utf-16", "gb18030", "utf-8", "semicolon", "tab-crlf", "gzip"],
)
def test_encodings_separators_and_gzip_are_recognised(
    database: Database, import_text: Importing, content: bytes
) -> None:
    report = import_text(content)

    assert (report.rows_read, report.rows_rejected) == (3, 0)
    assert {title for _, title in stored(database, products, "external_id", "title")} <= {
        "Linen dress",
        "Scarf",
        "围巾",
    }


def test_two_spellings_of_one_text_are_one(database: Database, import_text: Importing) -> None:
    import_text(
        HEADER
        + "A1,2025-07-01,C\u200b1,Cafe\u0301\ufeff cup,N,,1,1,,paid\n"
        + "A2,2025-07-01,C1,Café cup,N,,1,1,,paid\n"
    )

    assert stored(database, customers, "external_id") == [("C1",)]
    assert {title for (title,) in stored(database, order_lines, "title")} == {"Café cup"}


def test_the_run_is_written_down(database: Database, import_text: Importing) -> None:
    import_text(TWO_ORDERS)

    columns = ("kind", "preset", "state", "rows_read", "rows_rejected", "finished_at")
    assert stored(database, imports, *columns) == [("orders", "orders", "done", 3, 0, NOON)]


CONSENTING = "order_id,placed_at,customer_id,title,quantity,unit_price,email,sms_marketing\n"


def test_the_latest_statement_about_consent_counts(
    database: Database, import_text: Importing
) -> None:
    import_text(CONSENTING + "A1,2025-11-01,C1,Tea,1,1.00,li@example.com,yes\n")
    import_text(CONSENTING + "A2,2025-11-05,C1,Tea,1,1.00,li@example.com,no\n")

    import_text(CONSENTING + "A1,2025-11-01,C1,Tea,1,1.00,li@example.com,yes\n")

    assert stored(database, consents, "granted", "at") == [
        (False, datetime(2025, 11, 5, tzinfo=UTC))
    ]


def test_an_undated_yes_never_brings_back_who_opted_out(
    database: Database, import_text: Importing
) -> None:
    import_text(CONSENTING + "A1,2025-11-01,C1,Tea,1,1.00,li@example.com,no\n")

    import_text(
        "customer_id,name,email,phone,sms_marketing\nC1,Li,li@example.com,,yes\n",
        preset="customers",
    )

    assert stored(database, consents, "granted") == [(False,)]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"PK\x03\x04 a spreadsheet", "save it as CSV"),
        (b"\x1f\x8b broken", "damaged or cut off"),
        (b"PAR1 broken", "Parquet file is damaged"),
        (b"only one column\n1\n", "not a header"),
        (b"a,b,a\n1,2,3\n", "names a more than once"),
        (b"order_id,placed_at,quantity\n", "nearest, .*misses"),
        (b"n\xe4me,b\n\xff\xfe,1\n", "neither UTF-8 nor GB18030"),
    ],
)
def test_a_file_that_is_none_of_ours_gets_one_clear_error(
    import_text: Importing, content: bytes, said: str
) -> None:
    with pytest.raises(ImportFileError, match=said):
        import_text(content)


def test_a_missing_file_is_named(database: Database, tmp_path: Path) -> None:
    with pytest.raises(ImportFileError, match=r"gone\.csv: no such file"):
        open_source(tmp_path / "gone.csv")


@pytest.mark.parametrize("total", ["100.00", ""], ids=["total", "of its lines"])
def test_an_order_that_gave_back_more_than_it_cost_is_refused_and_the_others_go_in(
    database: Database, import_text: Importing, total: str
) -> None:
    report = import_text(
        "order_id,placed_at,customer_id,title,quantity,unit_price,total,refunded,status\n"
        f"A1,2025-11-11,C1,Tea,1,100.00,{total},150.00,paid\n"
        f"A2,2025-11-11,C1,Tea,1,100.00,{total},100.00,paid\n"
        f"A3,2025-11-11,C1,Tea,1,100.00,{total},100.01,refunded\n"
    )

    assert rejects(report) == [
        (2, "refund_above_total", "refunded"),
        (4, "refund_above_total", "refunded"),
    ]
    assert stored(database, orders, "external_id", "total", "refunded", "counts") == [
        ("A2", 10_000, 10_000, False)
    ]


def test_a_refund_may_give_back_the_shipping_that_the_total_has(
    database: Database, import_text: Importing
) -> None:
    report = import_text(
        "order_id,placed_at,customer_id,title,quantity,unit_price,total,refunded\n"
        "A1,2025-11-11,C1,Tea,1,100.00,110.00,110.00\n"
    )

    assert rejects(report) == []
    assert stored(database, orders, "total", "refunded", "counts") == [(11_000, 11_000, False)]
