"""Products out of order lines: one row each, as the last line of the file names it."""

import polars as pl

_TITLED = "title:"
_LONGEST_ID = 128
COLUMNS = {"external_id": pl.String, "title": pl.String, "category": pl.String}


class Goods:
    """The products seen so far; as many as the shop sells, not as the file has lines."""

    def __init__(self) -> None:
        self._known = pl.DataFrame(schema={**COLUMNS, "line": pl.Int64})

    def add(self, lines: pl.DataFrame, _orders: pl.DataFrame | None = None) -> None:
        if "sku" not in lines.columns or lines.is_empty():
            return
        seen = lines.select(pl.col("sku").alias("external_id"), "title", "category", "line")
        self._known = (
            pl.concat([self._known, seen])
            .sort("line")
            .group_by("external_id", maintain_order=True)
            .agg(pl.col(name).drop_nulls().last() for name in ("title", "category", "line"))
        )

    def frame(self) -> pl.DataFrame:
        return self._known.sort("external_id").drop("line")


def with_sku(lines: pl.DataFrame) -> pl.DataFrame:
    """Give lines without an article number one made of their title, so that it can have a category."""
    made = pl.lit(_TITLED) + pl.col("title")
    return lines.with_columns(pl.col("sku").fill_null(made).str.slice(0, _LONGEST_ID))
