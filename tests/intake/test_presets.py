"""Each platform's export goes in as it comes out of the platform."""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from intake_shop import Importing, rejects, stored
from orchestrator.services.intake import ImportFileError, all_presets
from orchestrator.services.intake.mapping import Source, Statuses, parse_mapping
from orchestrator.store.database import Database
from orchestrator.store.intake.counts import Counts
from orchestrator.store.tables import consents, customers, order_lines, orders, products

SAMPLES = Path(__file__).parent / "samples"


def _sample(import_text: Importing, name: str) -> object:
    return import_text((SAMPLES / f"{name}.csv").read_bytes(), name=f"{name}.csv")


@pytest.mark.parametrize(
    "name",
    ["shopify-orders", "shopify-customers", "woocommerce-orders", "taobao-orders", "products"],
)
def test_an_export_is_recognised_by_its_header(import_text: Importing, name: str) -> None:
    report = import_text((SAMPLES / f"{name}.csv").read_bytes())

    assert (report.preset, report.rows_rejected) == (name, 0)


def test_shopify_orders(database: Database, import_text: Importing) -> None:
    _sample(import_text, "shopify-orders")

    assert stored(
        database, orders, "external_id", "placed_at", "currency", "total", "counts", "item",
        "utm_source", "utm_campaign", "coupon_code",
    ) == [
        ("#1001", datetime(2026, 4, 5, 17, 6, 21, tzinfo=UTC), "AED", 13000, True,
         "Linen midi dress", "instagram", "spring, part two", "WELCOME20"),
        ("#1002", datetime(2026, 4, 6, 5, tzinfo=UTC), "AED", 5000, False, "Scarf", None, None,
         None),
    ]  # fmt: skip
    assert stored(database, customers, "id", "name", "phone", "email", "country", "person") == [
        (1, "Li Na", "+971501234567", "li.na@example.com", "AE", "+971501234567"),
        (2, "Omar", "+971501234999", None, "AE", "+971501234999"),
    ]
    assert stored(database, order_lines, "id", "title", "quantity", "amount") == [
        (1, "Linen midi dress", 1, 10000),
        (2, "Scarf", 2, 4000),
        (3, "Scarf", 1, 5000),
    ]


def test_shopifys_customers_take_over_the_profiles_that_orders_had_made(
    database: Database, import_text: Importing
) -> None:
    _sample(import_text, "shopify-orders")

    _sample(import_text, "shopify-customers")
    again = import_text((SAMPLES / "shopify-orders.csv").read_bytes())

    assert stored(database, customers, "external_id", "name", "phone") == [
        ("7001", "Li Na", "+971501234567"),
        ("7002", "Omar", "+971501234999"),
    ]
    assert {customer for (customer,) in stored(database, orders, "customer_id")} == {1, 2}
    assert again.counts["orders"] == Counts(unchanged=2)
    assert set(stored(database, consents, "customer_id", "channel", "granted")) == {
        (1, "email", True),
        (1, "sms", False),
        (2, "email", False),
        (2, "sms", True),
    }


def test_woocommerce_orders(database: Database, import_text: Importing) -> None:
    _sample(import_text, "woocommerce-orders")

    assert stored(
        database, orders, "external_id", "total", "refunded", "counts", "coupon_code"
    ) == [
        ("2001", 123450, 0, True, "SPRING"),
        ("2002", 1000, 1000, False, None),
    ]
    assert stored(database, order_lines, "id", "title", "quantity", "amount") == [
        (1, "Tea, green", 2, 82300),
        (2, "Pot", 1, 41150),
        (3, "Tea", 1, 1000),
    ]


def test_taobaos_two_files_meet_in_the_order(database: Database, import_text: Importing) -> None:
    _sample(import_text, "taobao-orders")
    _sample(import_text, "products")

    lines = import_text((SAMPLES / "taobao-lines.csv").read_bytes(), name="lines.csv")

    assert rejects(lines) == [(4, "order_unknown", "订单编号")]
    assert stored(database, orders, "external_id", "total", "counts", "category", "item") == [
        ("3301", 39900, True, "dresses", "连衣裙 夏"),
        ("3302", 0, False, None, None),
    ]
    assert stored(database, orders, "external_id", "placed_at")[0][1] == datetime(
        2025, 11, 10, 16, 5, 10, tzinfo=UTC
    )
    assert stored(database, customers, "external_id", "name", "phone") == [
        ("小丽88", "李丽", "+8613800138000"),
        ("王五", "王五", "+8613900139000"),
    ]


def test_a_new_category_of_a_product_reaches_its_orders(
    database: Database, import_text: Importing
) -> None:
    _sample(import_text, "taobao-orders")
    _sample(import_text, "taobao-lines")

    _sample(import_text, "products")

    assert stored(database, orders, "external_id", "category") == [
        ("3301", "dresses"),
        ("3302", None),
    ]
    assert stored(database, products, "external_id", "title", "price", "cost") == [
        ("D-1", "连衣裙", 34900, 12000),
        ("S-1", "围巾", 2500, None),
    ]


RETAIL = """
mapping: my-shop
title: An export of my own
kind: orders
columns:
  order_id: Invoice
  placed_at: When
  title: Goods
  line_amount: Money
  customer_id: Who
  email: {text: "{Who}@shop.example"}
dates: ["%d.%m.%Y %H:%M"]
decimal: ","
currency: EUR
timezone: Europe/Berlin
leave_out:
  - {reason: credit note, when: {Money: {matches: "^-"}}}
categories:
  patterns: [{title: "(?i)dress", category: dresses}]
  rest: other
"""


def test_a_mapping_file_reads_any_other_export(
    database: Database, import_text: Importing, tmp_path: Path
) -> None:
    mapping = tmp_path / "my-shop.yaml"
    mapping.write_text(RETAIL)

    report = import_text(
        "Invoice;When;Goods;Money;Who\n"
        "1;24.12.2025 18:00;Blue DRESS;1.299,50 €;ann\n"
        "2;24.12.2025 18:00;Socks;5,00 €;bo\n"
        "3;24.12.2025 18:00;Socks;-5,00 €;bo\n",
        preset=mapping,
    )

    assert dict(report.left_out) == {"credit note": 1}
    assert stored(database, orders, "external_id", "total", "currency", "category") == [
        ("1", 129950, "EUR", "dresses"),
        ("2", 500, "EUR", "other"),
    ]
    assert stored(database, customers, "external_id", "email") == [
        ("ann", "ann@shop.example"),
        ("bo", "bo@shop.example"),
    ]


def test_parquet_goes_in_like_text(
    database: Database, import_text: Importing, tmp_path: Path
) -> None:
    path = tmp_path / "made.parquet"
    pl.DataFrame(
        {
            "order_id": [1, 2],
            "placed_at": [datetime(2025, 1, 1), datetime(2025, 7, 1)],  # noqa: DTZ001  # as files have it
            "title": ["Tea", "Pot"],
            "quantity": [2, 1],
            "unit_price": [1.15, 0.07],
            "customer_id": [7.0, 8.0],
        }
    ).write_parquet(path)

    import_text(path.read_bytes(), name="orders.parquet")

    assert stored(database, orders, "external_id", "placed_at", "total") == [
        ("1", datetime(2025, 1, 1, tzinfo=UTC), 230),
        ("2", datetime(2025, 6, 30, 23, tzinfo=UTC), 7),
    ]
    assert stored(database, customers, "external_id") == [("7",), ("8",)]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("kind: orders", "kind: order"), "my.yaml:4: kind"),
        (("  title: Goods", "  titel: Goods"), "orders have no field titel. Did you mean title"),
        (("timezone: Europe/Berlin", "timezone: Berlin"), "no IANA time zone"),
        (("decimal:", "decimals:"), "unknown key decimals. Did you mean decimal"),
        (("  placed_at: When\n", ""), "no column is mapped to placed_at"),
        (('matches: "^-"', 'matches: "("'), "not a regular expression"),
    ],
)
def test_a_mapping_that_is_wrong_names_its_line(change: tuple[str, str], said: str) -> None:
    with pytest.raises(ImportFileError, match=said):
        parse_mapping("my.yaml", RETAIL.replace(*change))


def test_every_preset_can_be_told_from_the_others() -> None:
    marks = {name: frozenset(preset.recognise) for name, preset in all_presets().items()}

    assert all(marks.values())
    assert len(set(marks.values())) == len(marks)


def test_what_the_file_cannot_be_read_with_is_found_in_the_mapping() -> None:
    for change in (("decimal:", "encoding: klingon\ndecimal:"), ('"^-"', '"(?=x)"')):
        with pytest.raises(ImportFileError, match=r"my\.yaml:\d+: "):
            parse_mapping("my.yaml", RETAIL.replace(*change))


BASED = """\
mapping: mine
based_on: shopify-orders
columns:
  category: Kind
  phone: Phone
statuses: {paid: [settled]}
"""


def test_a_mapping_on_a_preset_says_only_what_differs() -> None:
    mine, base = parse_mapping("my.yaml", BASED, all_presets()), all_presets()["shopify-orders"]

    assert (mine.mapping, mine.title, mine.kind) == ("mine", base.title, "orders")
    assert mine.columns == base.columns | {
        "category": Source(column="Kind"),
        "phone": Source(column="Phone"),
    }
    assert mine.statuses == Statuses.model_validate(
        {**dict(base.statuses or ()), "paid": ["settled"]}
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("shopify-orders", "shopify-order"), "my.yaml:2: .*Did you mean shopify-orders"),
        (("shopify-orders", "[orders]"), "my.yaml:2: .*there is no preset"),
        (("based_on", "base_on"), "my.yaml:1: kind is missing .*under based_on"),
        (("columns:", "kind: lines\ncolumns:"), "my.yaml:3: .*is for orders, not lines"),
        (("mapping: mine", "title: Mine"), "mapping: Field required"),
        (("  category: Kind", "  categroy: Kind"), "my.yaml:4: .*Did you mean category"),
        (("columns:\n  category: Kind\n  phone: Phone", "columns: [Kind]"), "my.yaml:3: columns"),
    ],
)
def test_what_is_wrong_with_a_mapping_on_a_preset_names_its_line(
    change: tuple[str, str], said: str
) -> None:
    with pytest.raises(ImportFileError, match=said):
        parse_mapping("my.yaml", BASED.replace(*change), all_presets())
