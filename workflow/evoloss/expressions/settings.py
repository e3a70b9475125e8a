"""Settings of expressions: the search space and the initial population."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from evoloss.expressions.primitives import LIMIT, PRIMITIVES
from evoloss.strict_model import Problem, StrictModel, not_once

Depth = Annotated[int, Field(ge=0, le=40)]


class SearchSpace(StrictModel):
    """The trees that a search may build. The limits hold after every genetic operator."""

    functions: list[str] = [name for name in PRIMITIVES if name not in ("sign", "aq")]
    """Primitives that trees are built from. `sign` and `aq` are needed only for GP-LFL's published function set."""
    constants: list[Annotated[float, Field(ge=-LIMIT, le=LIMIT)]] = [-1.0, 0.5, 1.0, 2.0]
    """Constants that new leaves are drawn from; one-point mutation may shift them later."""
    constant_share: Annotated[float, Field(ge=0, lt=1)] = 0.2
    """Probability that a new leaf is a constant; otherwise p or y, equally often."""
    max_depth: Depth = 8
    """Largest depth of a tree, in edges from the root."""
    max_size: Annotated[int, Field(ge=3, le=500)] = 30
    """Largest number of nodes of a tree."""
    initial_min_depth: Annotated[int, Field(ge=1, le=40)] = 2
    """Ramped half-and-half: the smallest depth of the ramp."""
    initial_max_depth: Annotated[int, Field(ge=1, le=12)] = 4
    """Ramped half-and-half: the largest depth of the ramp."""
    mutation_depth: Depth = 2
    """Largest depth of a subtree that subtree mutation grows."""

    def problems(self) -> Iterator[Problem]:
        """Functions and constants that no tree can be made of, and depths that contradict each other."""
        yield from not_once(functions=self.functions)
        unknown = [name for name in self.functions if name not in PRIMITIVES]
        if unknown:
            yield "functions", f"unknown {unknown[0]!r}; there are {', '.join(PRIMITIVES)}"
        elif not any(PRIMITIVES[name].arity == 2 for name in self.functions):
            yield "functions", "at least one binary function is needed to join p and y"
        if self.constant_share > 0 and not self.constants:
            yield "constants", "the list is empty, so constant_share must be 0"
        if not self.initial_min_depth <= self.initial_max_depth <= self.max_depth:
            yield (
                "initial_max_depth",
                "initial_min_depth <= initial_max_depth <= max_depth must hold, got "
                f"{self.initial_min_depth}, {self.initial_max_depth}, {self.max_depth}",
            )


class PoolSettings(StrictModel):
    """An initial population, shared by the methods that name this pool."""

    size: Annotated[int, Field(ge=1, le=100_000)] = 20
    """Individuals drawn, checked and evaluated per run seed; a method starts from the first `population` of them."""
    check_initial: bool = True
    """Draw until `size` trees pass the functional check; false follows the E-GP draft to the letter."""
    match_gradient_scale: bool = True
    """False: the search trains this pool's candidates as written, even if the task matches gradient scales. Final
    trainings always follow their task."""
    initial_losses: list[str] = []
    """Known losses that come first in the pool: catalogue names or expressions."""
    max_draws: Annotated[int, Field(ge=1, le=100_000_000)] = 50_000
    """Give up with an error message after this many random trees."""
    space: SearchSpace = SearchSpace()
    """The search space of the methods that name this pool."""

    def problems(self) -> Iterator[Problem]:
        """A pool too small for its initial losses, or too few draws to fill it."""
        if self.max_draws < self.size:
            yield "max_draws", f"got {self.max_draws}, but it must be at least size ({self.size})"
        if len(self.initial_losses) > self.size:
            yield (
                "initial_losses",
                f"got {len(self.initial_losses)} losses, but the pool holds {self.size} individuals; raise size",
            )
