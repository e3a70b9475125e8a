"""Random search, the baseline that every method must beat: new random trees each generation; the best P are kept.

A generation has `children` slots. Each is filled by the first of up to `attempts` random trees that passes the
functional check. So by default it trains at least as often as a method with equally many slots that drops failures.
"""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from evoloss.expressions.variation import ramped_half_and_half
from evoloss.search.method import Breeding, Individual, truncate
from evoloss.search.settings import MethodSettings


class Settings(MethodSettings):
    """Settings of `random_search`."""

    algorithm: Literal["random_search"] = "random_search"
    children: Annotated[int, Field(ge=1, le=100_000)] = 5
    """New random trees trained per generation."""
    attempts: Annotated[int, Field(ge=1, le=100_000)] = 1000
    """Random trees that may be drawn for a slot before it stays empty."""


def slots(settings: Settings, generation: int) -> int:
    """The number of children."""
    return settings.children


def breed(breeding: Breeding) -> None:
    """Propose random trees of the initialiser until every slot is filled."""
    rng = breeding.rng
    for slot in range(breeding.settings.children):
        for draw in range(breeding.settings.attempts):
            child = ramped_half_and_half(breeding.space, draw, rng)
            if breeding.propose(slot, child, "random", []):
                break


def select(
    population: Sequence[Individual], evaluated: Sequence[Individual], settings: Settings
) -> list[Individual]:
    """Keep the P best ever seen."""
    return truncate(population, evaluated, settings.population)
