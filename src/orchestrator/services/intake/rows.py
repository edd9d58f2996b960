"""The fields of each kind of file: orders with their lines, lines alone, customers, products."""

import json
from collections.abc import Callable

import polars as pl

from orchestrator.services.intake import cells, optouts
from orchestrator.services.intake.checks import Checks
from orchestrator.services.intake.mapping import Kind, Statuses
from orchestrator.services.intake.reading import LINE
from orchestrator.services.intake.refusals import Refusal

#: Several products in one cell: "2× Tea, 1× Pot, small".
_NEXT_ITEM = r",\s*(\d+)\s*[×x]\s+"
_ITEM = r"^\s*(\d+)\s*[×x]\s+(.+?)\s*$"
_BETWEEN = "\x1e"
CONSENTS = ("email_marketing", "sms_marketing", "email_service", "sms_service")


def check(checks: Checks) -> pl.DataFrame:
    """Return the batch as values, one row a line of the file (more where a cell lists items)."""
    return _KINDS[checks.setting.mapping.kind](checks)


def _orders(checks: Checks) -> pl.DataFrame:
    mapping = checks.setting.mapping
    checks.identity("order_id", needed=True)
    for moment in ("placed_at", "paid_at", "cancelled_at"):
        checks.moment(moment)
    checks.currency()
    for amount in ("total", "refunded", "discount"):
        checks.money(amount)
    for text in ("entry", "utm_source", "utm_medium", "utm_campaign", "coupon_code"):
        checks.text(text)
    _status(checks, mapping.statuses)
    _person(checks, needed=False)
    if not mapping.has_lines:
        checks.text("title")
        checks.text("category")
        return checks.frame()
    if "items" in mapping.columns:
        return _listed_items(checks)
    _line(checks)
    return checks.frame()


def _lines(checks: Checks) -> pl.DataFrame:
    checks.identity("order_id", needed=True)
    checks.currency()
    _line(checks)
    return checks.frame()


def _customers(checks: Checks) -> pl.DataFrame:
    _person(checks, needed=True)
    frame = checks.frame()
    if names := sorted(checks.setting.mapping.attributes):
        cells_ = frame.select("line").with_columns(checks.raw(name) for name in names)
        frame = frame.with_columns(_as_attributes(cells_, names))
    return frame


def _products(checks: Checks) -> pl.DataFrame:
    checks.identity("sku", needed=True)
    checks.text("title")
    checks.refuse(checks.values["title"].is_null(), Refusal.CELL_MISSING, "title")
    checks.currency()
    checks.values["currency"] = checks.values["currency"].fill_null(checks.setting.currency)
    for amount in ("price", "cost"):
        checks.money(amount)
    _category(checks)
    return checks.frame()


_KINDS: dict[Kind, Callable[[Checks], pl.DataFrame]] = {
    "orders": _orders,
    "lines": _lines,
    "customers": _customers,
    "products": _products,
    "optouts": optouts.check,
}


def _person(checks: Checks, *, needed: bool) -> None:
    checks.identity("customer_id", needed=False)
    for text in ("name", "region", "tier", "locale"):
        checks.text(text)
    checks.country()
    checks.timezone()
    checks.phone()
    checks.email()
    checks.moment("consent_at")
    for consent in CONSENTS:
        checks.truth(consent)
    if needed:
        nobody = (
            checks.values["customer_id"].is_null()
            & checks.values["phone"].is_null()
            & checks.values["email"].is_null()
        )
        checks.refuse(nobody, Refusal.CELL_MISSING, "customer_id")


def _status(checks: Checks, statuses: Statuses | None) -> None:
    """``state``: paid, unpaid, cancelled or refunded; null where the row says nothing."""
    if statuses is None:
        # A file of orders that says nothing of payment lists what was bought.
        said = None if "paid_at" in checks.setting.mapping.columns else "paid"
        checks.values["state"] = pl.Series([said] * checks.rows.height, dtype=pl.String)
        return
    raw = checks.raw("status").cast(pl.String).str.to_lowercase()
    words = {
        word.lower(): state
        for state in ("paid", "unpaid", "cancelled", "refunded")
        for word in getattr(statuses, state)
    }
    state = raw.replace_strict(words, default=None, return_dtype=pl.String)
    checks.refuse(raw.is_not_null() & state.is_null(), Refusal.STATUS_UNKNOWN, "status")
    checks.values["state"] = state


def _line(checks: Checks) -> None:
    mapping, values = checks.setting.mapping, checks.values
    checks.identity("sku", needed=False)
    checks.text("title")
    checks.price("unit_price")
    checks.money("line_amount")
    checks.quantity()
    # Rows of an order may say nothing about a line; others have to say it all.
    said = values["sku"].is_not_null() | values["title"].is_not_null()
    if mapping.kind == "lines":
        checks.refuse(~said, Refusal.CELL_MISSING, "title")
    if "quantity" not in mapping.columns:
        values["quantity"] = pl.Series([1]).new_from_index(0, checks.rows.height)
    checks.refuse(said & values["quantity"].is_null(), Refusal.CELL_MISSING, "quantity")
    amount = values["line_amount"].fill_null(_amount(checks))
    if {"unit_price", "line_amount"} & mapping.columns.keys():
        price = "line_amount" if "line_amount" in mapping.columns else "unit_price"
        checks.refuse(said & amount.is_null(), Refusal.CELL_MISSING, price)
        unnamed = ~said & (amount.is_not_null() & (amount != 0))
        checks.refuse(unnamed, Refusal.CELL_MISSING, "title")
    checks.refuse(amount > cells.LARGEST, Refusal.AMOUNT_TOO_LARGE, "line_amount")
    values["amount"] = amount
    values["title"] = values["title"].fill_null(values["sku"])
    values["is_line"] = said
    _category(checks)


def _amount(checks: Checks) -> pl.Series:
    """Pieces × price, rounded half up to the minor unit, once for the whole line."""
    price, pieces = checks.values["unit_price"], checks.values["quantity"]
    step = pl.Series([10]).new_from_index(0, len(price)) ** (
        cells.PRICE_DIGITS - checks.digits
    ).cast(pl.UInt32)
    fits = price.cast(pl.Float64) * pieces.cast(pl.Float64) < 9e18  # noqa: PLR2004  # 64 bits
    checks.refuse(~fits, Refusal.AMOUNT_TOO_LARGE, "unit_price")
    micro = price.set(~fits.fill_null(value=True), None) * pieces
    return (micro + step // 2) // step


def _category(checks: Checks) -> None:
    checks.text("category")
    given, title, sku = (checks.values[name] for name in ("category", "title", "sku"))
    map_ = checks.setting.mapping.categories
    if map_.table:
        given = given.fill_null(
            sku.replace_strict(map_.table, default=None, return_dtype=pl.String)
        )
    for rule in map_.patterns:
        text, pattern = (title, rule.title) if rule.title else (sku, rule.sku)
        fits = text.str.contains(pattern or "").fill_null(value=False)
        given = given.set(given.is_null() & fits, rule.category)
    checks.values["category"] = given if map_.rest is None else given.fill_null(map_.rest)


def _listed_items(checks: Checks) -> pl.DataFrame:
    """
    Return one row an item of the cell.

    The file knows no price of an item: the order's money is spread over the pieces.
    """
    listed = (
        checks.raw("items").str.replace_all(_NEXT_ITEM, _BETWEEN + "${1}× ").str.split(_BETWEEN)
    )
    frame = checks.frame().with_columns(listed.alias("item")).explode("item", empty_as_null=True)
    item = pl.col("item").str.extract_groups(_ITEM).struct
    frame = frame.with_columns(
        sku=pl.lit(None, dtype=pl.String),
        quantity=item.field("1").cast(pl.Int64, strict=False).fill_null(1),
        title=item.field("2").fill_null(pl.col("item")),
        is_line=pl.col("item").is_not_null(),
    )
    pieces = pl.col("quantity").sum()
    upto = (2 * pl.col("total") * pl.col("quantity").cum_sum() + pieces) // (2 * pieces)
    frame = frame.with_columns(upto=upto.over("line")).with_columns(
        amount=(pl.col("upto") - pl.col("upto").shift(1, fill_value=0).over("line")).fill_null(0)
    )
    named = Checks(frame.rename({"line": LINE}), checks.setting)
    named.values = {name: frame[name] for name in ("title", "sku")}
    _category(named)
    return frame.drop("item", "upto").with_columns(named.values["category"].alias("category"))


def _as_attributes(frame: pl.DataFrame, names: list[str]) -> pl.Series:
    """Return one JSON text a row, keys in order, empty cells left out; null where all are empty."""
    found = [
        json.dumps(kept, ensure_ascii=False, sort_keys=True)
        if (kept := {name: value for name, value in row.items() if value is not None})
        else None
        for row in frame.select(names).iter_rows(named=True)
    ]
    return pl.Series("attributes", found, dtype=pl.String)
