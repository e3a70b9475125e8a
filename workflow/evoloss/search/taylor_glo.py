"""TaylorGLO (Gonzalez & Miikkulainen, arXiv 2002.00059): CMA-ES over a third-order Taylor polynomial.

The loss of a label y and a prediction p is minus the sum over classes of

    a1 u + a2 u^2 + a3 u^3 + a4 w u + a5 w u^2 + a6 w^2 u,   u = p - t1, w = y - t0,

with eight numbers: the centres t0, t1 and a1 to a6. From the authors' experiment files: initial step 1.2, populations
of 20 (28 on MNIST), and an inequality on the eight numbers; vectors that violate it score 0 without training (here
`invariant`; switched off in 107 of 123 files). Not published: the initial mean; here it is the zero vector, a loss that
is flat.

There are no trees to draw and so no pool: generation 0 is the first sample of CMA-ES. Numbers in its losses have four
significant digits.
"""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from evoloss.expressions.settings import SearchSpace
from evoloss.expressions.tree import Expression
from evoloss.search.cma_es import propose_generation
from evoloss.search.method import Breeding, Individual, truncate
from evoloss.search.polynomial import negated_polynomial
from evoloss.search.settings import MethodSettings, Published, SourceCheck

CODE = "the authors' experiment files"
PARAMETERS = 8


class Settings(MethodSettings):
    """Settings of `taylor_glo`."""

    published: ClassVar[dict[str, Published]] = {
        "pool": Published(None, "code", "it has no trees"),
        "population": Published(20, "code", CODE),
        "sigma": Published(1.2, "code", CODE),
        "invariant": Published(False, "code", CODE + ": off in 107 of 123"),
        "attempts": Published(1, "code", CODE + ": violators score 0"),
    }
    source_check: ClassVar[SourceCheck | None] = SourceCheck(
        stages=(),
        initial=True,
        evidence="code",
        where=CODE + ": an inequality on the eight numbers (here `invariant`)",
    )
    presets: ClassVar[dict[str, dict[str, Any]]] = {"mnist": {"population": 28, "invariant": True}}

    algorithm: Literal["taylor_glo"] = "taylor_glo"
    pool: None = None
    """None: it breeds its own generation 0."""
    population: Annotated[int, Field(ge=4, le=100_000)] = 20
    """Vectors per generation; also the number of best individuals that are kept."""
    sigma: Annotated[float, Field(gt=0, le=1000)] = 1.2
    """Initial step of CMA-ES."""
    invariant: bool = False
    """Reject vectors that violate the published inequality."""
    attempts: Annotated[int, Field(ge=1, le=1000)] = 1
    """How often a vector may be drawn; with 1, CMA-ES is told a rejected vector as the worst."""


def slots(settings: Settings, generation: int) -> int:
    """The number of vectors."""
    return settings.population


def space(settings: Settings, generation: int, given: SearchSpace) -> SearchSpace:
    """Limits with room for the polynomial, whatever the pools allow."""
    return SearchSpace(functions=["neg", "add", "sub", "mul"], max_size=64, max_depth=12)


def breed(breeding: Breeding) -> None:
    """Propose the losses of the next sample of CMA-ES."""

    def objection(vector: np.ndarray) -> str | None:
        if breeding.settings.invariant and not all(holds(vector, c) for c in breeding.classes):
            return "violates the inequality of TaylorGLO"
        return None

    propose_generation(
        breeding, [0.0] * PARAMETERS, breeding.settings.population, 0, loss_of, (), objection
    )


def loss_of(vector: np.ndarray) -> Expression:
    """The polynomial of (t0, t1, a1, ..., a6), in Horner's form."""
    t0, t1, a1, a2, a3, a4, a5, a6 = (float(x) for x in vector)
    return negated_polynomial([[a1, a4, a6], [a2, a5], [a3]], t1, t0)


def holds(vector: np.ndarray, classes: int) -> bool:
    """Whether the published inequality holds at the point of zero training error."""
    t0, t1, a1, a2, a3, a4, a5, a6 = (float(x) for x in vector)
    n = classes
    c1 = a1 - 2 * t1 * a2 + 3 * t1**2 * a3 - t0 * a4 + 2 * t0 * t1 * a5 + t0**2 * a6
    ch, chh, chy = 2 * a2 - 2 * t0 * a5 - 6 * t1 * a3, 3 * a3, 2 * a5
    cy, cyy = a4 - 2 * t1 * a5 - 2 * t0 * a6, a6
    return cy + cyy + chy / n >= (n - 2) * (c1 + ch / n + chh / n**2)


def select(
    population: Sequence[Individual], evaluated: Sequence[Individual], settings: Settings
) -> list[Individual]:
    """The best ever seen; the optimiser's state follows from the scores alone."""
    return truncate(population, evaluated, settings.population)
