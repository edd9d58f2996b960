"""Templates of one pinned version, compiled once, that can do nothing but print what they are given."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from typing import Any, NamedTuple

from jinja2 import StrictUndefined, TemplateError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from orchestrator.domain.messages import Channel
from orchestrator.playbooks import CONTEXT, Playbook
from orchestrator.playbooks.template import FILTERS, TemplateFacts
from orchestrator.rendering.errors import RenderError, RenderReason
from orchestrator.rendering.filters import LOCAL_FILTERS

MAX_SUBJECT = 255
# Exactly these: a subclass could bring methods, or call itself safe HTML.
_PLAIN_TYPES = frozenset({str, int, date})
_PLAIN_OR_NONE = _PLAIN_TYPES | {type(None)}
_MARKUP = re.compile(r"\{[{%]")
# Also the invisible marks that turn the direction of writing, which make a text look like another.
_NEVER = "\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff"
_NOT_IN_BODY = re.compile(f"[{_NEVER}]")
_ASCII_IN_BODY = bytes(code for code in range(128) if not _NOT_IN_BODY.match(chr(code)))
_NOT_IN_SUBJECT = re.compile(f"[{_NEVER}\\t\\n\u2028\u2029]")


class Rendered(NamedTuple):
    """An SMS has a text alone; an e-mail has a subject, a text and mostly HTML."""

    subject: str | None
    text: str
    html: str | None


class _Environment(ImmutableSandboxedEnvironment):
    """A sandbox in which a dot reads a key of a mapping and nothing else; None prints as nothing."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        try:
            value = obj[attribute]
        except (KeyError, TypeError):
            return self.undefined(obj=obj, name=attribute)
        return "" if value is None else value


class _Context(Context):
    """The values alone: no template sets any, calls anything or takes in another one."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.parent = values
        self.vars = {}


_Block = Callable[[Context], Iterator[str]]


class _Compiled(NamedTuple):
    #: None for an SMS
    subject: _Block | None
    text: _Block
    html: _Block | None
    variables: frozenset[str]
    #: (root, key, dotted name) of what must not be empty
    required: tuple[tuple[str, str, str], ...]
    optional: tuple[tuple[str, str, str], ...]


class Renderer:
    """
    Renders the texts of one playbook version; make one a version and keep it.

    Values come from mappings of text, whole numbers and dates, as ``playbooks.CONTEXT`` declares.
    """

    def __init__(self, playbook: Playbook) -> None:
        self.version = playbook.version
        plain, html = _environment(autoescape=False), _environment(autoescape=True)
        self._compiled = {
            path: _compile(playbook.files[path], facts, plain, html)
            for path, facts in playbook.templates.items()
        }

    def variables(self, template: str) -> frozenset[str]:
        """Return the names of all that the text may ask for; KeyError for an unknown text."""
        return self._compiled[template].variables

    def render(self, template: str, context: Mapping[str, Any]) -> Rendered:
        """Return the texts; RenderError says what stands against it, without the values."""
        compiled = self._compiled.get(template)
        if compiled is None:
            raise RenderError(template, RenderReason.UNKNOWN_TEMPLATE)
        _check_values(template, compiled, context)
        try:
            return _render(template, compiled, dict(context))
        except RenderError:
            raise
        except (TemplateError, TypeError, ValueError, KeyError, AttributeError) as error:
            # Their texts may quote values; the type is enough to find the place. No chain either.
            kind = type(error).__name__
            raise RenderError(template, RenderReason.TEMPLATE_FAILED, kind) from None

    def render_many(
        self, template: str, contexts: Iterable[Mapping[str, Any]]
    ) -> list[Rendered | RenderError]:
        """Return one result for each context, in order; one that fails leaves the others alone."""
        results: list[Rendered | RenderError] = []
        for context in contexts:
            try:
                results.append(self.render(template, context))
            except RenderError as error:
                # Without its frames, which hold the customer's values.
                results.append(error.with_traceback(None))
        return results


def _environment(*, autoescape: bool) -> _Environment:
    environment = _Environment(
        autoescape=autoescape,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.clear()
    environment.tests.clear()
    environment.filters = {
        name: LOCAL_FILTERS.get(name, environment.filters.get(name)) for name in FILTERS
    }
    return environment


def _compile(
    source: str, facts: TemplateFacts, plain: _Environment, html: _Environment
) -> _Compiled:
    template = plain.from_string(source)
    sms = facts.channel is Channel.SMS
    names = sorted(facts.variables)
    return _Compiled(
        None if sms else template.blocks["subject"],
        template.root_render_func if sms else template.blocks["text"],
        html.from_string(source).blocks["html"] if "html" in facts.blocks else None,
        frozenset(names),
        tuple(_reach(name) for name in names if not CONTEXT[name].optional),
        tuple(_reach(name) for name in names if CONTEXT[name].optional),
    )


def _reach(name: str) -> tuple[str, str, str]:
    root, _, key = name.partition(".")
    return root, key, name


def _check_values(template: str, compiled: _Compiled, context: Mapping[str, Any]) -> None:
    if _are_plain(compiled, context):
        return
    try:
        for root, key, name in compiled.required:
            value = context[root][key] if key else context[root]
            if value is None or value == "":
                raise RenderError(template, RenderReason.MISSING_VALUE, name)
            if type(value) not in _PLAIN_TYPES:
                raise RenderError(template, RenderReason.WRONG_TYPE, name)
        for root, key, name in compiled.optional:
            if type(context[root][key]) not in _PLAIN_OR_NONE:
                raise RenderError(template, RenderReason.WRONG_TYPE, name)
    except (KeyError, TypeError):
        raise RenderError(template, RenderReason.MISSING_VALUE, name) from None


def _are_plain(compiled: _Compiled, context: Mapping[str, Any]) -> bool:
    """Whether there is nothing to complain of, which is nearly always so: without a loop's cost."""
    try:
        needed = [
            context[root][key] if key else context[root] for root, key, _ in compiled.required
        ]
        others = [context[root][key] for root, key, _ in compiled.optional]
    except (KeyError, TypeError):
        return False
    return (
        _PLAIN_TYPES.issuperset(map(type, needed))
        and "" not in needed
        and _PLAIN_OR_NONE.issuperset(map(type, others))
    )


def _render(template: str, compiled: _Compiled, context: dict[str, Any]) -> Rendered:
    values = _Context(context)
    text = _body(template, "text", _printed(compiled.text, values))
    if compiled.subject is None:
        return Rendered(None, text, None)
    subject = _subject(template, _printed(compiled.subject, values))
    html = None
    if compiled.html is not None:
        html = _body(template, "html", _printed(compiled.html, values))
    return Rendered(subject, text, html)


def _printed(block: _Block, values: _Context) -> str:
    return "".join(block(values)).strip()


def _body(template: str, block: str, text: str) -> str:
    if not text:
        raise RenderError(template, RenderReason.EMPTY, block)
    if _MARKUP.search(text):
        raise RenderError(template, RenderReason.LEFTOVER_MARKUP, block)
    if not _is_clean(text):
        raise RenderError(template, RenderReason.CONTROL_CHARACTER, block)
    return text


def _is_clean(text: str) -> bool:
    if text.isascii():
        return not text.encode().translate(None, _ASCII_IN_BODY)
    # Printable is quick to see and true of most SMS.
    return text.isprintable() or not _NOT_IN_BODY.search(text)


def _subject(template: str, text: str) -> str:
    if _NOT_IN_SUBJECT.search(text):
        raise RenderError(template, RenderReason.CONTROL_CHARACTER, "subject")
    if len(text) > MAX_SUBJECT:
        raise RenderError(template, RenderReason.SUBJECT_TOO_LONG, "subject")
    return _body(template, "subject", text)
