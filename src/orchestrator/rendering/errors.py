"""Why a text was not rendered, in words without a customer's data."""

from enum import StrEnum


class RenderReason(StrEnum):
    UNKNOWN_TEMPLATE = "unknown_template"
    MISSING_VALUE = "missing_value"  #: a value that the text needs is absent, None or empty
    WRONG_TYPE = "wrong_type"  #: values are text, whole numbers and dates
    CONTROL_CHARACTER = "control_character"  #: a line break in a subject, or what no text holds
    LEFTOVER_MARKUP = "leftover_markup"  #: braces of the template language in the result
    EMPTY = "empty"
    SUBJECT_TOO_LONG = "subject_too_long"
    TEMPLATE_FAILED = "template_failed"


class RenderError(ValueError):
    """``detail`` names a variable, a block or an error's type; never a value."""

    def __init__(self, template: str, reason: RenderReason, detail: str = "") -> None:
        self.template = template
        self.reason = reason
        self.detail = detail
        super().__init__(template, reason, detail)

    def __str__(self) -> str:
        return f"{self.template}: {self.reason.value}" + (
            f" ({self.detail})" if self.detail else ""
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RenderError) and self.args == other.args

    def __hash__(self) -> int:
        return hash(self.args)
