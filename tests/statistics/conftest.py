"""Results compared as whole values, their figures rounded."""

from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

import pytest

Result = TypeVar("Result")


@pytest.fixture
def rounded() -> Callable[[Result], Result]:
    return _rounded


def _rounded(result: Any) -> Any:
    if isinstance(result, float):
        return round(result, 5)
    if is_dataclass(result) and not isinstance(result, type):
        return replace(
            result,
            **{field.name: _rounded(getattr(result, field.name)) for field in fields(result)},
        )
    return result
