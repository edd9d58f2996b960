"""A mapping: which column of a file is what, as people write it in YAML."""

import codecs
import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

import polars as pl
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from orchestrator.playbooks.document import Document, read_document
from orchestrator.playbooks.problems import Problem, did_you_mean
from orchestrator.services.intake.refusals import ImportFileError

BASED_ON = "based_on"  #: the key that names the preset of which a mapping says only what differs

Kind = Literal["orders", "lines", "customers", "products", "optouts"]

PEOPLE = frozenset({
    "customer_id", "name", "phone", "email", "country", "region", "tier", "locale", "timezone",
    "email_marketing", "sms_marketing", "email_service", "sms_service", "consent_at",
})  # fmt: skip
LINES = frozenset({"sku", "title", "quantity", "unit_price", "line_amount", "category", "items"})
ORDERS = frozenset({
    "order_id", "placed_at", "paid_at", "cancelled_at", "status", "currency", "total", "refunded",
    "entry", "utm_source", "utm_medium", "utm_campaign", "coupon_code", "discount",
})  # fmt: skip
FIELDS: dict[Kind, frozenset[str]] = {
    "orders": ORDERS | PEOPLE | LINES,
    "lines": LINES | {"order_id", "currency"},
    "customers": PEOPLE,
    "products": frozenset({"sku", "title", "category", "price", "cost", "currency"}),
    "optouts": frozenset({
        "channel", "address", "phone", "email", "country", "since", "reason", "source",
    }),
}  # fmt: skip
_NEEDED: dict[Kind, tuple[frozenset[str], ...]] = {
    "orders": (
        frozenset({"order_id"}),
        frozenset({"placed_at"}),
        frozenset({"total", "unit_price", "line_amount"}),
    ),
    "lines": (frozenset({"order_id"}), frozenset({"sku", "title"})),
    "customers": (frozenset({"customer_id", "phone", "email"}),),
    "products": (frozenset({"sku"}), frozenset({"title"})),
    "optouts": (frozenset({"address", "phone", "email"}),),
}


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is no IANA time zone, such as Europe/London") from error
    return name


def _pattern(text: str) -> str:
    # The engine that will run it has no look-around.
    try:
        pl.Series([""]).str.contains(text)
    except pl.exceptions.ComputeError as error:
        raise ValueError(f"{text!r} is not a regular expression without look-around") from error
    return text


def _encoding(name: str) -> str:
    try:
        return codecs.lookup(name).name
    except LookupError as error:
        raise ValueError(f"{name!r} is no encoding, such as cp1252 or gb18030") from error


def _date_format(text: str) -> str:
    try:
        pl.Series(["2025-01-31"]).str.to_datetime(text, strict=False)
    except pl.exceptions.PolarsError as error:
        raise ValueError(f"{text!r} is no date format, such as %d.%m.%Y %H:%M") from error
    return text


def _as_source(value: object) -> object:
    return {"column": value} if isinstance(value, str) else value


def _as_text(value: object) -> object:
    # 20725 and true are also text where text is asked for.
    plain = isinstance(value, int | float)
    return str(value).lower() if isinstance(value, bool) else str(value) if plain else value


Zone = Annotated[str, AfterValidator(_zone)]
Pattern = Annotated[str, AfterValidator(_pattern)]
Text = Annotated[str, BeforeValidator(_as_text)]
CurrencyCode = Annotated[str, Field(pattern="^[A-Z]{3}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(_Strict):
    """Where a field comes from: a column (the first of several that has something), or one text."""

    column: str | None = None
    otherwise: list[str] = Field(default_factory=list)
    key: str | None = None  #: the cell is lines of `key: value`, and this key is meant
    text: Text | None = None  #: the same for every row; {Column} stands for a cell

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.column is None) == (self.text is None):
            raise ValueError("needs either column or text")
        return self

    @property
    def columns(self) -> list[str]:
        named = re.findall(r"\{([^{}]+)\}", self.text) if self.text else []
        return [*named, *([self.column] if self.column else []), *self.otherwise]


class Condition(_Strict):
    """What a cell has to be; all that is given must hold."""

    matches: Pattern | None = None
    equals: Text | None = None
    below: float | None = None
    at_most: float | None = None
    is_empty: bool | None = None
    not_before: Text | None = None  #: of a moment or of a text that sorts like one

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError(f"needs one of {', '.join(type(self).model_fields)}")
        return self


class LeaveOut(_Strict):
    """Rows that are no order lines at all: left out and counted under their reason."""

    reason: str
    when: dict[str, Condition] = Field(min_length=1)


class Statuses(_Strict):
    paid: list[Text] = Field(default_factory=list)
    unpaid: list[Text] = Field(default_factory=list)
    cancelled: list[Text] = Field(default_factory=list)
    refunded: list[Text] = Field(default_factory=list)


class CategoryPattern(_Strict):
    category: str = Field(max_length=64)
    title: Pattern | None = None
    sku: Pattern | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.title is None) == (self.sku is None):
            raise ValueError("needs either title or sku")
        return self


class Categories(_Strict):
    """The category of goods whose file has none: by sku, else the first pattern, else the rest."""

    table: dict[str, Annotated[str, Field(max_length=64)]] = Field(default_factory=dict)
    patterns: list[CategoryPattern] = Field(default_factory=list)
    rest: str | None = Field(default=None, max_length=64)


class Mapping(_Strict):
    mapping: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")
    title: str
    kind: Kind
    recognise: list[str] = Field(default_factory=list)  #: a header with all of these is this format
    encoding: Annotated[str, AfterValidator(_encoding)] | None = None
    delimiter: Literal[",", ";", "\t"] | None = None
    #: of JSON documents: the list whose entries are the order's lines; its columns are `list.name`
    lines_in: str | None = None
    columns: dict[str, Annotated[Source, BeforeValidator(_as_source)]]
    #: of customers, for the audience rules; any name
    attributes: dict[str, Annotated[Source, BeforeValidator(_as_source)]] = Field(
        default_factory=dict
    )
    currency: CurrencyCode | None = None  #: where no column says it; else the shop's
    timezone: Zone | None = None  #: of moments without an offset; else the shop's
    country: str | None = Field(default=None, pattern="^[A-Z]{2}$")  #: of phones without a prefix
    decimal: Literal[".", ","] = "."
    dates: list[Annotated[str, AfterValidator(_date_format)]] = Field(
        default_factory=list
    )  #: strptime formats; ISO 8601 is always read
    statuses: Statuses | None = None
    countries: dict[str, Annotated[str, Field(pattern="^([A-Z]{2})?$")]] = Field(
        default_factory=dict
    )
    leave_out: list[LeaveOut] = Field(default_factory=list)
    categories: Categories = Field(default_factory=Categories)

    @property
    def has_lines(self) -> bool:
        return bool(LINES & self.columns.keys() - {"category"})

    @property
    def named_columns(self) -> set[str]:
        sources = (*self.columns.values(), *self.attributes.values())
        return {column for source in sources for column in source.columns}

    def is_for(self, *, documents: bool) -> bool:
        """Whether its orders are JSON documents or rows of a table; all else may be either."""
        return self.kind not in {"orders", "lines"} or documents == (self.lines_in is not None)

    def source(self, field: str) -> Source | None:
        return self.columns.get(field) or self.attributes.get(field)

    def header(self, field: str) -> str:
        """The column that a message names when a cell of this field is meant."""
        source = self.columns.get(field)
        return field if source is None else (source.columns or [field])[0]


def load_mapping(path: Path, presets: dict[str, Mapping]) -> Mapping:
    """Read a mapping file; ImportFileError names the line of what is wrong first."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ImportFileError(str(path), "no such mapping", "Correct the path") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ImportFileError(str(path), f"cannot be read: {error}", "Save it as UTF-8") from error
    return parse_mapping(path.name, text, presets)


def parse_mapping(file: str, text: str, presets: dict[str, Mapping] | None = None) -> Mapping:
    """Read a mapping; ``presets`` are those that it may be based on."""
    problems: list[Problem] = []
    document = read_document(file, text, problems)
    if document is None or problems:
        raise _first(problems)
    data = _with_base(document, presets or {})
    try:
        mapping = Mapping.model_validate(data)
    except ValidationError as error:
        raise _first([_problem(document, dict(item)) for item in error.errors()]) from error
    if problems := [*_unknown_fields(document, mapping), *_missing_fields(document, mapping)]:
        raise _first(problems)
    return mapping


def _with_base(document: Document, presets: dict[str, Mapping]) -> dict[str, Any]:
    """Fill in what the preset says and this file does not; tables key by key, all else whole."""
    if BASED_ON not in document.data:
        return document.data
    base = _base(document, presets)
    inherited = base.model_dump(exclude={"mapping"}, exclude_unset=True)
    own = {name: value for name, value in document.data.items() if name != BASED_ON}
    tables = {
        name: {**inherited[name], **value}
        for name, value in own.items()
        if isinstance(value, dict) and isinstance(inherited.get(name), dict)
    }
    return {**inherited, **own, **tables}


def _base(document: Document, presets: dict[str, Mapping]) -> Mapping:
    name, kind = document.data[BASED_ON], document.data.get("kind")
    base = presets.get(name) if isinstance(name, str) else None
    if base is None:
        message, remedy = f"{BASED_ON}: there is no preset {name}", did_you_mean(str(name), presets)
        raise _first([Problem(document.file, document.line(BASED_ON), message, remedy)])
    if kind not in (None, base.kind):
        message = f"kind: {name} is for {base.kind}, not {kind}"
        remedy = "Remove it, or choose another preset"
        raise _first([Problem(document.file, document.line("kind"), message, remedy)])
    return base


def _first(problems: list[Problem]) -> ImportFileError:
    first, *others = sorted(problems)
    more = f" ({len(others)} more)" if others else ""
    return ImportFileError(first.file, first.message + more, first.remedy, first.line)


def _problem(document: Document, error: dict[str, Any]) -> Problem:
    location = tuple(part for part in error["loc"] if not str(part).startswith("function-"))
    name = ".".join(map(str, location)) or "the mapping"
    line = document.line(*location)
    if error["type"] == "extra_forbidden":
        known = [BASED_ON, *Mapping.model_fields] if len(location) == 1 else []
        remedy = did_you_mean(str(location[-1]), known) if known else "Remove it."
        return Problem(document.file, line, f"unknown key {name}", remedy)
    if error["type"] == "missing" and len(location) == 1 and name != "mapping":
        remedy = f"Add it, or name a preset that says it under {BASED_ON}."
        return Problem(document.file, line, f"{name} is missing", remedy)
    return Problem(document.file, line, f"{name}: {error['msg']}", "See docs/importing.md.")


def _unknown_fields(document: Document, mapping: Mapping) -> list[Problem]:
    known = FIELDS[mapping.kind]
    return [
        Problem(
            document.file,
            document.line("columns", field),
            f"{mapping.kind} have no field {field}",
            did_you_mean(field, known),
        )
        for field in mapping.columns
        if field not in known
    ]


def _missing_fields(document: Document, mapping: Mapping) -> list[Problem]:
    return [
        Problem(
            document.file,
            document.line("columns"),
            f"no column is mapped to {' or '.join(sorted(one_of))}",
            f"{mapping.kind} need one; add it under columns",
        )
        for one_of in _NEEDED[mapping.kind]
        if not one_of & mapping.columns.keys()
    ]
