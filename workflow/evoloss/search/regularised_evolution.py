"""Regularised evolution: tournament, mutate the winner, the oldest dies.

Real et al. (arXiv 1802.01548), and Co-Reyes et al. (arXiv 2101.03958), who search loss functions of
reinforcement learning with it. From their code: population 300, tournaments of 25 with one winner, a
mutation with probability 0.95 and otherwise a fresh random program, mutation repeated until the new
program is valid, the oldest dropped, the score of an equivalent program reused.

Chosen here: children of one generation are drawn from the same population and trained side by side, as
by asynchronous workers; with `children: 1` the algorithm is the sequential one. Their mutation replaces
one operation and its inputs; on trees that is subtree mutation or, with the inputs kept, one-point mutation,
evenly.
"""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from evoloss.expressions.variation import ramped_half_and_half, subtree_or_one_point_mutation
from evoloss.search.method import Breeding, Individual, ranked, youngest
from evoloss.search.settings import MethodSettings, Published, SourceCheck

CODE = "google/brain_autorl, evolving_rl"


class Settings(MethodSettings):
    """Settings of `regularised_evolution`."""

    published: ClassVar[dict[str, Published]] = {
        "population": Published(300, "code", CODE),
        "children": Published(1, "code", CODE),
        "tournament": Published(25, "code", CODE),
        "fresh_probability": Published(0.05, "code", CODE),
        "subtree_probability": Published(
            0.5, "chosen", "their mutation has no counterpart on trees"
        ),
        "attempts": Published(1000, "code", CODE + ": until valid"),
        "reuse": Published(True, "code", CODE + ": functional equivalence"),
    }
    source_check: ClassVar[SourceCheck | None] = SourceCheck(
        stages=("structure", "gradient", "novel"),
        initial=None,
        evidence="code",
        where=CODE + ": types, a path from the loss to the weights, a cache of equivalent programs",
    )
    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "real": {"population": 100, "tournament": 25, "fresh_probability": 0.0, "reuse": False},
    }

    algorithm: Literal["regularised_evolution"] = "regularised_evolution"
    children: Annotated[int, Field(ge=1)] = 5
    """Children a generation, each of its own tournament; as many of the oldest die."""
    tournament: Annotated[int, Field(ge=1)] = 10
    """Individuals sampled uniformly, without replacement, whose best is mutated."""
    fresh_probability: Annotated[float, Field(ge=0, le=1)] = 0.05
    """Probability that a child is a fresh random tree."""
    subtree_probability: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Probability of subtree mutation; otherwise one-point mutation."""
    attempts: Annotated[int, Field(ge=1, le=100_000)] = 1000
    """Draws a child until it passes the functional check."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.tournament > self.population:
            raise ValueError(
                f"tournament: {self.tournament} is larger than the population ({self.population})"
            )
        return self


def slots(settings: Settings, generation: int) -> int:
    """One training a child."""
    return settings.children


def breed(breeding: Breeding) -> None:
    """Offer a mutant of each tournament's winner, or now and then a fresh tree."""
    settings, rng = breeding.settings, breeding.rng
    population = ranked(breeding.population)
    size = min(settings.tournament, len(population))
    for slot in range(settings.children):
        winner = population[min(rng.choice(len(population), size=size, replace=False))]
        for draw in range(settings.attempts):
            parents = [winner.candidate_id]
            if rng.random() < settings.fresh_probability:
                operator, parents = "random", []
                child = ramped_half_and_half(breeding.space, draw, rng)
            else:
                child, operator = subtree_or_one_point_mutation(
                    winner.expression, breeding.space, settings.subtree_probability, rng
                )
            if breeding.propose(slot, child, operator, parents):
                break


def select(
    population: Sequence[Individual], evaluated: Sequence[Individual], settings: Settings
) -> list[Individual]:
    """The oldest die."""
    return youngest(population, evaluated, settings.population)
