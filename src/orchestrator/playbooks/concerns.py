"""The concern register: what buyers of a category ask, and the answer a person wrote."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from orchestrator.playbooks.values import DayText, Strict

Audience = Literal["new", "returning", "any"]
CategoryName = Annotated[str, StringConstraints(pattern=r"^[^\s./\\]([^./\\]{0,58}[^\s./\\])?$")]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, pattern=r"^[^\r\n]+$")]


class WrittenConcern(Strict):
    """One entry as it stands in a file; the file's name says the locale."""

    category: CategoryName
    audience: Audience = "any"
    question: Annotated[Line, Field(max_length=120)]
    answer: Annotated[Line, Field(max_length=600)]
    curator: Line = Field(description="The role that read the chats and reviews and answers for it")
    dated: DayText
    evidence: int = Field(ge=1, description="In how many chats and reviews the question was found")


class ConcernFile(Strict):
    """``concerns/<locale>.yaml``."""

    concerns: tuple[WrittenConcern, ...] = Field(min_length=1)


class ConcernEntry(WrittenConcern):
    """One question with its answer, for buyers of a category, in one language."""

    locale: str

    def speaks_to(self, track: str) -> bool:
        return self.audience in ("any", track)
