"""CMA-ES (the library `cmaes`), asked for vectors and told what a run has recorded.

Pickling `cmaes.CMA` drops its random generator, so no optimiser is stored. Each generation, also after a kill, rebuilds
the optimiser: it replays all earlier generations with the same seeds and the recorded fitness. A vector whose loss failed the
check or its training is told as the worst. A generation in which nothing trained is not told: its ranks mean nothing.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from evoloss.expressions.tree import Expression
from evoloss.search.method import Breeding, Score

if TYPE_CHECKING:
    from cmaes import CMA

Render = Callable[[np.ndarray], Expression]
"""Turns a vector into its loss."""

WORST = 1e6
"""The value told for a vector without fitness; CMA-ES uses only ranks."""


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

    `mean`: where the search starts in generation `first`. A vector is drawn again if its loss fails the check or it has
    an `objection`, up to `attempts` times in all (`attempts` and `sigma` are settings of the method).
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
    """The optimiser after all generations from `first` to the previous one."""
    from cmaes import CMA  # imported here because it loads scipy.stats, which takes a second

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
    """The vector of a slot: the draw whose loss was planned, or the last draw if none passed."""
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
    # One random stream per draw, so that a vector does not depend on how many were drawn before it.
    source = breeding.stream(generation, "cma_es", slot, attempt)
    optimiser.reseed_rng(int(source.integers(2**32)))
    return optimiser.ask()
