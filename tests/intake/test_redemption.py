"""A coupon is redeemed by the order that carries its code."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select

from builders import add_campaign
from intake_shop import NOON, SHOP, Importing, stored
from orchestrator.domain.coupons import CouponState
from orchestrator.services.intake import ImportReport, import_codes, import_file
from orchestrator.store.database import Database
from orchestrator.store.intake.counts import Counts
from orchestrator.store.tables import coupons, customers, orders
from people import add_enrollments

HEADER = "order_id,placed_at,customer_id,title,quantity,unit_price,coupon_code,discount,status\n"
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
