"""From a folder, or from the pinned copy in the database, to a playbook or all that is wrong with it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from orchestrator.playbooks.concerns import ConcernEntry, ConcernFile
from orchestrator.playbooks.coverage import Coverage
from orchestrator.playbooks.document import Document, read_document
from orchestrator.playbooks.limits import check_rules
from orchestrator.playbooks.mending import mended
from orchestrator.playbooks.model import Definition
from orchestrator.playbooks.offers import check_offers
from orchestrator.playbooks.playbook import Playbook, version_of
from orchestrator.playbooks.problems import PlaybookError, Problem, did_you_mean
from orchestrator.playbooks.reminders import check_reminders
from orchestrator.playbooks.schema import schema_of
from orchestrator.playbooks.sequence import check_sequence
from orchestrator.playbooks.template import TemplateFacts, read_template
from orchestrator.playbooks.texts import TextPath
from orchestrator.playbooks.wording import problems_of

MAIN_FILE = "playbook.yaml"
CONCERNS = "concerns"
MAX_FILES = 1000
MAX_BYTES = 1024 * 1024

_Model = TypeVar("_Model", bound=BaseModel)


def read_playbook(folder: Path) -> Playbook:
    """Return the playbook of a folder; PlaybookError carries every problem in it at once."""
    problems: list[Problem] = []
    files = dict(_texts_in(folder, problems))
    return _build(files, problems, str(folder))


def playbook_from_files(files: Mapping[str, str]) -> Playbook:
    """Return the playbook of a pinned copy; the same files give the same version."""
    return _build({path: _normalised(text) for path, text in files.items()}, [], "")


def reopen_playbook(files: Mapping[str, str]) -> Playbook:
    """
    Return the playbook of a copy that was checked when its campaign was launched.

    How its parts go together is not asked again: a later version's stricter rules must not stop a
    campaign under way. PlaybookError only where a file cannot be read at all.
    """
    problems: list[Problem] = []
    facts = _read_templates(files, problems)
    concerns = _read_concerns(files, problems)
    _, definition = _read_definition(files, problems)
    if problems or definition is None:
        raise PlaybookError(problems, "")
    pinned = MappingProxyType(dict(files))
    return Playbook(definition, pinned, version_of(pinned), concerns, MappingProxyType(facts))


def _build(files: Mapping[str, str], problems: list[Problem], folder: str) -> Playbook:
    facts = _read_templates(files, problems)
    concerns = _read_concerns(files, problems)
    document, definition = _read_definition(files, problems)
    meant = document and (
        mended(document, problems) if definition is None else (document, definition)
    )
    if meant:
        _check(*meant, problems, files=files, facts=facts, concerns=concerns)
    if problems or definition is None:
        raise PlaybookError(problems, folder)
    pinned = MappingProxyType(dict(files))
    return Playbook(definition, pinned, version_of(pinned), concerns, MappingProxyType(facts))


def _check(
    document: Document,
    definition: Definition,
    problems: list[Problem],
    *,
    files: Mapping[str, str],
    facts: Mapping[str, TemplateFacts],
    concerns: tuple[ConcernEntry, ...],
) -> None:
    """Add what no single key shows; nothing that follows only from what is made up."""
    check_rules(definition, document, problems)
    check_sequence(definition, document, problems)
    check_offers(definition, document, problems)
    if not document.is_made_up("waves") and not document.is_made_up("offers"):
        check_reminders(definition, document, problems)
    if document.is_made_up("locales"):
        return
    _check_concern_locales(definition, files, problems)
    readable = not any(problem.file.startswith(f"{CONCERNS}/") for problem in problems)
    if len({wave.wave for wave in definition.waves}) == len(definition.waves):
        Coverage(definition, document, files, facts, concerns, readable, problems).check()


def _read_definition(
    files: Mapping[str, str], problems: list[Problem]
) -> tuple[Document | None, Definition | None]:
    if MAIN_FILE not in files:
        # A file that is there and unreadable has its problem already.
        if not any(problem.file in (MAIN_FILE, ".") for problem in problems):
            remedy = "Create it; see docs/playbook-format.md."
            problems.append(Problem(MAIN_FILE, 1, "the file is missing", remedy))
        return None, None
    document = read_document(MAIN_FILE, files[MAIN_FILE], problems)
    if document is None:
        return None, None
    return document, _checked(Definition, document, problems)


def _read_templates(files: Mapping[str, str], problems: list[Problem]) -> dict[str, TemplateFacts]:
    found: dict[str, TemplateFacts] = {}
    for path in sorted(files):
        parsed = TextPath.parse(path)
        facts = parsed and read_template(path, files[path], parsed.channel, problems)
        if facts:
            found[path] = facts
    return found


def _read_concerns(files: Mapping[str, str], problems: list[Problem]) -> tuple[ConcernEntry, ...]:
    found: list[ConcernEntry] = []
    for path in sorted(files):
        if path.startswith(f"{CONCERNS}/"):
            found += _concerns_of(path, files[path], problems)
    return tuple(found)


def _concerns_of(path: str, text: str, problems: list[Problem]) -> tuple[ConcernEntry, ...]:
    document = read_document(path, text, problems)
    if document is None:
        return ()
    checked = _checked(ConcernFile, document, problems)
    if checked is None:
        return ()
    _check_questions(checked, document, problems)
    locale = _locale_of(path)
    return tuple(ConcernEntry(locale=locale, **dict(entry)) for entry in checked.concerns)


def _check_questions(checked: ConcernFile, document: Document, problems: list[Problem]) -> None:
    seen: set[tuple[str, str, str]] = set()
    for index, entry in enumerate(checked.concerns):
        key = (entry.category, entry.audience, entry.question)
        if key in seen:
            line = document.line("concerns", index, "question")
            message = f"the question is here twice for {entry.category}, {entry.audience}"
            problems.append(Problem(document.file, line, message, "Keep one answer."))
        seen.add(key)


def _checked(model: type[_Model], document: Document, problems: list[Problem]) -> _Model | None:
    try:
        return model.model_validate(document.data, by_alias=True, by_name=False)
    except ValidationError as error:
        problems += problems_of(error, document, schema_of(model))
        return None


def _check_concern_locales(
    definition: Definition, files: Mapping[str, str], problems: list[Problem]
) -> None:
    for path in files:
        if path.startswith(f"{CONCERNS}/"):
            locale = _locale_of(path)
            if locale not in definition.locales:
                remedy = did_you_mean(locale, definition.locales)
                problems.append(Problem(path, 1, f"{locale} is not in locales", remedy))


def _locale_of(path: str) -> str:
    return path.removeprefix(f"{CONCERNS}/").removesuffix(".yaml")


def _texts_in(folder: Path, problems: list[Problem]) -> Iterator[tuple[str, str]]:
    if not folder.is_dir():
        problems.append(Problem(".", 1, "there is no such folder", "Give a playbook's folder."))
        return
    inside = folder.resolve()
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    if len(paths) > MAX_FILES:
        problems.append(
            Problem(".", 1, f"more than {MAX_FILES} files", "Give a playbook's folder.")
        )
        return
    for path in paths:
        # A name that is not UTF-8 on disk could not be printed in its own error.
        name = path.relative_to(folder).as_posix().encode(errors="replace").decode()
        if any(part.startswith(".") for part in name.split("/")) or name.endswith((".md", "~")):
            continue
        if not path.resolve().is_relative_to(inside):
            problems.append(Problem(name, 1, "links out of the folder", "Copy the file into it."))
        elif not _belongs(name):
            remedy = f"Keep {MAIN_FILE}, {CONCERNS}/*.yaml and *.j2 here only."
            problems.append(Problem(name, 1, "is no part of a playbook", remedy))
        elif (text := _text_of(path, name, problems)) is not None:
            yield name, text


def _belongs(name: str) -> bool:
    concerns = name.startswith(f"{CONCERNS}/") and name.endswith(".yaml") and name.count("/") == 1
    return name == MAIN_FILE or name.endswith(".j2") or concerns


def _text_of(path: Path, name: str, problems: list[Problem]) -> str | None:
    try:
        data = path.read_bytes() if path.stat().st_size <= MAX_BYTES else None
    except OSError as error:
        reason = error.strerror or "unknown reason"
        problems.append(Problem(name, 1, f"cannot be read: {reason}", "Check its permissions."))
        return None
    if data is None:
        problems.append(Problem(name, 1, f"larger than {MAX_BYTES:,} bytes", "Shorten it."))
        return None
    try:
        return _normalised(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        problems.append(Problem(name, line, "is not UTF-8", "Save it as UTF-8."))
        return None


def _normalised(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
