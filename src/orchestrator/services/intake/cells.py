"""From the text of cells to values, a column at a time. What cannot be read becomes null."""

from collections.abc import Sequence

import polars as pl

from orchestrator.domain.money import minor_digits

# Zero-width and bidirectional marks: they make two equal texts differ, or one read as another.
_INVISIBLE = r"[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
_CONTROL = r"[\x01-\x1f\x7f]+"
_CONTROL_BUT_LINES = r"[\x01-\x09\x0b-\x1f\x7f]+"
_ESCAPED = r"^'([=+\-@\t\r＝＋－＠])"  # our own rejects file writes these
_ISO = ("%Y-%m-%d %H:%M:%S%.f%z", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M%z", "%Y-%m-%d %H:%M",
        "%Y-%m-%d")  # fmt: skip
PRICE_DIGITS = 6  #: decimals that a unit price may have
_LARGE = 1e12  # major units, or pieces
_PLAIN_NUMBER = r"^\d+(?:\.\d+)?$"
_AROUND = r"^([-−]?)(?:\p{Sc}|[A-Za-z]{1,4}\$?|元)?([-−]?)(\d.*?)(?:\p{Sc}|[A-Za-z]{1,4}|元)?$"
LARGEST = 10**14  #: minor units; far above any order, far below what 64 bits hold
_YES = ("yes", "y", "true", "1", "subscribed", "是")
_NO = ("no", "n", "false", "0", "unsubscribed", "not subscribed", "否")


def clean(column: pl.Series, *, keep_lines: bool = False) -> pl.Series:
    """Return text in NFC without invisible and control characters, trimmed, empty as null."""
    if column.dtype != pl.String:
        return column
    text = column.str.replace(_ESCAPED, "${1}").str.strip_chars()
    if bool((text.str.len_bytes() != text.str.len_chars()).any()):
        text = text.str.normalize("NFC").str.replace_all(_INVISIBLE, "").str.strip_chars()
    if bool(text.str.contains(_CONTROL).any()):
        pattern = _CONTROL_BUT_LINES if keep_lines else _CONTROL
        text = text.str.replace_all(pattern, " ").str.strip_chars()
    return text.set(text.str.len_bytes() == 0, None)


def ids(column: pl.Series) -> pl.Series:
    """Return ids as text: 12345 for 12345.0 and for the spreadsheet's ="12345", '12345."""
    if column.dtype.is_float():
        column = column.cast(pl.Int64, strict=False)
    if column.dtype != pl.String:
        return column.cast(pl.String)
    return clean(column.str.replace(r'^\s*=?"(.*)"\s*$', "${1}").str.strip_chars("'\t "))


def is_mangled(column: pl.Series) -> pl.Series:
    return column.str.contains(r"^\d(?:[.,]\d+)?E\+\d+$")


def moments(column: pl.Series, formats: Sequence[str], zone: str) -> pl.Series:
    """Return microseconds since 1970 in UTC; a moment without an offset is of the zone's clock."""
    if column.dtype == pl.Date:
        column = column.cast(pl.Datetime("us"))
    if isinstance(column.dtype, pl.Datetime):
        return _instants(column, zone)
    if column.dtype != pl.String:
        return pl.Series(column.name, [None] * len(column), dtype=pl.Int64)
    text = (
        column.str.replace(r"^(\d{4}-\d\d-\d\d)[Tt]", "${1} ")
        .str.replace(r"\s*(?:Z|UTC)$", "+0000")
        .str.replace(r"\s+([+-]\d\d:?\d\d)$", "${1}")
    )
    found = pl.Series(column.name, [None] * len(column), dtype=pl.Int64)
    for pattern in (*formats, *_ISO):
        open_ = found.is_null() & column.is_not_null()
        if not bool(open_.any()):
            break
        source = text if pattern in _ISO else column
        parsed = source.set(~open_, None).str.to_datetime(pattern, strict=False, time_unit="us")
        found = found.fill_null(_instants(parsed, zone))
    return found


def _instants(column: pl.Series, zone: str) -> pl.Series:
    dtype = column.dtype
    if isinstance(dtype, pl.Datetime) and dtype.time_zone is None:
        here = column.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
        if here.null_count() > column.null_count():
            # A time that the clock skips moves on by the hour that is missing.
            later = column.dt.offset_by("1h").dt.replace_time_zone(
                zone, ambiguous="earliest", non_existent="null"
            )
            here = here.fill_null(later)
        column = here
    return column.dt.cast_time_unit("us").dt.epoch("us")


def scaled(column: pl.Series, decimal: str, digits: pl.Series | int) -> pl.DataFrame:
    """Return each number × 10^digits as integer ``value``, whether that was ``exact``, or too ``large``."""
    if column.dtype.is_numeric():
        return _scaled_numbers(column, digits)
    return _scaled_texts(_digits(column.cast(pl.String), decimal), digits)


def _scaled_numbers(column: pl.Series, digits: pl.Series | int) -> pl.DataFrame:
    width = pl.lit(digits)
    number = pl.lit(column)
    moved = number.cast(pl.Float64) * pl.lit(10.0).pow(width)
    whole = moved.round()
    fits = number.cast(pl.Float64).abs() < _LARGE
    return pl.select(
        value=pl.when(fits).then(whole).cast(pl.Int64, strict=False),
        # What floats lose is less than that; what people write is more.
        exact=(moved - whole).abs() < 1e-4,  # noqa: PLR2004  # of a minor unit
        large=~fits & number.cast(pl.Float64).is_finite(),
    )


def _digits(column: pl.Series, decimal: str) -> pl.DataFrame:
    """
    Return a number's ``sign`` (1, -1), its ``whole`` and its ``fraction`` as digits; null where none.

    Currency signs and letters around it, blanks and thousands separators in it are taken off.
    """
    thousands = "," if decimal == "." else "."
    point, comma = rf"\{decimal}", rf"\{thousands}"
    number = rf"^([-−]?)(\d{{1,3}}(?:{comma}\d{{3}})+|\d+)(?:{point}(\d*))?$"
    text = column
    if not bool(text.str.contains(_PLAIN_NUMBER).all()):
        text = text.str.replace_all(r"[\s\u00a0\u202f'’]", "").str.replace(_AROUND, "${1}${2}${3}")
    groups = text.str.extract_groups(number).struct.unnest()
    groups.columns = ["sign", "whole", "fraction"]
    return groups.select(
        pl.when(pl.col("whole").is_null()).then(None)
        .when(pl.col("sign") != "").then(-1).otherwise(1).alias("sign"),
        pl.col("whole").str.replace_all(comma, "").str.strip_chars_start("0"),
        pl.col("fraction").fill_null("").str.strip_chars_end("0"),
    )  # fmt: skip


def _scaled_texts(number: pl.DataFrame, digits: pl.Series | int) -> pl.DataFrame:
    width = pl.lit(digits) if isinstance(digits, int) else digits
    fraction = pl.col("fraction")
    text = pl.concat_str(pl.col("whole"), fraction.str.pad_end(18, "0").str.slice(0, width))
    return number.with_columns(large=pl.col("whole").str.len_chars() > 12).select(  # noqa: PLR2004  # as _LARGE
        value=pl.when(~pl.col("large")).then(
            pl.col("sign") * pl.concat_str(pl.lit("0"), text).cast(pl.Int64, strict=False)
        ),
        exact=pl.when(pl.col("whole").is_not_null()).then(fraction.str.len_chars() <= width),
        large=pl.col("large"),
    )  # fmt: skip


def digits_of(currency: pl.Series) -> pl.Series:
    known = {code: minor_digits(code) for code in currency.unique().drop_nulls()}
    return currency.replace_strict(known, default=2, return_dtype=pl.Int64)


def truths(column: pl.Series) -> pl.Series:
    if column.dtype == pl.Boolean:
        return column
    word = column.cast(pl.String).str.to_lowercase()
    return word.replace_strict(
        {**dict.fromkeys(_YES, True), **dict.fromkeys(_NO, False)},  # a table of words
        default=None,
        return_dtype=pl.Boolean,
    )


def value_of(column: pl.Series, key: str) -> pl.Series:
    """Return what stands behind ``key:`` in a cell of many lines."""
    escaped = "".join(f"[{c}]" if c.isalnum() else f"\\{c}" if c.isascii() else c for c in key)
    return column.str.extract(rf"(?mi)^\s*{escaped}\s*[:=]\s*(.+?)\s*$")
