"""Errors of the server without the rows that they quote: those are customers' data.

``hide_parameters`` keeps parameters out of an error's text, not what the server itself adds to it
(``DETAIL: Failing row contains (…)``, the line of a COPY). SQLite's texts name tables and columns
alone.
"""

from typing import Any

from sqlalchemy.engine import ExceptionContext

# Data exceptions: their very first line quotes the value.
_QUOTING = "22"


def forget_rows(context: ExceptionContext) -> None:
    """Rewrite an error and its cause before anybody reads them (SQLAlchemy's ``handle_error``)."""
    original = context.original_exception
    if forget_row(original) and context.sqlalchemy_exception is not None:
        kind = f"{type(original).__module__}.{type(original).__qualname__}"
        context.sqlalchemy_exception.args = (f"({kind}) {original}",)


def forget_row(error: BaseException) -> bool:
    """Leave the primary message and the constraint's name; say whether it was the server's error."""
    told: Any = getattr(error, "diag", None)
    if told is None or told.message_primary is None:
        return False
    quotes = (told.sqlstate or _QUOTING).startswith(_QUOTING)
    text = type(error).__name__ if quotes else told.message_primary
    if told.constraint_name and told.constraint_name not in text:
        text = f"{text} ({told.constraint_name})"
    error.args = (text,)
    return True
