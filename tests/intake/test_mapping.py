"""What a mapping of one's own can say, and reaches the shop."""

from pathlib import Path

import pytest
from sqlalchemy import select

from intake_shop import Importing, stored
from orchestrator.store.database import Database
from orchestrator.store.tables import customers, order_lines, orders, products

PEOPLE = """\
mapping: club
title: Members of the club
kind: customers
recognise: [Member, Shoe]
columns:
  customer_id: Member
  phone: {column: Mobile, otherwise: [Phone, Desk]}
attributes: {shoe_size: Shoe, club_since: Since}
"""
GOODS = """\
mapping: till
title: The till's export
kind: orders
recognise: [Bon]
columns: {order_id: Bon, placed_at: When, customer_id: Who, sku: Art, title: Goods, quantity: Pcs,
  unit_price: Price}
categories:
  table: {D-1: dresses}
  patterns: [{title: "(?i)scarf", category: scarves}, {sku: "^T-", category: tea}]
  rest: other
"""


@pytest.fixture
def club(tmp_path: Path) -> Path:
    path = tmp_path / "club.yaml"
    path.write_text(PEOPLE)
    return path


def _attributes(database: Database) -> list[tuple[str, dict[str, str]]]:
    listed = select(customers.c.external_id, customers.c.attributes)
    with database.read() as connection:
        return [
            (member, kept)
            for member, kept in connection.execute(listed.order_by(customers.c.external_id))
        ]


def test_columns_become_attributes_and_empty_cells_erase_none(
    database: Database, import_text: Importing, club: Path
) -> None:
    header = "Member,Mobile,Phone,Desk,Shoe,Since\n"
    import_text(header + "M1,,,,38,2019\nM2,,,,,\n", preset=club)

    again = import_text(header + "M1,,,,39,2019\nM2,,,,,\n", preset=club)

    assert _attributes(database) == [("M1", {"club_since": "2019", "shoe_size": "39"}), ("M2", {})]
    assert (again.counts["customers"].updated, again.counts["customers"].unchanged) == (1, 1)


def test_the_first_column_that_has_something_gives_the_phone(
    database: Database, import_text: Importing, club: Path
) -> None:
    import_text(
        "Member,Mobile,Phone,Desk,Shoe,Since\n"
        "M1,,020 7946 0018,020 7946 0099,,\n"
        "M2,07911 123456,020 7946 0018,,,\n"
        "M3,,,,38,\n",
        preset=club,
    )

    assert stored(database, customers, "external_id", "phone") == [
        ("M1", "+442079460018"),
        ("M2", "+447911123456"),
        ("M3", None),
    ]


def test_goods_get_their_category_by_sku_then_pattern_then_rest(
    database: Database, import_text: Importing, tmp_path: Path
) -> None:
    mapping = tmp_path / "till.yaml"
    mapping.write_text(GOODS)

    import_text(
        "Bon,When,Who,Art,Goods,Pcs,Price\n"
        "A1,2025-11-11,C1,D-1,Scarf dress,1,9.00\n"
        "A2,2025-11-11,C1,S-1,Silk SCARF,1,9.00\n"
        "A3,2025-11-11,C1,T-1,Assam,1,9.00\n"
        "A4,2025-11-11,C1,P-1,Pot,1,9.00\n",
        preset=mapping,
    )

    assert stored(database, products, "external_id", "category") == [
        ("D-1", "dresses"),
        ("P-1", "other"),
        ("S-1", "scarves"),
        ("T-1", "tea"),
    ]
    assert stored(database, orders, "external_id", "category") == [
        ("A1", "dresses"),
        ("A2", "scarves"),
        ("A3", "tea"),
        ("A4", "other"),
    ]
    assert len(stored(database, order_lines, "id")) == 4
