"""The concern register: what buyers of a category ask, and the answer a person wrote."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from orchestrator.playbooks.values import Strict

Audience = Literal["new", "returning", "any"]
CategoryName = Annotated[str, StringConstraints(pattern=r"^[^\s./\\]([^./\\]{0,58}[^\s./\\])?$")]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, pattern=r"^[^\r\n]+$")]


class ConcernEntry(Strict):
    """
    One question with its answer, for buyers of a category.

    ``curator`` names the role that read the chats and reviews, ``evidence`` counts in how many of
    them the question was found.
    """

    locale: str
    category: CategoryName
    audience: Audience = "any"
    question: Annotated[Line, Field(max_length=120)]
    answer: Annotated[Line, Field(max_length=600)]
    curator: Line
    dated: date
    evidence: int = Field(ge=1)

    def speaks_to(self, track: str) -> bool:
        return self.audience in ("any", track)


class ConcernFile(Strict):
    """``concerns/<locale>.yaml``; the locale of an entry is its file's."""

    concerns: tuple[ConcernEntry, ...] = Field(min_length=1)
