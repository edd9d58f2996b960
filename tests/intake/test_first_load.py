"""The first files of a shop go straight into empty tables: the same rows, whole or not at all."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import delete, insert, select, text
from sqlalchemy.exc import IntegrityError

from intake_shop import NOON, SHOP, Importing, stored
from orchestrator.domain.coupons import CouponState
from orchestrator.services.intake import Progress, import_file, merging
from orchestrator.store.database import Database
from orchestrator.store.intake.counts import Counts
from orchestrator.store.tables import consents, coupons, customers, metadata, orders

PEOPLE = "customer_id,phone,email,name,sms_marketing\n" + "".join(
    f"C{n},{f'+86138000000{n:02}' if n % 3 else ''},{f'one{n // 2}@shop.example' if n % 4 else ''},"
    f"Person {n},{'yes' if n % 2 else 'no'}\n"
    for n in range(40)
)
ORDERS = "order_id,placed_at,customer_id,total,currency,status,coupon_code\n" + "".join(
    f"A{n},2026-11-{n % 11 + 1:02},C{n % 50},{n}.50,GBP,{'paid' if n % 7 else 'cancelled'},"
    f"{'CODE' if n == 5 else ''}\n"
    for n in range(60)
)
CELLS = ("external_id", "person", "name", "phone", "email", "phone_hash", "email_hash",
         "attributes", "updated_at")  # fmt: skip
ORDER_CELLS = ("external_id", "placed_at", "paid_at", "cancelled_at", "currency", "total",
               "refunded", "counts", "category", "item", "coupon_code", "updated_at")  # fmt: skip
Rows = list[tuple[Any, ...]]


@pytest.fixture
def import_both(import_text: Importing) -> Callable[[], list[dict[str, Counts]]]:
    def both() -> list[dict[str, Counts]]:
        people = import_text(PEOPLE, name="customers.csv")
        bought = import_text(ORDERS, preset="orders-without-lines")
        return [dict(people.counts), dict(bought.counts)]

    return both


@pytest.fixture
def by_load(monkeypatch: pytest.MonkeyPatch) -> None:
    """No file is short enough to be merged at once."""
    monkeypatch.setattr(merging, "CHUNK_ROWS", 10)


def rows(database: Database) -> list[Rows]:
    whose = select(customers.c.external_id, orders.c.external_id.label("order")).join(orders)
    agreed = select(customers.c.external_id, consents).join(consents)
    with database.read() as connection:
        owners = [tuple(row) for row in connection.execute(whose.order_by("order"))]
        said = [tuple(row) for row in connection.execute(agreed.order_by(customers.c.external_id))]
    return [
        stored(database, customers, *CELLS),
        stored(database, orders, *ORDER_CELLS),
        owners,
        [(row[0], *row[2:]) for row in said],
    ]


def forget(database: Database) -> None:
    with database.write() as connection:
        for table in (orders, consents, customers):
            connection.execute(delete(table))


def assert_nothing_is_missing(database: Database) -> None:
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert compare_metadata(context, metadata) == []
        if database.is_sqlite:
            assert connection.execute(text("PRAGMA foreign_key_check")).all() == []


def test_a_load_stores_the_rows_that_a_merge_stores(
    database: Database,
    import_both: Callable[[], list[dict[str, Counts]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counts = import_both()
    merged = rows(database)
    forget(database)

    monkeypatch.setattr(merging, "CHUNK_ROWS", 10)

    assert import_both() == counts
    assert rows(database) == merged
    assert_nothing_is_missing(database)


@pytest.mark.usefixtures("by_load")
def test_orders_may_come_before_their_customers(database: Database, import_text: Importing) -> None:
    report = import_text(ORDERS, preset="orders-without-lines")

    assert report.counts["customers"] == Counts(inserted=50)
    assert len(stored(database, orders, "id")) == 60
    assert_nothing_is_missing(database)


@pytest.mark.usefixtures("by_load")
def test_what_is_imported_after_a_load_is_merged_with_it(
    database: Database, import_both: Callable[[], list[dict[str, Counts]]], import_text: Importing
) -> None:
    import_both()
    loaded = rows(database)

    again = import_both()
    import_text(ORDERS.splitlines()[0] + "\nB1,2026-11-12,C1,1.00,GBP,paid,\n",
                preset="orders-without-lines")  # fmt: skip

    assert [one["orders"] for one in again if "orders" in one] == [Counts(unchanged=60)]
    assert again[0] == {"customers": Counts(unchanged=40), "consents": Counts(unchanged=40)}
    assert rows(database)[0] == loaded[0]
    assert len(stored(database, orders, "id")) == 61


@pytest.mark.usefixtures("by_load")
def test_keys_are_held_again_after_a_load(
    database: Database, import_both: Callable[[], list[dict[str, Counts]]]
) -> None:
    import_both()
    row = {"currency": "GBP", "total": 1, "placed_at": NOON, "updated_at": NOON}
    known = stored(database, customers, "id")[0][0]

    for wrong in ({"external_id": "A1", "customer_id": known},
                  {"external_id": "new", "customer_id": 999_999}):  # fmt: skip
        with pytest.raises(IntegrityError), database.write() as connection:
            connection.execute(insert(orders).values(**row, **wrong))


@pytest.mark.usefixtures("by_load")
@pytest.mark.parametrize("step", ["customers", "orders"])
def test_a_load_that_ends_early_leaves_empty_tables_with_all_their_indexes(
    database: Database, import_text: Importing, step: str
) -> None:
    def end(progress: Progress) -> None:
        if progress.step == step:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_text(ORDERS, preset="orders-without-lines", progress=end)

    assert stored(database, customers, "id") == stored(database, orders, "id") == []
    assert_nothing_is_missing(database)


def test_a_load_that_is_killed_leaves_empty_tables_and_is_done_by_the_next_run(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(ORDERS)
    program = Path(__file__).parents[1] / "slow_import.py"
    with subprocess.Popen(  # our own program
        [sys.executable, str(program), database_url, str(path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip() == "orders":
                process.kill()
                break
        process.stdout.read()

    assert stored(database, customers, "id") == stored(database, orders, "id") == []
    assert_nothing_is_missing(database)
    import_file(database, path, now=NOON, shop=SHOP)
    assert len(stored(database, orders, "id")) == 60


@pytest.mark.usefixtures("by_load")
def test_a_coupon_that_was_issued_before_the_first_order_is_redeemed_by_it(
    database: Database, import_text: Importing
) -> None:
    issued = insert(coupons).values(code="CODE", offer="back", state=CouponState.ISSUED)
    with database.write() as connection:
        connection.execute(issued)

    report = import_text(ORDERS, preset="orders-without-lines")

    assert report.counts["coupons"] == Counts(updated=1)
    assert stored(database, coupons, "state") == [("redeemed",)]


@pytest.mark.usefixtures("by_load")
def test_guests_without_an_id_are_merged_by_their_addresses_in_a_first_file_too(
    database: Database, import_text: Importing
) -> None:
    guests = "customer_id,name,phone,email\n" + "".join(
        f",,+86138000000{n % 6:02},one{n}@shop.example\n" for n in range(24)
    )
    import_text(guests, name="customers.csv", preset="customers")

    assert len(stored(database, customers, "id")) == 6


@pytest.mark.postgresql
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.usefixtures("by_load")
def test_numbers_that_a_load_gave_out_are_not_given_again(
    database: Database, import_text: Importing
) -> None:
    import_text(PEOPLE, name="customers.csv")
    last = max(stored(database, customers, "id"))[0]

    with database.write() as connection:
        following = text("SELECT nextval(pg_get_serial_sequence('customers', 'id'))")
        assert connection.execute(following).scalar_one() == last + 1
