"""CMA-ES (the library `cmaes`) as ask and tell over what a run has recorded.

Pickling `cmaes.CMA` drops its random generator, so no optimiser is stored. It is rebuilt for every
generation: each earlier one is asked again, with the seeds of that generation, and told the recorded
fitness. A vector whose loss did not pass the check or its training is told as the worst. A
generation in which nothing trained is not told: its order would be an accident.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from evoloss.expressions.tree import Expression
from evoloss.search.method import Breeding, Score

if TYPE_CHECKING:
    from cmaes import CMA

Render = Callable[[np.ndarray], Expression]
"""The loss of a vector."""

WORST = 1e6
"""What a vector without fitness is told; CMA-ES uses ranks alone."""


def propose_generation(
    breeding: Breeding,
    mean: Sequence[float],
    size: int,
    first: int,
    render: Render,
    parents: Sequence[str] = (),
    objection: Callable[[np.ndarray], str | None] = lambda vector: None,
) -> None:
    """Ask for `size` vectors, the population of CMA-ES, and propose their losses.

    `mean`: where the search starts in generation `first`. A vector whose loss fails the check, or that
    has an `objection`, is drawn again up to `attempts` times in all (a setting of the method, as is
    `sigma`).
    """
    attempts = breeding.settings.attempts
    optimiser = rebuilt(breeding, mean, size, first, render)
    for slot in range(size):
        for attempt in range(attempts):
            vector = _asked(optimiser, breeding, breeding.generation, slot, attempt)
            loss = render(vector)
            if breeding.propose(slot, loss, "cma_es", parents, objection=objection(vector)):
                break


def rebuilt(
    breeding: Breeding, mean: Sequence[float], size: int, first: int, render: Render
) -> "CMA":
    """The optimiser after all generations from `first` to the one before this."""
    from cmaes import (
        CMA,
    )  # here, because it loads SciPy's statistics: a second that others need not pay

    start = np.asarray(mean, dtype=float)
    optimiser = CMA(mean=start, sigma=breeding.settings.sigma, population_size=size, seed=0)
    for generation in range(first, breeding.generation):
        scores = {s.slot: s for s in breeding.history if s.generation == generation}
        if any(score.fitness is not None for score in scores.values()):
            slots = [(slot, scores.get(slot)) for slot in range(size)]
            optimiser.tell(
                [
                    (_vector(optimiser, breeding, generation, slot, score, render), _value(score))
                    for slot, score in slots
                ]
            )
    return optimiser


def _value(score: Score | None) -> float:
    return WORST if score is None or score.fitness is None else -score.fitness


def _vector(
    optimiser: "CMA",
    breeding: Breeding,
    generation: int,
    slot: int,
    score: Score | None,
    render: Render,
) -> np.ndarray:
    """The vector of a slot: the draw whose loss was planned, or the last when none passed."""
    for attempt in range(breeding.settings.attempts):
        vector = _asked(optimiser, breeding, generation, slot, attempt)
        if score is not None and render(vector) == score.expression:
            return vector
    if score is not None:
        raise RuntimeError(f"no draw of generation {generation}, slot {slot} is {score.expression}")
    return vector


def _asked(
    optimiser: "CMA", breeding: Breeding, generation: int, slot: int, attempt: int
) -> np.ndarray:
    # One stream a draw, so that a vector does not depend on how many were drawn before it.
    source = breeding.stream(generation, "cma_es", slot, attempt)
    optimiser.reseed_rng(int(source.integers(2**32)))
    return optimiser.ask()
