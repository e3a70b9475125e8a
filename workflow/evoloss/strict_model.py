"""The base of every settings model, and canonical JSON for handing settings to steps."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, model_validator

Problem = tuple[str, str]
"""A key below a model, and a sentence about what it got and what to write instead."""


class Disagreement(ValueError):
    """The values of some keys of a model are valid one by one, but not together."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(f"{key}: {sentence}" for key, sentence in problems))
        self.problems = problems


class StrictModel(BaseModel):
    """A frozen pydantic model that refuses unknown keys and silent type conversions."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True
    )

    def problems(self) -> Iterator[Problem]:
        """Combinations of valid values that are not allowed together. Models with such combinations override it."""
        yield from ()

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if found := list(self.problems()):
            raise Disagreement(found)
        return self


def not_once(**lists: Iterable[Any]) -> Iterator[Problem]:
    """One problem per list, given by its key, in which an entry stands twice."""
    for key, values in lists.items():
        values = list(values)
        if len(set(values)) < len(values):
            yield key, f"got {values}, but each entry may stand only once"


def canonical_json(value: Any) -> str:
    """`value` as JSON with sorted keys: equal settings give equal text, whatever their order."""
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json")
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")
