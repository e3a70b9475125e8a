"""GP-LFL (Raymond et al., arXiv 2209.08907): the GP of EvoMAL without its local search.

From the authors' code: crossover 0.70, mutation 0.25 (a new subtree of height 0 to 2), elitism 0.05, one operator per
child; double tournament, parsimony first, of fitness size 4 and parsimony size 1; population 25 over 50 generations. If
a loss lacks label or prediction, a random leaf is replaced by an arithmetic operator over both. A loss whose printed
form was evaluated before reuses its fitness. Its function set and guards are the pool `gp_lfl` of
config/as_published.yaml.

Chosen here: a child that is neither crossed nor mutated is a copy and reuses its parent's fitness. A child that fails
is drawn again from other parents by the same operator, so that copies, which cannot fail, keep their share. Elitism
0.05 of 25 is one individual. The places of failed children go to the next best parents. On equal fitness a tournament
prefers the smaller individual.
"""

from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from evoloss.expressions.settings import SearchSpace
from evoloss.expressions.tree import Expression, arity
from evoloss.expressions.variation import subtree_crossover, subtree_mutation
from evoloss.search.method import Breeding, Individual, ranked, replace
from evoloss.search.settings import GenerationalSettings, Published, SourceCheck
from evoloss.strict_model import Problem

CODE = "EvoMAL's code and configuration"
ARITHMETIC = ("add", "sub", "mul", "div", "aq")


class Settings(GenerationalSettings):
    """Settings of `gp_lfl`."""

    published: ClassVar[dict[str, Published]] = {
        "population": Published(25, "code", CODE),
        "elites": Published(1, "code", CODE + ": 0.05, in the configuration alone"),
        "crossover_probability": Published(0.7, "code", CODE),
        "mutation_probability": Published(0.25, "code", CODE),
        "fitness_tournament": Published(4, "code", CODE),
        "parsimony_tournament": Published(1.0, "code", CODE),
        "attempts": Published(1, "code", CODE + ": rejected ones have the worst fitness"),
        "reuse": Published(True, "code", CODE),
    }
    source_check: ClassVar[SourceCheck | None] = SourceCheck(
        stages=("structure", "novel", "learns"),
        initial=True,
        evidence="code",
        where=CODE
        + ": label and prediction must occur, an archive of printed losses, and a rejection of "
        "losses by which predictions themselves do not improve",
    )

    algorithm: Literal["gp_lfl"] = "gp_lfl"
    reuse: bool = True
    """Reuse the fitness of losses already evaluated."""
    crossover_probability: Annotated[float, Field(ge=0, le=1)] = 0.7
    """Probability that a child is bred by crossover."""
    mutation_probability: Annotated[float, Field(ge=0, le=1)] = 0.25
    """Probability that a child is bred by subtree mutation; the remaining children are copies."""
    fitness_tournament: Annotated[int, Field(ge=1, le=100_000)] = 4
    """Size of the second tournament, which the fittest wins."""
    parsimony_tournament: Annotated[float, Field(ge=1, le=2)] = 1.0
    """Twice the probability that the smaller of two individuals enters it: 1 is no pressure, 2 always the smaller."""
    attempts: Annotated[int, Field(ge=1, le=1000)] = 1
    """How often a child may be drawn; 1 drops a child that fails the functional check."""

    def problems(self) -> Iterator[Problem]:
        """Probabilities that add up to more than 1."""
        yield from super().problems()
        if self.crossover_probability + self.mutation_probability > 1 + 1e-9:
            yield (
                "crossover_probability",
                "with mutation_probability it is more than 1, but a child is bred by at most one of them",
            )


def slots(settings: Settings, generation: int) -> int:
    """The number of children; copies among them need no training."""
    return settings.children


def breed(breeding: Breeding) -> None:
    """Propose children of the winners of double tournaments."""
    settings, rng, space = breeding.settings, breeding.rng, breeding.space

    def winner() -> Individual:
        return double_tournament(breeding.population, settings, rng)

    for slot in range(settings.children):
        chance = rng.random()
        for _ in range(settings.attempts):
            first = winner()
            child, parents, operator = first.expression, [first.candidate_id], "copy"
            if chance < settings.crossover_probability:
                operator, second = "crossover", winner()
                child = subtree_crossover(child, second.expression, space, rng, redraws=0)
                parents.append(second.candidate_id)
            elif chance < settings.crossover_probability + settings.mutation_probability:
                operator = "subtree_mutation"
                child = subtree_mutation(child, space, rng, redraws=0)
            if breeding.propose(slot, repaired(child, space, rng), operator, parents):
                break


def double_tournament(
    population: Sequence[Individual], settings: Settings, rng: np.random.Generator
) -> Individual:
    """Luke & Panait (2002), parsimony first: the fittest of several contenders, each chosen from two by size."""

    def contender() -> Individual:
        pair = [population[i] for i in rng.integers(len(population), size=2)]
        smaller, larger = sorted(pair, key=lambda i: i.expression.size)
        if smaller.expression.size == larger.expression.size:
            return pair[0]
        return smaller if rng.random() < settings.parsimony_tournament / 2 else larger

    return ranked(contender() for _ in range(settings.fitness_tournament))[0]


def repaired(tree: Expression, space: SearchSpace, rng: np.random.Generator) -> Expression:
    """The tree if it contains p and y; else the tree with a random leaf replaced by an operator over both.

    Returned unchanged if there is no such operator or the limits would break; the functional check then rejects it.
    """
    if "p" in tree and "y" in tree:
        return tree
    operators = [name for name in ARITHMETIC if name in space.functions]
    leaves = [index for index, node in enumerate(tree.nodes) if arity(node) == 0]
    if not operators:
        return tree
    operator = operators[rng.integers(len(operators))]
    joined = Expression((operator, *(["p", "y"] if rng.random() < 0.5 else ["y", "p"])))
    new = tree.replaced(leaves[rng.integers(len(leaves))], joined)
    return new if new.size <= space.max_size and new.depth <= space.max_depth else tree


def select(
    population: Sequence[Individual], evaluated: Sequence[Individual], settings: Settings
) -> list[Individual]:
    """Generational replacement with elites."""
    return replace(population, evaluated, settings.population, settings.elites)
