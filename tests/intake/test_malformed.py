"""A thousand malformed rows of two dozen kinds: each refused with its reason, all good rows in."""

import random
from collections.abc import Callable

import pytest

from intake_shop import Importing, rejects, stored
from orchestrator.services.intake import Refusal
from orchestrator.store.database import Database
from orchestrator.store.tables import orders

HEADER = (
    "order_id,placed_at,customer_id,title,quantity,unit_price,total,currency,status,"
    "phone,email,country,timezone,sms_marketing,tier"
)
Cells = list[str]


def _row(number: int, prefix: str) -> Cells:
    return [f"{prefix}{number}", "2025-11-11 10:00:00", f"C{number}", "Linen dress", "1", "20.00",
            "20.00", "GBP", "paid", "", "", "GB", "", "", ""]  # fmt: skip


def _put(position: int, value: str) -> Callable[[Cells], str]:
    def change(cells: Cells) -> str:
        return ",".join([*cells[:position], value, *cells[position + 1 :]])

    return change


def _text(change: Callable[[str], str]) -> Callable[[Cells], str]:
    return lambda cells: change(",".join(cells))


KINDS: list[tuple[Refusal, Callable[[Cells], str]]] = [
    (Refusal.TOO_FEW_CELLS, _text(lambda row: row.rsplit(",", 3)[0])),
    (Refusal.TOO_MANY_CELLS, _text(lambda row: row + ",and more")),
    (Refusal.BROKEN_QUOTES, _put(3, '"Linen dress')),
    (Refusal.BROKEN_QUOTES, _put(3, '"Linen" dress')),
    (Refusal.CELL_TOO_LONG, _put(3, "x" * 140_000)),
    (Refusal.NUL_CHARACTER, _put(3, "Linen\0dress")),
    (Refusal.NOT_DECODABLE, _put(3, "Linen\udcff\udcfe dress")),
    (Refusal.CELL_MISSING, _put(1, "")),
    (Refusal.CELL_MISSING, _put(0, "  ")),
    (Refusal.CELL_MISSING, _put(4, "")),
    (Refusal.CELL_MISSING, _put(5, "")),
    (Refusal.CELL_MISSING, _put(3, "\u200b")),
    (Refusal.ID_TOO_LONG, _put(0, "9" * 129)),
    (Refusal.ID_MANGLED, _put(0, "1.23457E+17")),
    (Refusal.MOMENT_UNREADABLE, _put(1, "yesterday")),
    (Refusal.MOMENT_UNREADABLE, _put(1, "2025-02-30")),
    (Refusal.MOMENT_OUT_OF_RANGE, _put(1, "1899-12-30")),
    (Refusal.MOMENT_OUT_OF_RANGE, _put(1, "2052-11-11")),
    (Refusal.AMOUNT_UNREADABLE, _put(5, "twenty")),
    (Refusal.AMOUNT_UNREADABLE, _put(5, "1.2.3")),
    (Refusal.AMOUNT_UNREADABLE, _put(6, "=1+1")),
    (Refusal.AMOUNT_NEGATIVE, _put(6, "-20.00")),
    (Refusal.AMOUNT_TOO_LARGE, _put(6, "99999999999999999999")),
    (Refusal.TOO_MANY_DECIMALS, _put(6, "20.005")),
    (Refusal.QUANTITY_UNREADABLE, _put(4, "1.5")),
    (Refusal.QUANTITY_UNREADABLE, _put(4, "a pair")),
    (Refusal.QUANTITY_NOT_POSITIVE, _put(4, "0")),
    (Refusal.QUANTITY_NOT_POSITIVE, _put(4, "-3")),
    (Refusal.QUANTITY_TOO_LARGE, _put(4, "20000000")),
    (Refusal.CURRENCY_UNKNOWN, _put(7, "pounds")),
    (Refusal.STATUS_UNKNOWN, _put(8, "perhaps")),
    (Refusal.CONSENT_UNREADABLE, _put(13, "maybe")),
]
EMPTIED: list[tuple[Refusal, Callable[[Cells], str]]] = [
    (Refusal.PHONE_UNREADABLE, _put(9, "12345")),
    (Refusal.EMAIL_UNREADABLE, _put(10, "nobody@nowhere")),
    (Refusal.COUNTRY_UNKNOWN, _put(11, "Atlantis")),
    (Refusal.TIMEZONE_UNKNOWN, _put(12, "Mars/Olympus")),
    (Refusal.TEXT_TOO_LONG, _put(14, "gold" * 40)),
]


def _file(rows: int) -> tuple[bytes, list[tuple[int, Refusal]], set[str], int]:
    """A file, what its rejects must say by line, the orders that must go in, and rows refused."""
    chance = random.Random(20251111)  # the same file every time
    text, line, expected, good = [HEADER], 2, [], set()
    refused = 0
    for number in range(rows):
        for kind, prefix in ((None, "G"), (chance.choice(KINDS + EMPTIED), "X")):
            cells = _row(number, prefix)
            row = ",".join(cells) if kind is None else kind[1](cells)
            if kind is None or kind in EMPTIED:
                good.add(cells[0])
            if kind is not None:
                expected.append((line, kind[0]))
                refused += kind in KINDS
            text.append(row)
            line += 1
    return "\n".join(text).encode("utf-8", "surrogateescape"), expected, good, refused


def test_a_thousand_malformed_rows_are_refused_with_their_reasons_and_all_good_rows_go_in(
    database: Database, import_text: Importing
) -> None:
    content, expected, good, refused = _file(1_100)

    report = import_text(content)

    assert [(line, reason) for line, reason, _ in rejects(report)] == expected
    assert {order for (order,) in stored(database, orders, "external_id")} == good
    assert (report.rows_read, report.rows_rejected) == (2_200, refused)
    assert refused >= 900
    assert {reason for _, reason in expected} >= {reason for reason, _ in KINDS + EMPTIED}


@pytest.mark.parametrize(("reason", "damage"), KINDS[:7])
def test_a_broken_row_takes_the_order_it_belongs_to_along(
    database: Database,
    import_text: Importing,
    reason: Refusal,
    damage: Callable[[Cells], str],
) -> None:
    rows = [",".join(_row(1, "A")), damage(_row(1, "A")), ",".join(_row(2, "A"))]

    report = import_text("\n".join([HEADER, *rows]).encode("utf-8", "surrogateescape"))

    assert [(line, why) for line, why, _ in rejects(report)] == [(2, "order_refused"), (3, reason)]
    assert stored(database, orders, "external_id") == [("A2",)]


def test_a_quote_at_the_end_of_the_file_swallows_nothing(
    database: Database, import_text: Importing
) -> None:
    rows = [",".join(_row(number, "A")) for number in range(3)]
    rows[0] = rows[0].replace("Linen", '"Linen')

    report = import_text("\n".join([HEADER, *rows]))

    assert [reason for _, reason, _ in rejects(report)] == ["broken_quotes"]
    assert stored(database, orders, "external_id") == [("A1",), ("A2",)]


def test_rows_of_two_customers_or_currencies_are_no_order(
    database: Database, import_text: Importing
) -> None:
    rows = [_row(1, "A"), _row(1, "A"), _row(2, "A"), _row(2, "A")]
    rows[1][2], rows[3][7] = "C9", "EUR"

    report = import_text("\n".join([HEADER, *(",".join(row) for row in rows)]))

    assert [reason for _, reason, _ in rejects(report)] == [
        "customer_contradicts",
        "order_refused",
        "currency_contradicts",
        "order_refused",
    ]
    assert stored(database, orders, "external_id") == []


def test_no_cell_of_the_rejects_file_starts_a_formula(import_text: Importing) -> None:
    row = _row(1, "A")
    row[3], row[6], row[14] = "=HYPERLINK(1)", "x", "＋1"  # full width is meant

    report = import_text("\n".join([HEADER, ",".join(row)]))

    assert report.rejects_file is not None
    written = report.rejects_file.read_text(encoding="utf-8-sig").splitlines()[1]
    assert ",'=HYPERLINK(1)," in written
    assert written.endswith(",'＋1")  # full width is meant


def test_corrected_rejects_can_be_imported_as_they_are(
    database: Database, import_text: Importing
) -> None:
    row = _row(1, "A")
    row[3], row[4] = "-10% dress", "one"
    report = import_text("\n".join([HEADER, ",".join(row)]))
    assert report.rejects_file is not None

    corrected = report.rejects_file.read_text(encoding="utf-8-sig").replace(",one,", ",1,")
    import_text(corrected, name="corrected.csv")

    assert stored(database, orders, "external_id", "item") == [("A1", "-10% dress")]
