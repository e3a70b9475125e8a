"""Regularised evolution: the winner of a tournament is mutated, and the oldest individual dies.

Real et al. (arXiv 1802.01548), and Co-Reyes et al. (arXiv 2101.03958), who search loss functions of reinforcement
learning with it. From the code of the latter: population 300, tournaments of 25 with one winner, a mutation with
probability 0.95 and otherwise a fresh random program, both drawn anew until the program is valid (so the kind that fails
less often gets more than its share), the oldest dropped, the score of an equivalent program reused. Programs are graphs
of operations. A program that scores below 0.6 on a first, cheap environment is not tried on the others.

Chosen here: the children of a generation are drawn from the same population and trained side by side, as by
asynchronous workers; with `children: 1` the algorithm is the sequential one. Their mutation replaces one operation and
its inputs. With `representation: graph` that is `operation_mutation` or, for a parameter or with the inputs kept,
one-point mutation, equally often; on trees it is subtree or one-point mutation. A search for classification losses has
no cheaper environment. So the hurdle looks at the first third of the training: accuracy on training batches there has a
rank correlation of 0.87 with the final validation accuracy (`racing.py`).
"""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from evoloss.expressions.graph_variation import MUTATIONS, random_graph
from evoloss.expressions.variation import ramped_half_and_half
from evoloss.search.method import Breeding, Individual, ranked, youngest
from evoloss.search.settings import MutationSettings, Published, SourceCheck
from evoloss.strict_model import Problem

CODE = "google/brain_autorl, evolving_rl"


class Settings(MutationSettings):
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
        "representation": Published("graph", "code", CODE),
        "smallest_alignment": Published(-1.0, "code", CODE + ": a path to the weights, no more"),
        "hurdle": Published(
            {"rungs": [1 / 3], "judged_by": "validation", "share": 0.6},
            "code",
            CODE
            + ": 0.6 of the score on a first, cheap environment; here of cross entropy's gain after a "
            "third of the training",
        ),
    }
    source_check: ClassVar[SourceCheck | None] = SourceCheck(
        stages=("structure", "gradient", "novel"),
        initial=None,
        evidence="code",
        where=CODE + ": types, a path from the loss to the weights, a cache of equivalent programs",
    )
    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "real": {
            "population": 100,
            "tournament": 25,
            "fresh_probability": 0.0,
            "reuse": False,
            "representation": "tree",
            "smallest_alignment": None,
            "hurdle": None,
        }
    }

    algorithm: Literal["regularised_evolution"] = "regularised_evolution"
    children: Annotated[int, Field(ge=1, le=100_000)] = 5
    """Children per generation, each from its own tournament; as many of the oldest die."""
    tournament: Annotated[int, Field(ge=1, le=100_000)] = 10
    """Individuals sampled uniformly, without replacement; the best of them is mutated."""
    fresh_probability: Annotated[float, Field(ge=0, le=1)] = 0.05
    """Probability that a child is a fresh random tree or graph."""
    subtree_probability: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Probability of subtree mutation (of graphs: operation mutation); otherwise one-point mutation."""
    attempts: Annotated[int, Field(ge=1, le=100_000)] = 1000
    """How often a child may be drawn until one passes the functional check."""

    def problems(self) -> Iterator[Problem]:
        """A tournament that is larger than the population."""
        yield from super().problems()
        if self.tournament > self.population:
            yield (
                "tournament",
                f"{self.tournament} is larger than the population ({self.population})",
            )


def slots(settings: Settings, generation: int) -> int:
    """The number of children."""
    return settings.children


def breed(breeding: Breeding) -> None:
    """Propose a mutant of each tournament's winner, or now and then a fresh random tree or graph."""
    settings, rng = breeding.settings, breeding.rng
    population = ranked(breeding.population)
    size = min(settings.tournament, len(population))
    for slot in range(settings.children):
        winner = population[min(rng.choice(len(population), size=size, replace=False))]
        for draw in range(settings.attempts):
            parents = [winner.candidate_id]
            if rng.random() < settings.fresh_probability:
                operator, parents = "random", []
                child = (
                    ramped_half_and_half(breeding.space, draw, rng)
                    if settings.representation == "tree"
                    else random_graph(breeding.space, rng)
                )
            else:
                new = rng.random() < settings.subtree_probability
                mutate = MUTATIONS[settings.representation][0 if new else 1]
                child, operator = mutate(winner.expression, breeding.space, rng), mutate.__name__
            if breeding.propose(slot, child, operator, parents):
                break


def select(
    population: Sequence[Individual], evaluated: Sequence[Individual], settings: Settings
) -> list[Individual]:
    """The oldest die."""
    return youngest(population, evaluated, settings.population)
