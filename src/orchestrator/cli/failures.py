"""From what went wrong to one clear line a problem and an exit code."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

PROBLEMS, USAGE, INPUT, DATABASE, INTERRUPTED = 1, 2, 3, 4, 130
NOBODY_READS = 141  #: as of a program that SIGPIPE ended


class UsageProblemError(Exception):
    """The command cannot be carried out as asked; the message says what to do instead."""


@dataclass(frozen=True, slots=True)
class Failure:
    code: int
    lines: tuple[str, ...]


def explain(error: Exception) -> Failure | None:
    """Return what to tell the person; none for what nobody foresaw."""
    # By name, along the ancestors: importing every error class would cost each call its start-up.
    for ancestor in type(error).__mro__:
        known = _KNOWN.get(ancestor.__name__)
        if known is not None and ancestor.__module__.partition(".")[0] in _OWN:
            code, say = known
            return Failure(code, tuple(say(error)))
    if type(error).__module__.startswith("sqlalchemy."):
        return Failure(DATABASE, (_database(error),))
    if isinstance(error, OSError):
        return Failure(INPUT, (_file(error),))
    return None


def _text(error: Exception) -> list[str]:
    return str(error).splitlines() or [type(error).__name__]


def _settings(error: Exception) -> list[str]:
    details: list[dict[str, Any]] = getattr(error, "errors", list)()
    return [
        f"setting ORCHESTRATOR_{'_'.join(map(str, each['loc'])).upper()}: "
        f"{each['msg'].removeprefix('Value error, ')}. "
        "Correct the environment variable"
        for each in details
    ]


def _database(error: Exception) -> str:
    # Only the driver's headline: its further lines may quote a customer's row.
    cause = getattr(error, "orig", None) or error
    headline = str(cause).splitlines()[0] if str(cause) else type(cause).__name__
    remedy = _REMEDIES.get(
        headline, "Nothing of the step under way was kept. See docs/operating.md"
    )
    return f"the database refused: {headline}. {remedy}"


def _file(error: OSError) -> str:
    named = f"{error.filename}: " if error.filename else ""
    return f"{named}{error.strerror or type(error).__name__}. Check the path, its rights and the space left"


_REMEDIES = {
    "database or disk is full": "Free some space and run the same command again; what was committed is kept",
    "attempt to write a readonly database": "Give this user the right to write the file and its folder",
    "database is locked": "Another process has been writing for half a minute; run the command again",
    "disk I/O error": "Check the disk, the space left and the limit of a file's size; what was committed is kept",
    "file is not a database": "The file is damaged or something else; restore it or name another",
}
_OWN = frozenset({"orchestrator", "pydantic", "pydantic_core", "builtins"})
_KNOWN: dict[str, tuple[int, Callable[[Exception], list[str]]]] = {
    "PlaybookError": (INPUT, _text),
    "ImportFileError": (INPUT, _text),
    "UnicodeDecodeError": (INPUT, _text),
    "DatabaseAwayError": (DATABASE, _text),
    "DatabaseUnsafeError": (DATABASE, _text),
    "NoRoomToRehearseError": (DATABASE, _text),
    "DatabaseQuarantinedError": (DATABASE, _text),
    "SchemaOutdatedError": (DATABASE, _text),
    "ValidationError": (USAGE, _settings),
    "UsageProblemError": (USAGE, _text),
    "DemonstrationShopError": (USAGE, _text),
    "UnknownPlaybookError": (USAGE, _text),
    "UnreadableMomentError": (USAGE, _text),
    "UnknownProviderError": (USAGE, _text),
    "CampaignNameTakenError": (USAGE, _text),
    "CampaignNameUnfitError": (USAGE, _text),
    "CampaignNotThereError": (USAGE, _text),
    "CampaignUnknownError": (USAGE, _text),
    "CampaignOverError": (USAGE, _text),
    "MessageNotThereError": (USAGE, _text),
    "MessageNotUnresolvedError": (USAGE, _text),
    "CustomerUnknownError": (USAGE, _text),
    "NotInAudienceError": (USAGE, _text),
    "WaveUnknownError": (USAGE, _text),
    "LocaleUnknownError": (USAGE, _text),
    "LocaleNotThereError": (USAGE, _text),
    "ShopNotEmptyError": (USAGE, _text),
    "NoEventDayError": (USAGE, _text),
}
