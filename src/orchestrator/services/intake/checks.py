"""One batch checked: every field as a value, and for each row why it cannot go in, or without what."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import available_timezones

import polars as pl

from orchestrator.domain.shop import Shop
from orchestrator.services.intake import cells, contacts, sources
from orchestrator.services.intake.mapping import Mapping
from orchestrator.services.intake.reading import LINE
from orchestrator.services.intake.refusals import Refusal

EARLIEST = 631_152_000_000_000  #: 1990-01-01 in microseconds
LONGEST_ID = 128
MOST_PIECES = 1_000_000
_LENGTHS = {"region": 128, "tier": 64, "locale": 16, "entry": 64, "utm_source": 128,
            "utm_medium": 128, "utm_campaign": 128, "coupon_code": 64, "category": 64,
            "name": 400, "title": 2_000, "source": 128}  # fmt: skip
_CURRENCY = r"^[A-Z]{3}$"


@dataclass(frozen=True, slots=True)
class Setting:
    mapping: Mapping
    shop: Shop
    now: datetime

    @property
    def zone(self) -> str:
        return self.mapping.timezone or self.shop.timezone

    @property
    def country(self) -> str:
        return self.mapping.country or self.shop.country

    @property
    def currency(self) -> str:
        return self.mapping.currency or self.shop.currency


@dataclass(slots=True)
class Checks:
    """The columns of one batch as they become values; each method reads one field."""

    rows: pl.DataFrame
    setting: Setting
    values: dict[str, pl.Series] = field(default_factory=dict)
    carried: dict[str, str] = field(default_factory=dict)  #: currency of the batch's first order
    digits: pl.Series = field(default_factory=lambda: pl.Series([], dtype=pl.Int64))
    _refused: list[tuple[pl.Series, str]] = field(default_factory=list)
    _emptied: list[tuple[pl.Series, str]] = field(default_factory=list)

    def frame(self) -> pl.DataFrame:
        """All fields, ``line``, ``refusal`` and ``emptied`` (``reason field``, or null)."""
        columns = [column.alias(name) for name, column in self.values.items()]
        frame = pl.DataFrame([self.rows[LINE].alias("line"), *columns])
        return frame.with_columns(
            _first(self._refused).alias("refusal"), _first(self._emptied).alias("emptied")
        )

    def raw(self, name: str) -> pl.Series:
        return sources.field(self.rows, self.setting.mapping, name)

    def refuse(self, where: pl.Series, reason: Refusal, name: str) -> None:
        _note(self._refused, where, reason, name)

    def empty(self, where: pl.Series, reason: Refusal, name: str) -> None:
        _note(self._emptied, where, reason, name)

    def identity(self, name: str, *, needed: bool) -> None:
        column = self.raw(name)
        if needed:
            self.refuse(column.is_null(), Refusal.CELL_MISSING, name)
        if self._is_blank(column, name, pl.String()):
            return
        self.refuse(column.str.len_chars() > LONGEST_ID, Refusal.ID_TOO_LONG, name)
        self.refuse(cells.is_mangled(column), Refusal.ID_MANGLED, name)
        self.values[name] = column

    def text(self, name: str) -> None:
        column = self.raw(name)
        if self._is_blank(column, name, pl.String()):
            return
        column = column.cast(pl.String)
        if (longest := _LENGTHS.get(name)) is not None:
            too_long = column.str.len_chars() > longest
            self.empty(too_long, Refusal.TEXT_TOO_LONG, name)
            column = column.set(too_long, None)
        self.values[name] = column

    def moment(self, name: str) -> None:
        raw, mapping = self.raw(name), self.setting.mapping
        if self._is_blank(raw, name, pl.Int64()):
            return
        column = cells.moments(raw, mapping.dates, self.setting.zone)
        self.refuse(raw.is_not_null() & column.is_null(), Refusal.MOMENT_UNREADABLE, name)
        latest = int((self.setting.now + timedelta(days=1)).timestamp() * 1_000_000)
        outside = (column < EARLIEST) | (column > latest)
        self.refuse(outside, Refusal.MOMENT_OUT_OF_RANGE, name)
        self.values[name] = column

    def currency(self) -> None:
        """Of an order, where other rows of it say it: exports write it on the first row alone."""
        column = self.raw("currency").cast(pl.String).str.to_uppercase()
        if "order_id" in self.values and column.null_count():
            key = self.values["order_id"]
            rows = pl.DataFrame({"key": key, "currency": column})
            column = rows.select(
                pl.col("currency").fill_null(pl.col("currency").drop_nulls().first().over("key"))
            )["currency"]
            column = column.fill_null(
                key.replace_strict(self.carried, default=None, return_dtype=pl.String)
            )
        self.refuse(~column.str.contains(_CURRENCY), Refusal.CURRENCY_UNKNOWN, "currency")
        self.values["currency"] = column
        self.digits = cells.digits_of(column.fill_null(self.setting.currency))

    def money(self, name: str) -> None:
        """Minor units of the row's currency; needs ``currency`` first."""
        raw = self.raw(name)
        if self._is_blank(raw, name, pl.Int64()):
            return
        number = cells.scaled(raw, self.setting.mapping.decimal, self.digits)
        self._judge(raw, number, name)
        self.refuse(~number["exact"], Refusal.TOO_MANY_DECIMALS, name)
        self.values[name] = number["value"]

    def price(self, name: str) -> None:
        """Millionths of the major unit: a price for one piece may have more decimals than money."""
        raw = self.raw(name)
        if self._is_blank(raw, name, pl.Int64()):
            return
        number = cells.scaled(raw, self.setting.mapping.decimal, cells.PRICE_DIGITS)
        self._judge(raw, number, name)
        self.refuse(~number["exact"], Refusal.TOO_MANY_DECIMALS, name)
        self.values[name] = number["value"]

    def quantity(self) -> None:
        raw = self.raw("quantity")
        if self._is_blank(raw, "quantity", pl.Int64()):
            return
        number = cells.scaled(raw, self.setting.mapping.decimal, 0)
        pieces, large = number["value"], number["large"].fill_null(value=False)
        unreadable = (pieces.is_null() & ~large) | ~number["exact"]
        self.refuse(raw.is_not_null() & unreadable, Refusal.QUANTITY_UNREADABLE, "quantity")
        self.refuse(pieces <= 0, Refusal.QUANTITY_NOT_POSITIVE, "quantity")
        large |= (pieces > MOST_PIECES).fill_null(value=False)
        self.refuse(large, Refusal.QUANTITY_TOO_LARGE, "quantity")
        self.values["quantity"] = pieces

    def truth(self, name: str) -> None:
        raw = self.raw(name)
        if self._is_blank(raw, name, pl.Boolean()):
            return
        column = cells.truths(raw)
        self.refuse(raw.is_not_null() & column.is_null(), Refusal.CONSENT_UNREADABLE, name)
        self.values[name] = column

    def country(self) -> None:
        raw = self.raw("country")
        if self._is_blank(raw, "country", pl.String()):
            return
        names = self.setting.mapping.countries
        named = raw.replace_strict(names, default=None, return_dtype=pl.String)
        code = raw.str.to_uppercase()
        column = named.fill_null(code.set(~code.str.contains(r"^[A-Z]{2}$"), None))
        self.empty(raw.is_not_null() & column.is_null(), Refusal.COUNTRY_UNKNOWN, "country")
        self.values["country"] = column.set(column == "", None)

    def timezone(self) -> None:
        raw = self.raw("timezone")
        if self._is_blank(raw, "timezone", pl.String()):
            return
        known = raw.is_in(list(available_timezones()))
        self.empty(~known, Refusal.TIMEZONE_UNKNOWN, "timezone")
        self.values["timezone"] = raw.set(~known, None)

    def phone(self) -> None:
        """Needs ``country`` first."""
        raw = self.raw("phone")
        if self._is_blank(raw, "phone", pl.String()):
            return
        country = self.values["country"].fill_null(self.setting.country)
        column = contacts.phones(raw, country)
        self.empty(raw.is_not_null() & column.is_null(), Refusal.PHONE_UNREADABLE, "phone")
        self.values["phone"] = column

    def email(self) -> None:
        raw = self.raw("email")
        if self._is_blank(raw, "email", pl.String()):
            return
        column = contacts.emails(raw)
        self.empty(raw.is_not_null() & column.is_null(), Refusal.EMAIL_UNREADABLE, "email")
        self.values["email"] = column

    def _is_blank(self, column: pl.Series, name: str, kind: pl.DataType) -> bool:
        """Whether nobody has this cell, as most files have most of them not: nothing to check."""
        if blank := column.null_count() == len(column):
            self.values[name] = column.cast(kind)
        return blank

    def _judge(self, raw: pl.Series, number: pl.DataFrame, name: str) -> None:
        large = number["large"].fill_null(value=False)
        unreadable = raw.is_not_null() & number["value"].is_null() & ~large
        self.refuse(unreadable, Refusal.AMOUNT_UNREADABLE, name)
        self.refuse(large | (number["value"].abs() > 10**18), Refusal.AMOUNT_TOO_LARGE, name)
        self.refuse(number["value"] < 0, Refusal.AMOUNT_NEGATIVE, name)


def _note(noted: list[tuple[pl.Series, str]], where: pl.Series, reason: Refusal, name: str) -> None:
    if bool(where.any()):
        noted.append((where, f"{reason} {name}"))


def _first(noted: list[tuple[pl.Series, str]]) -> pl.Expr:
    if not noted:
        return pl.lit(None, dtype=pl.String)
    return pl.coalesce(pl.when(where).then(pl.lit(text)) for where, text in noted)
