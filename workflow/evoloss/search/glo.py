"""GLO (Gonzalez & Miikkulainen, arXiv 1905.11528): tree GP, then CMA-ES on the winner's coefficients.

From the paper (its abstract; numbers recalled, unverified): roulette selection, six elites of 80, subtree swap with
probability 0.8, every node mutated with probability 0.05, a cache of losses already scored, fitness 0 for losses that
fail; then a coefficient on every node of the winner, and CMA-ES with initial step 1.5. No code was published.

Chosen here: each child is one side of a subtree swap between two roulette parents. Fitness below chance counts as 0 in
the roulette. A child that fails is drawn again from other parents by the same operators, so that copies, which cannot
fail, keep their share. The places of failed children go to the next best parents. The switch to CMA-ES comes at a fixed
generation (`tuning_from`). From then on CMA-ES samples `tuning_population` vectors per generation. (Its own rule,
4 + floor(3 ln n), depends on the winner's size n, which is not known when a study is planned.) Coefficients start at 1
and multiply the result of their node. Trees with coefficients may be three times as large as the pool allows.
"""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from evoloss.expressions.settings import SearchSpace
from evoloss.expressions.tree import Expression, Node, rounded
from evoloss.expressions.variation import node_mutation, subtree_crossover
from evoloss.search.cma_es import propose_generation
from evoloss.search.method import Breeding, Individual, best_of, replace
from evoloss.search.settings import GenerationalSettings, Published, SourceCheck

RECALLED = "arXiv 1905.11528, unverified"


class Settings(GenerationalSettings):
    """Settings of `glo`."""

    published: ClassVar[dict[str, Published]] = {
        "population": Published(80, "recalled", RECALLED),
        "elites": Published(6, "recalled", RECALLED),
        "crossover_probability": Published(0.8, "recalled", RECALLED),
        "node_probability": Published(0.05, "recalled", RECALLED),
        "tuning_from": Published(101, "recalled", RECALLED + ": about 100 generations on MNIST"),
        "tuning_population": Published(12, "chosen", "their rule at about 15 coefficients"),
        "sigma": Published(1.5, "recalled", RECALLED),
        "attempts": Published(1, "recalled", RECALLED + ": failures score 0"),
        "reuse": Published(True, "recalled", RECALLED),
    }
    source_check: ClassVar[SourceCheck | None] = SourceCheck(
        stages=("novel",),
        initial=None,
        evidence="recalled",
        where=RECALLED + ": a cache of losses already scored",
    )

    algorithm: Literal["glo"] = "glo"
    reuse: bool = True
    """Reuse the fitness of losses already scored; if false, stage `novel` rejects copies."""
    elites: Annotated[int, Field(ge=0, le=100_000)] = 3
    """Individuals that are carried over; the rest of the population are children."""
    crossover_probability: Annotated[float, Field(ge=0, le=1)] = 0.8
    """Probability that a child takes a subtree of a second parent; otherwise it is a copy."""
    node_probability: Annotated[float, Field(ge=0, le=1)] = 0.05
    """Probability that a node of a child is mutated."""
    tuning_from: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """First generation in which CMA-ES tunes the winner's coefficients; null never tunes them."""
    tuning_population: Annotated[int, Field(ge=4, le=100_000)] = 12
    """Vectors per generation of CMA-ES."""
    sigma: Annotated[float, Field(gt=0, le=1000)] = 1.5
    """Initial step of CMA-ES."""
    attempts: Annotated[int, Field(ge=1, le=1000)] = 1
    """How often a child or vector may be drawn; 1 drops one that fails the functional check."""

    def tunes(self, generation: int) -> bool:
        """Whether CMA-ES makes this generation."""
        return self.tuning_from is not None and generation >= self.tuning_from


def slots(settings: Settings, generation: int) -> int:
    """The number of GP children or of CMA-ES vectors."""
    if settings.tunes(generation):
        return settings.tuning_population
    return settings.children


def space(settings: Settings, generation: int, given: SearchSpace) -> SearchSpace:
    """The pool's limits; enlarged once every node has a coefficient."""
    if not settings.tunes(generation):
        return given
    return given.model_copy(
        update={"max_size": 3 * given.max_size, "max_depth": 2 * given.max_depth + 1}
    )


def breed(breeding: Breeding) -> None:
    """Propose children of the GP or, from `tuning_from` on, the winner with new coefficients."""
    if breeding.settings.tunes(breeding.generation):
        _tune(breeding)
    else:
        _cross(breeding)


def _cross(breeding: Breeding) -> None:
    settings, rng = breeding.settings, breeding.rng
    for slot in range(settings.children):
        crossed = rng.random() < settings.crossover_probability
        child, operator, parents = _child(breeding, rng, crossed)
        for _ in range(settings.attempts):
            if breeding.propose(slot, child, operator, parents):
                break
            drawn = ""
            while drawn != operator:
                child, drawn, parents = _child(breeding, rng, crossed)


def _child(
    breeding: Breeding, rng: np.random.Generator, crossed: bool
) -> tuple[Expression, str, list[str]]:
    """A child, the operators that made it, and its parents."""
    parent, mate = roulette(breeding.population, rng), roulette(breeding.population, rng)
    child, operators, parents = parent.expression, [], [parent.candidate_id]
    if crossed:
        child = subtree_crossover(child, mate.expression, breeding.space, rng)
        operators.append("crossover")
        parents.append(mate.candidate_id)
    mutant = node_mutation(child, breeding.space, breeding.settings.node_probability, rng)
    if mutant != child:
        operators.append("node_mutation")
    return mutant, "+".join(operators) or "copy", parents


def roulette(population: Sequence[Individual], rng: np.random.Generator) -> Individual:
    """One individual, with probability proportional to its fitness."""
    weights = np.array([max(0.0, individual.fitness) for individual in population])
    total = weights.sum()
    return population[rng.choice(len(population), p=weights / total if total > 0 else None)]


def _tune(breeding: Breeding) -> None:
    settings = breeding.settings
    winner = best_of(s for s in breeding.history if s.generation < settings.tuning_from)
    propose_generation(
        breeding,
        [1.0] * winner.expression.size,
        settings.tuning_population,
        settings.tuning_from,
        lambda vector: with_coefficients(winner.expression, vector),
        [winner.candidate_id],
    )


def with_coefficients(tree: Expression, coefficients: Sequence[float]) -> Expression:
    """The tree with every node's result multiplied by its coefficient, in prefix order."""
    nodes: list[Node] = []
    for node, coefficient in zip(tree.nodes, coefficients, strict=True):
        if isinstance(node, str):
            nodes += ["mul", rounded(coefficient), node]
        else:
            nodes.append(rounded(coefficient * node))
    return Expression(tuple(nodes))


def select(
    population: Sequence[Individual], evaluated: Sequence[Individual], settings: Settings
) -> list[Individual]:
    """Generational replacement with elites."""
    return replace(population, evaluated, settings.population, settings.elites)
