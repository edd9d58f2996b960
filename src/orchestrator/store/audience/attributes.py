"""Customer attributes in SQL: the one place where the two databases read JSON differently."""

from typing import Any

from sqlalchemy import Float, String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

# What PostgreSQL would refuse to cast is no number; SQLite compares instead.
_NUMBER = r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$"


class AttributeText(FunctionElement[str]):
    """``AttributeText(attributes, name)``: the value as text, true and false as words; NULL where there is none."""

    name = "attribute_text"
    type = String()
    inherit_cache = True


class AttributeNumber(FunctionElement[float]):
    """``AttributeNumber(text)``: the text as a number, NULL where it is none."""

    name = "attribute_number"
    type = Float()
    inherit_cache = True


@compiles(AttributeText, "sqlite")
def _text_on_sqlite(element: AttributeText, compiler: SQLCompiler, **kw: Any) -> str:
    attributes, name = (compiler.process(clause, **kw) for clause in element.clauses)
    return (
        "(SELECT CASE type WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' "
        f"ELSE CAST(atom AS TEXT) END FROM json_each({attributes}) WHERE key = {name})"
    )


@compiles(AttributeText)
def _text_on_postgresql(element: AttributeText, compiler: SQLCompiler, **kw: Any) -> str:
    attributes, name = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"({attributes} ->> {name})"


@compiles(AttributeNumber, "sqlite")
def _number_on_sqlite(element: AttributeNumber, compiler: SQLCompiler, **kw: Any) -> str:
    text = compiler.process(element.clauses, **kw)
    # Compared with a number, a text that is one becomes a number, and any other stays a text.
    return f"(CASE WHEN CAST({text} AS NUMERIC) = {text} THEN CAST({text} AS REAL) END)"


@compiles(AttributeNumber)
def _number_on_postgresql(element: AttributeNumber, compiler: SQLCompiler, **kw: Any) -> str:
    text = compiler.process(element.clauses, **kw)
    return f"(CASE WHEN {text} ~ '{_NUMBER}' THEN CAST({text} AS double precision) END)"
