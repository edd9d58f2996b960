"""A coupon is redeemed by the order that carries its code."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, insert, select

from builders import add_campaign
from intake_shop import NOON, SHOP, Importing, stored
from orchestrator.domain.coupons import CouponState
from orchestrator.services.intake import ImportReport, import_codes, import_file, merging
from orchestrator.store.database import Database
from orchestrator.store.intake.counts import Counts
from orchestrator.store.tables import coupons, customers, orders
from people import add_enrollments

HEADER = "order_id,placed_at,customer_id,title,quantity,unit_price,coupon_code,discount,status\n"
MISTYPED = "7KQ2MX9R4TBC"  #: of our symbols and length, but with the wrong check symbol
PLACED = datetime(2025, 11, 11, 10, tzinfo=UTC)


def _issue(
    database: Database, *codes: str, state: CouponState = CouponState.ISSUED, **more: Any
) -> None:
    expires = datetime(2025, 11, 20, tzinfo=UTC)
    values = {"offer": "back", "state": state, "expires_at": expires, **more}
    with database.write() as connection:
        for code in codes:
            connection.execute(insert(coupons).values(code=code, **values))


def test_an_order_redeems_the_coupon_on_it_however_the_code_is_written(
    database: Database, import_text: Importing
) -> None:
    _issue(database, "7KQ2MX9R4TBD", "AAAA")

    report = import_text(HEADER + "A1,2025-11-11 10:00,C1,Tea,1,9.00,7kq2-mx9r 4tbd,2.00,paid\n")

    assert report.counts["coupons"] == Counts(updated=1)
    assert stored(database, coupons, "code", "state", "redeemed_at", "discount") == [
        ("7KQ2MX9R4TBD", "redeemed", PLACED, 200),
        ("AAAA", "issued", None, None),
    ]
    assert stored(database, orders, "coupon_code") == [("7KQ2MX9R4TBD",)]


def test_an_order_of_a_file_without_lines_redeems_its_coupon_too(
    database: Database, import_text: Importing
) -> None:
    _issue(database, "CODE")
    header = "order_id,placed_at,customer_id,total,currency,status,coupon_code\n"

    import_text(header + "A1,2025-11-11,C1,9.00,GBP,paid,CODE\n", preset="orders-without-lines")

    assert stored(database, coupons, "code", "state") == [("CODE", "redeemed")]


def test_a_code_is_redeemed_once_by_the_earliest_order(
    database: Database, import_text: Importing
) -> None:
    _issue(database, "CODE")
    row = "{},2025-11-{} 10:00,C1,Tea,1,9.00,CODE,2.00,paid\n"
    content = HEADER + row.format("A2", 12) + row.format("A1", 11)

    import_text(content)
    again = import_text(content)

    assert again.counts["coupons"] == Counts()
    assert stored(database, coupons, "code", "redeemed_at") == [("CODE", PLACED)]


def test_a_cancelled_order_redeems_nothing_and_gives_nothing_back(
    database: Database, import_text: Importing
) -> None:
    _issue(database, "ONE", "TWO")
    row = "{},2025-11-11 10:00,C1,Tea,1,9.00,{},2.00,{}\n"
    import_text(HEADER + row.format("A1", "ONE", "paid"))

    import_text(
        HEADER + row.format("A1", "ONE", "cancelled") + row.format("A2", "TWO", "cancelled")
    )

    assert stored(database, coupons, "code", "state") == [("ONE", "redeemed"), ("TWO", "issued")]


def test_a_coupon_that_expired_before_its_order_was_imported_is_redeemed(
    database: Database, import_text: Importing
) -> None:
    _issue(database, "CODE", state=CouponState.EXPIRED)

    import_text(HEADER + "A1,2025-11-11 10:00,C1,Tea,1,9.00,CODE,2.00,paid\n")

    assert stored(database, coupons, "code", "state") == [("CODE", "redeemed")]


def test_codes_fill_a_pool_once(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "codes.csv"
    path.write_text(f"code\nab-12\nAB12\ncd34\n{'x' * 70}\n")

    first = import_codes(database, path, "spring", NOON)
    again = import_codes(database, path, "summer", NOON)

    assert dict(first.rejected) == {"id_too_long": 1}
    assert (first.counts["coupons"].inserted, again.counts["coupons"].inserted) == (2, 0)
    assert stored(database, coupons, "code", "printed", "offer", "state") == [
        ("AB12", "ab-12", "spring", "pool"),
        ("CD34", "cd34", "spring", "pool"),
    ]


@pytest.mark.parametrize("state", [CouponState.ISSUED, CouponState.EXPIRED])
def test_a_coupon_that_was_over_when_the_order_was_placed_is_not_redeemed(
    database: Database, import_text: Importing, state: CouponState
) -> None:
    _issue(database, "CODE", state=state)

    import_text(HEADER + "A1,2025-11-21 10:00,C1,Tea,1,9.00,CODE,2.00,paid\n")

    assert stored(database, coupons, "code", "state") == [("CODE", state)]


def test_an_order_does_not_redeem_the_coupon_that_it_earned(
    database: Database, import_text: Importing
) -> None:
    """Whoever writes a later code on the order that is there already has bought nothing more."""
    row = "{},2025-11-11 10:00,C1,Tea,1,9.00,{},2.00,paid\n"
    import_text(HEADER + row.format("A1", ""))
    with database.write() as connection:
        campaign = add_campaign(connection)
        [earned] = connection.execute(select(orders.c.id)).scalars()
        [buyer] = connection.execute(select(customers.c.id)).scalars()
        [walk] = add_enrollments(connection, campaign, [buyer], [earned], wave="promo", more={})
    _issue(database, "EARNED", campaign_id=campaign, enrollment_id=walk)

    import_text(HEADER + row.format("A1", "EARNED"))
    before = stored(database, coupons, "code", "state")
    import_text(HEADER + row.format("A2", "EARNED"))

    assert before == [("EARNED", "issued")]
    assert stored(database, coupons, "code", "state") == [("EARNED", "redeemed")]


def test_an_order_that_was_placed_before_the_coupon_was_issued_does_not_redeem_it(
    database: Database, import_text: Importing
) -> None:
    _issue(database, "EARLY", issued_at=PLACED + timedelta(seconds=1))
    _issue(database, "GOOD", issued_at=PLACED)
    row = "{},2025-11-11 10:00,C1,Tea,1,9.00,{},2.00,paid\n"

    import_text(HEADER + row.format("A1", "EARLY") + row.format("A2", "GOOD"))

    assert stored(database, coupons, "code", "state") == [("EARLY", "issued"), ("GOOD", "redeemed")]


def test_a_code_that_somebody_else_orders_with_is_used_and_its_discount_was_given(
    database: Database, import_text: Importing
) -> None:
    row = "{},2025-11-11 10:00,{},Tea,1,9.00,{},2.00,paid\n"
    import_text(HEADER + row.format("A1", "C1", ""))
    with database.write() as connection:
        campaign = add_campaign(connection)
        [earned] = connection.execute(select(orders.c.id)).scalars()
        [owner] = connection.execute(select(customers.c.id)).scalars()
        [walk] = add_enrollments(connection, campaign, [owner], [earned], wave="promo", more={})
    _issue(database, "GIVEN", campaign_id=campaign, enrollment_id=walk)

    import_text(HEADER + row.format("A2", "C2", "GIVEN"))

    assert stored(database, coupons, "code", "state", "discount") == [("GIVEN", "redeemed", 200)]


def test_the_report_says_what_became_of_the_codes_on_the_orders(
    database: Database, import_text: Importing
) -> None:
    """By cause and without the codes; what another import says of the same orders is the same."""
    _issue(database, "GOOD", "LATE", "VOID")
    _issue(database, "SOON", issued_at=PLACED + timedelta(days=2))
    _issue(database, "POOLED", state=CouponState.POOL)
    row = "{},2025-11-{} 10:00,C1,Tea,1,9.00,{},2.00,{}\n"
    content = HEADER + "".join([
        row.format("A1", 11, "GOOD", "paid"),
        row.format("A2", 12, "GOOD", "paid"),
        row.format("A3", 21, "LATE", "paid"),
        row.format("A4", 11, "VOID", "cancelled"),
        row.format("A5", 11, "SOON", "paid"),
        row.format("A6", 11, "POOLED", "paid"),
        row.format("A7", 11, "WELCOME20", "paid"),
        row.format("A8", 11, "welcome20", "paid"),
        row.format("A9", 11, MISTYPED, "paid"),
        row.format("B1", 11, "", "paid"),
    ])  # fmt: skip
    found = {
        "redeemed": 1,
        "unknown": 2,
        "mistyped": 1,
        "over": 1,
        "used_before": 1,
        "not_issued_yet": 2,
        "order_cancelled": 1,
    }

    reports = [import_text(content), import_text(content)]

    assert [report.codes for report in reports] == [found, found]
    assert reports[0].rows_rejected == 0


def test_an_order_whose_code_is_changed_later_redeems_no_second_coupon(
    database: Database, import_text: Importing
) -> None:
    _issue(database, "ONE", "TWO")
    row = "A1,2025-11-11 10:00,C1,Tea,1,9.00,{},2.00,paid\n"

    reports = [import_text(HEADER + row.format(code)) for code in ("ONE", "TWO")]

    assert [report.codes for report in reports] == [{"redeemed": 1}, {"order_has_another": 1}]


def test_the_codes_of_a_first_file_are_unknown_or_mistyped(
    database: Database, import_text: Importing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merging, "CHUNK_ROWS", 2)
    header = "order_id,placed_at,customer_id,total,currency,status,coupon_code\n"
    row = "{},2025-11-11,C1,9.00,GBP,paid,{}\n"
    codes = ("SPRING", "SPRING", MISTYPED, "")

    report = import_text(header + "".join(row.format(*one) for one in enumerate(codes)))

    assert report.codes == {"unknown": 2, "mistyped": 1}


@pytest.mark.parametrize("code", ["", "SPRING"], ids=["without a code", "with one"])
def test_coupons_are_looked_up_only_where_an_order_has_a_code(
    database: Database, import_text: Importing, code: str
) -> None:
    asked: list[str] = []
    _issue(database, "GOOD")

    def note(*called: Any) -> None:
        if "coupons" in called[2]:
            asked.append(called[2])

    event.listen(database.engine, "before_cursor_execute", note)
    report = import_text(HEADER + f"A1,2025-11-11 10:00,C1,Tea,1,9.00,{code},,paid\n")
    event.remove(database.engine, "before_cursor_execute", note)

    assert len(asked) == (2 if code else 0)
    assert report.codes == ({"unknown": 1} if code else {})


@pytest.mark.timeout(120)
def test_of_two_orders_imported_at_once_one_has_the_code(
    database: Database, tmp_path: Path
) -> None:
    _issue(database, *(f"CODE{number}" for number in range(20)))

    def read(shop: int) -> ImportReport:
        path = tmp_path / f"{shop}.csv"
        rows = (
            f"{shop}-{number},2025-11-11 10:0{shop},C{shop},Tea,1,9.00,CODE{number},2.00,paid\n"
            for number in range(20)
        )
        path.write_text(HEADER + "".join(rows))
        return import_file(database, path, now=NOON, shop=SHOP)

    with ThreadPoolExecutor(4) as pool:
        reports = list(pool.map(read, range(4)))

    assert sum(report.counts["coupons"].updated for report in reports) == 20
    used = stored(database, coupons, "order_id", "state")
    assert {state for _, state in used} == {CouponState.REDEEMED}
    assert len({order for order, _ in used}) == 20
    assert len(stored(database, orders, "id")) == 80
