"""From the file's columns to the mapping's fields, and which rows are no business of ours."""

import re

import polars as pl

from orchestrator.services.intake import cells
from orchestrator.services.intake.mapping import Condition, Mapping, Source
from orchestrator.services.intake.reading import LINE

_IDS = frozenset({"order_id", "customer_id", "sku", "phone", "address"})
_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")


def leave_out(rows: pl.DataFrame, mapping: Mapping) -> tuple[pl.DataFrame, dict[str, int]]:
    """Return the rows that stay, and how many went for which reason (the first that holds)."""
    counts: dict[str, int] = {}
    for rule in mapping.leave_out:
        holds = pl.Series([True]).new_from_index(0, rows.height)
        for column, condition in rule.when.items():
            known = column in rows.columns
            here = rows[column] if known else pl.Series([None] * rows.height, dtype=pl.String)
            holds &= _holds(here, condition)
        if bool(holds.any()):
            kept = rows.filter(~holds)
            # A document counts when its last row goes.
            gone = rows[LINE].n_unique() - kept[LINE].n_unique()
            counts[rule.reason] = counts.get(rule.reason, 0) + gone
            rows = kept
    return rows, counts


def field(rows: pl.DataFrame, mapping: Mapping, name: str) -> pl.Series:
    """Return the field's cells, cleaned; nulls where the file has no such column."""
    source = mapping.source(name)
    nothing = pl.Series(name, [None] * rows.height, dtype=pl.String)
    if source is None:
        return nothing
    if source.text is not None:
        return _filled_in(rows, source.text).alias(name)
    found = nothing
    for column in source.columns:
        if column not in rows.columns:
            continue
        here = _cells(rows[column], source, name)
        if found.null_count() == len(found):
            found = here
        elif found.dtype == here.dtype:
            found = found.fill_null(here)
        else:
            found = found.cast(pl.String).fill_null(here.cast(pl.String))
        if not found.null_count():
            break
    return found.alias(name)


def _cells(column: pl.Series, source: Source, name: str) -> pl.Series:
    if source.key is not None:
        return cells.clean(cells.value_of(column.cast(pl.String), source.key))
    return cells.ids(column) if name in _IDS else cells.clean(column)


def _filled_in(rows: pl.DataFrame, text: str) -> pl.Series:
    """Return the text with its placeholders filled; null where they are all empty."""
    parts = _PLACEHOLDER.split(text)  # text, column, text, column, …
    nothing = pl.lit(None, dtype=pl.String)
    named = [pl.lit(cells.ids(rows[c])) if c in rows.columns else nothing for c in parts[1::2]]
    pieces = [
        pl.lit(part) if position % 2 == 0 else named[position // 2].fill_null("")
        for position, part in enumerate(parts)
    ]
    filled = pl.concat_str(pieces)
    if named:
        empty = pl.all_horizontal(one.is_null() for one in named)
        filled = pl.when(~empty).then(filled)
    column = rows.lazy().select(filled.alias("text")).collect()["text"]
    return cells.clean(
        column if len(column) == rows.height else column.new_from_index(0, rows.height)
    )


def _holds(column: pl.Series, condition: Condition) -> pl.Series:
    text = column.cast(pl.String).str.strip_chars()
    empty = text.is_null() | (text.str.len_bytes() == 0)
    holds = ~empty
    if condition.is_empty is not None:
        holds = empty if condition.is_empty else ~empty
    if condition.matches is not None:
        holds &= text.str.contains(condition.matches).fill_null(value=False)
    if condition.equals is not None:
        holds &= (text == condition.equals).fill_null(value=False)
    if condition.not_before is not None:
        holds &= (text >= condition.not_before).fill_null(value=False)
    number = text if not column.dtype.is_numeric() else column
    if condition.below is not None:
        holds &= (number.cast(pl.Float64, strict=False) < condition.below).fill_null(value=False)
    if condition.at_most is not None:
        holds &= (number.cast(pl.Float64, strict=False) <= condition.at_most).fill_null(value=False)
    return holds
