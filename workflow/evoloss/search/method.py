"""The protocol of a search method: ask and tell, without I/O, clock or global state.

An algorithm is a module of this package with

- `Settings`, a subclass of `MethodSettings`;
- `slots(settings, generation)`, the most trainings that a generation (1, 2, ...) may need;
- `breed(breeding)`, which offers children through `breeding.propose`;
- `select(population, evaluated, settings)`, which returns the next population, best first.

It never trains and never checks: `propose` runs the functional check and says whether the child got
its slot. What a method must remember is in its tables. Torch is not imported here.
"""

import importlib
import importlib.util
import pkgutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

import evoloss.search
from evoloss.errors import UserError
from evoloss.expressions.parsing import parse
from evoloss.expressions.settings import SearchSpace
from evoloss.expressions.tree import Expression
from evoloss.search.settings import MethodSettings

PROTOCOL = ("Settings", "slots", "breed", "select")


@dataclass(frozen=True)
class Individual:
    """A candidate with a fitness, which is the mean of `evaluations` trainings a task."""

    candidate_id: str
    expression: Expression
    fitness: float
    evaluations: int
    born: int

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "Individual":
        """A row of a `population` table."""
        return cls(
            candidate_id=row["candidate_id"],
            expression=parse(row["expression"]),
            fitness=row["fitness"],
            evaluations=row["evaluations"],
            born=row["born"],
        )


Propose = Callable[[int, Expression, str, Sequence[str]], bool]
"""(slot, child, operator, ids of the parents) -> whether the child passed and has the slot."""


@dataclass(frozen=True)
class Breeding:
    """What a method may know when it breeds generation `generation` (1, 2, ...)."""

    settings: MethodSettings
    generation: int
    population: Sequence[Individual]
    space: SearchSpace
    rng: np.random.Generator
    propose: Propose


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
