"""Settings that every search method shares; each algorithm's module declares its own on top."""

from typing import Annotated

from pydantic import Field

from evoloss.strict_model import StrictModel


class MethodSettings(StrictModel):
    """The base of every algorithm's `Settings`."""

    algorithm: str
    """The algorithm: a module of `evoloss.search`."""
    pool: str = "default"
    """The pool whose first `population` individuals the run starts from."""
    population: Annotated[int, Field(ge=1, le=100_000)] = 20
    """P: individuals that survive each generation."""


class RescoreSettings(StrictModel):
    """Re-scoring of incumbents and finalists on fresh seeds and splits, off the search's books."""

    finalists: Annotated[int, Field(ge=1, le=1000)] = 3
    """How many of the last population are re-scored beside the successive incumbents."""
    repeats: Annotated[int, Field(ge=1, le=1000)] = 5
    """Fresh trainings a candidate and task."""
