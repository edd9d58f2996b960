"""What all commands of one call share: where they print, and what an interruption would keep."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

_WIDE = 200  #: columns, where nobody looks at a terminal: nothing is cut off in a file

Json = Annotated[
    bool,
    typer.Option("--json", help="Print the data as JSON, for scripts.", rich_help_panel="Output"),
]
At = Annotated[
    str,
    typer.Option(
        "--at",
        metavar="MOMENT",
        help="Act as if it were this moment (ISO 8601; UTC without an offset).",
        show_default="now",
    ),
]


@dataclass
class Session:
    debug: bool = False
    kept: str = "Nothing was changed."
    _err: Console = field(default_factory=lambda: Console(stderr=True, highlight=False))

    def say(self, line: str) -> None:
        """For the person at the terminal, beside the data."""
        self._err.print(line, markup=False, soft_wrap=True)

    @contextmanager
    def progress(self, what: str) -> Iterator[Callable[[float, str], None]]:
        """A bar on standard error; yields what is told the share done (0–1) and the step."""
        from rich.progress import (
            BarColumn,
            Progress,
            TaskProgressColumn,
            TextColumn,
            TimeElapsedColumn,
        )

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=self._err, disable=not self._err.is_terminal) as bar:
            task = bar.add_task(what, total=1.0)
            yield lambda share, step: bar.update(
                task, completed=share, description=f"{what} {step}"
            )

    @contextmanager
    def counter(self, what: str) -> Iterator[Callable[[int], None]]:
        """A running count on standard error, for work whose end nobody knows."""
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = (
            SpinnerColumn(),
            TextColumn("{task.completed:,.0f} " + what),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=self._err, disable=not self._err.is_terminal) as bar:
            task = bar.add_task(what, total=None)
            yield lambda number: bar.advance(task, number)


def session_of(ctx: typer.Context) -> Session:
    session: Session = ctx.ensure_object(Session)
    return session


def show_json(data: Any) -> None:
    from pydantic_core import to_json

    sys.stdout.write(to_json(data, indent=2).decode() + "\n")


def show_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Numbers are set to the right; a cell that is None stays empty."""
    table = Table(title=title, title_justify="left")
    listed = [list(row) for row in rows]
    if not listed:
        return
    for position, column in enumerate(columns):
        numeric = all(
            isinstance(row[position], int | float) or row[position] is None for row in listed
        )
        table.add_column(column, justify="right" if numeric else "left")
    for row in listed:
        table.add_row(*("" if cell is None else _text(cell) for cell in row))
    show(table)


def show_markdown(text: str) -> None:
    """Set for a terminal; as it is for a file or a pipe."""
    if not sys.stdout.isatty():
        sys.stdout.write(f"{text}\n")
        return
    from rich.markdown import Markdown

    show(Markdown(text))


def show(what: Any) -> None:
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _WIDE
    console.print(what, markup=False)


def _text(cell: object) -> str:
    if isinstance(cell, datetime):
        return f"{cell.astimezone(UTC):%Y-%m-%d %H:%M}Z"
    return f"{cell:,}" if isinstance(cell, int) else str(cell)
