"""The protocol of a search method: ask and tell, without I/O, clock or global state.

An algorithm is a module of this package with

- `Settings`, a subclass of `MethodSettings`;
- `slots(settings, generation)`, the largest number of children and re-scored individuals of a generation (1, 2, ...);
- `breed(breeding)`, which proposes children through `breeding.propose`, and may have individuals of the population
  trained once more through `breeding.rescore`;
- `select(population, evaluated, settings)`, which returns the next population;
- if it needs one, `space(settings, generation, space)`, the limits of what it breeds in a generation.

A method never trains and never checks: `propose` runs the functional check and returns whether the child got its slot.
A child that failed may be drawn again, up to `attempts` times in all, but by the same operator: the operator is drawn
once per slot, since otherwise operators whose children seldom fail would get more than their share. A method keeps no
state: it reads its earlier scores from `breeding.history`. A method without a pool (`pool: null`) breeds generation 0
too. Torch is not imported here.
"""

import dataclasses
import importlib
import importlib.util
import pkgutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
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
    """A row of a table; the fields are named like the columns."""

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """Read a row; other columns are ignored."""
        values = {field.name: row[field.name] for field in dataclasses.fields(cls)}
        return cls(**values | {"expression": parse(row["expression"])})

    @property
    def trained_as(self) -> str:
        """The id of the candidate whose trainings gave this fitness."""
        return self.twin_of or self.candidate_id


@dataclass(frozen=True)
class Individual(_OfRow):
    """A candidate with a fitness, the mean of `evaluations` trainings per task: a row of `population`.

    `twin_of`: the earlier candidate that trains alike and whose fitness this one took, if there is one.
    `rate_multiple`: the learning rate of those trainings, as a multiple of cross entropy's.
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
    """The result of one planned candidate of a generation: a row of `scores`. If it failed, fitness and rate are None.

    `fitness` is the mean of `evaluations` trainings per task; that is 1, unless the fitness was reused.
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
        """The candidate as an individual; it must have a fitness."""
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

An `objection` is the reason given by the method's own check: the child is recorded as rejected by `method`.
"""


@dataclass(frozen=True)
class Breeding:
    """What a method may know when it breeds generation `generation`.

    `history`: all scores of the earlier generations, in order. `stream(*parts)`: a new random generator, seeded by the
    run and `parts` alone. `classes`: the numbers of classes of the search tasks.
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
        """The stream of this generation; every access starts it again."""
        return self.stream(self.generation)


@cache
def load_algorithm(name: str) -> ModuleType:
    """The module of an algorithm; raises UserError with the known names when there is none."""
    if name.isidentifier() and importlib.util.find_spec(f"evoloss.search.{name}"):
        module = importlib.import_module(f"evoloss.search.{name}")
        lacks = [part for part in PROTOCOL if not hasattr(module, part)]
        if not lacks:
            return module
        if len(lacks) < len(PROTOCOL):
            raise UserError(f"algorithm {name!r}: {module.__file__} lacks {', '.join(lacks)}")
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
    """Best first; ties go to the smaller tree, then to the lower id."""
    return sorted(individuals, key=lambda i: (-i.fitness, i.expression.size, i.candidate_id))


def truncate(
    population: Sequence[Individual], evaluated: Sequence[Individual], size: int
) -> list[Individual]:
    """The `size` best of parents and children (mu + lambda, elitist)."""
    return ranked([*population, *evaluated])[:size]


def youngest(
    population: Sequence[Individual], evaluated: Sequence[Individual], size: int
) -> list[Individual]:
    """The `size` youngest of parents and children (ageing); within a generation later slots are younger."""
    everyone = sorted([*population, *evaluated], key=lambda i: (i.born, i.candidate_id))
    return everyone[-size:]


def replace(
    population: Sequence[Individual], evaluated: Sequence[Individual], size: int, elites: int
) -> list[Individual]:
    """Generational replacement: the `elites` best parents and all children.

    If children failed the check or their training, their places go to the next best parents, so that a population
    cannot die out.
    """
    parents = ranked(population)
    kept = [*parents[:elites], *ranked(evaluated)[: size - elites]]
    return [*kept, *parents[elites:]][:size]


def told(known: Iterable[Individual], scores: Iterable[Score]) -> list[Individual]:
    """The individuals after further scores. New ones join. A re-scored one and all its twins get the mean of all its
    trainings as fitness; if the re-scoring failed, they are all removed."""
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
    """The score with the highest fitness; ties go to the smaller tree, then to the lower id."""
    scored = [score for score in history if score.fitness is not None]
    return min(scored, key=lambda s: (-s.fitness, s.expression.size, s.candidate_id))
