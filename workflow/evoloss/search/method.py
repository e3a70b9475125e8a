"""The protocol of a search method: ask and tell, without I/O, clock or global state.

An algorithm is a module of this package with

- `Settings`, a subclass of `MethodSettings`;
- `slots(settings, generation)`, the most trainings that a generation (1, 2, ...) may need;
- `breed(breeding)`, which offers children through `breeding.propose`, and may ask for individuals of
  the population to be trained once more through `breeding.rescore`;
- `select(population, evaluated, settings)`, which returns the next population;
- if it needs one, `space(settings, generation, space)`, the limits of what it breeds in a generation.

It never trains and never checks: `propose` runs the functional check and says whether the child got
its slot. A child that did not may be drawn again, up to `attempts` times in all, but by the same operator: a
coin that chooses one is tossed once a slot, or operators whose children seldom fail would have more than
their share. What a method must remember is in its tables, which it is shown as `breeding.history`. A method
without a pool (`pool: null`) breeds generation 0 too. Torch is not imported here.
"""

import dataclasses
import importlib
import importlib.util
import pkgutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Self

import numpy as np

import evoloss.search
from evoloss.errors import UserError
from evoloss.expressions.parsing import parse
from evoloss.expressions.settings import SearchSpace
from evoloss.expressions.tree import Expression

PROTOCOL = ("Settings", "slots", "breed", "select")


class _OfRow:
    """What a row of a table says, under the names of its columns."""

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """What the row says."""
        values = {field.name: row[field.name] for field in dataclasses.fields(cls)}
        return cls(**values | {"expression": parse(row["expression"])})

    @property
    def trained_as(self) -> str:
        """The candidate whose trainings its fitness is of."""
        return self.twin_of or self.candidate_id


@dataclass(frozen=True)
class Individual(_OfRow):
    """A candidate with a fitness, which is the mean of `evaluations` trainings a task: a row of `population`.

    `twin_of`: the earlier candidate that trains alike and whose fitness it has, if there is one.
    `rate_multiple`: the rate of those trainings, as a multiple of cross entropy's.
    """

    candidate_id: str
    expression: Expression
    fitness: float
    evaluations: int
    born: int
    twin_of: str | None = None
    rate_multiple: float = 1.0


@dataclass(frozen=True)
class Score(_OfRow):
    """What came of one planned candidate of a generation, a row of `scores`; without fitness and rate when it failed.

    `fitness` is the mean of `evaluations` trainings a task: of one, unless it was reused.
    """

    candidate_id: str
    slot: int
    expression: Expression
    generation: int
    purpose: str
    fitness: float | None
    evaluations: int = 1
    twin_of: str | None = None
    rate_multiple: float | None = 1.0

    def as_individual(self) -> Individual:
        """The candidate as an individual; it has a fitness."""
        return Individual(
            self.candidate_id,
            self.expression,
            self.fitness,
            self.evaluations,
            self.generation,
            self.twin_of,
            self.rate_multiple,
        )


Propose = Callable[..., bool]
"""(slot, child, operator, ids of the parents, objection=None) -> whether the child has the slot.

An `objection` is the sentence of a method's own check: the child is recorded as rejected by `method`.
"""


@dataclass(frozen=True)
class Breeding:
    """What a method may know when it breeds generation `generation`.

    `history`: all scores of the generations before, in order. `stream(*parts)`: the random generator of
    this run that is named by `parts`, always the same; `rng` is the one of this generation.
    `classes`: the numbers of classes of the search tasks.
    """

    settings: Any
    generation: int
    population: Sequence[Individual]
    space: SearchSpace
    stream: Callable[..., np.random.Generator]
    propose: Propose
    rescore: Callable[[int, Individual], None] = lambda slot, individual: None
    history: Sequence[Score] = ()
    classes: Sequence[int] = (10,)

    @property
    def rng(self) -> np.random.Generator:
        """The stream of this generation, from its beginning."""
        return self.stream(self.generation)


def load_algorithm(name: str) -> ModuleType:
    """The module of an algorithm; raises UserError with the known names when there is none."""
    if name.isidentifier() and importlib.util.find_spec(f"evoloss.search.{name}"):
        module = importlib.import_module(f"evoloss.search.{name}")
        if all(hasattr(module, part) for part in PROTOCOL):
            return module
    raise UserError(f"unknown algorithm {name!r}; there are {', '.join(algorithms())}")


def algorithms() -> list[str]:
    """The names of all algorithms."""
    modules = [m.name for m in pkgutil.iter_modules(evoloss.search.__path__)]
    return [
        name
        for name in sorted(modules)
        if all(hasattr(importlib.import_module(f"evoloss.search.{name}"), p) for p in PROTOCOL)
    ]


def ranked(individuals: Iterable[Individual]) -> list[Individual]:
    """Best first; of equals the smaller tree, then the lower id."""
    return sorted(individuals, key=lambda i: (-i.fitness, i.expression.size, i.candidate_id))


def truncate(
    population: Sequence[Individual], evaluated: Sequence[Individual], size: int
) -> list[Individual]:
    """The `size` best of parents and children (mu + lambda, elitist)."""
    return ranked([*population, *evaluated])[:size]


def youngest(
    population: Sequence[Individual], evaluated: Sequence[Individual], size: int
) -> list[Individual]:
    """The `size` youngest of parents and children (ageing); of a generation the later slots."""
    everyone = sorted([*population, *evaluated], key=lambda i: (i.born, i.candidate_id))
    return everyone[-size:]


def replace(
    population: Sequence[Individual], evaluated: Sequence[Individual], size: int, elites: int
) -> list[Individual]:
    """Generational replacement: the `elites` best parents and all children.

    Places that stay empty, because children failed the check or their training, go to the next best
    parents, so that a population cannot die out.
    """
    parents = ranked(population)
    kept = [*parents[:elites], *ranked(evaluated)[: size - elites]]
    return [*kept, *parents[elites:]][:size]


def told(known: Iterable[Individual], scores: Iterable[Score]) -> list[Individual]:
    """Individuals after further scores: new ones join; who is scored again has the mean of all trainings as
    fitness, and so have all its twins. Who fails is gone, and its twins are."""
    found = {individual.candidate_id: individual for individual in known}
    means = {i.trained_as: (i.fitness, i.evaluations) for i in found.values()}
    for score in sorted(scores, key=lambda s: (s.generation, s.purpose == "rescore")):
        trained_as = score.trained_as
        if score.purpose != "rescore" and score.fitness is not None:
            found[score.candidate_id] = score.as_individual()
            means.setdefault(trained_as, (score.fitness, score.evaluations))
        elif trained_as in means:
            mean, n = means.pop(trained_as)
            if score.fitness is not None:
                means[trained_as] = (n * mean + score.fitness) / (n + 1), n + 1
    return [
        dataclasses.replace(i, fitness=means[i.trained_as][0], evaluations=means[i.trained_as][1])
        for i in found.values()
        if i.trained_as in means
    ]


def best_of(history: Iterable[Score]) -> Score:
    """The score of highest fitness; of equals the smaller tree, then the lower id."""
    scored = [score for score in history if score.fitness is not None]
    return min(scored, key=lambda s: (-s.fitness, s.expression.size, s.candidate_id))
