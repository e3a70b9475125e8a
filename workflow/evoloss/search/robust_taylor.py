"""The loss search of Gao, Gouk & Hospedales for wrong labels (arXiv 2103.00243, ICCV 2021).

An evolution strategy over the coefficients of a Taylor polynomial of order four in prediction and label. Fitness is the
mean over several data sets and networks with wrong labels; here `search.tasks` names them. Coefficients, population
size, step and code are not published. Chosen here: CMA-ES, the zero vector as its start and its initial step are those
of TaylorGLO, and the expansion is about p = y = 1/2.
"""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from evoloss.expressions.settings import SearchSpace
from evoloss.expressions.tree import Expression
from evoloss.search.cma_es import propose_generation
from evoloss.search.method import Breeding, Individual, truncate
from evoloss.search.polynomial import negated_polynomial
from evoloss.search.settings import MethodSettings, Published, SourceCheck

PAPER = "arXiv 2103.00243"
CENTRE = 0.5
"""The prediction and the label about which the polynomial is expanded."""


class Settings(MethodSettings):
    """Settings of `robust_taylor`."""

    published: ClassVar[dict[str, Published]] = {
        "pool": Published(None, "paper", "it has no trees"),
        "order": Published(4, "recalled", PAPER + ", unverified"),
        "population": Published(20, "chosen", "not published"),
        "sigma": Published(1.2, "chosen", "not published; TaylorGLO's"),
        "attempts": Published(1, "chosen", "not published"),
    }
    source_check: ClassVar[SourceCheck | None] = SourceCheck(
        stages=None,
        initial=None,
        evidence=None,
        where=PAPER + " (the text was not found; no code is public)",
    )

    algorithm: Literal["robust_taylor"] = "robust_taylor"
    pool: None = None
    """None: it breeds its own generation 0."""
    population: Annotated[int, Field(ge=4, le=100_000)] = 20
    """Vectors per generation; also the number of best individuals that are kept."""
    order: Annotated[int, Field(ge=1, le=8)] = 4
    """Order of the polynomial."""
    sigma: Annotated[float, Field(gt=0, le=1000)] = 1.2
    """Initial step of CMA-ES."""
    attempts: Annotated[int, Field(ge=1, le=1000)] = 1
    """How often a vector may be drawn; with 1, CMA-ES is told a rejected vector as the worst."""


def slots(settings: Settings, generation: int) -> int:
    """The number of vectors."""
    return settings.population


def space(settings: Settings, generation: int, given: SearchSpace) -> SearchSpace:
    """Limits with room for the polynomial, whatever the pools allow."""
    return SearchSpace(functions=["neg", "add", "sub", "mul"], max_size=400, max_depth=40)


def breed(breeding: Breeding) -> None:
    """Propose the losses of the next sample of CMA-ES."""
    order = breeding.settings.order
    start = [0.0] * parameters(order)
    propose_generation(
        breeding, start, breeding.settings.population, 0, lambda vector: loss_of(vector, order)
    )


def parameters(order: int) -> int:
    """How many terms u^i w^j have 1 <= i and i + j <= order."""
    return order * (order + 1) // 2


def loss_of(vector: np.ndarray, order: int) -> Expression:
    """The polynomial with the coefficients `vector`: first those of u, by powers of w, then those of u^2, ..."""
    rest, rows = list(map(float, vector)), []
    for power in range(1, order + 1):
        terms = order - power + 1
        rows.append(rest[:terms])
        rest = rest[terms:]
    return negated_polynomial(rows, CENTRE, CENTRE)


def select(
    population: Sequence[Individual], evaluated: Sequence[Individual], settings: Settings
) -> list[Individual]:
    """The best ever seen; the optimiser's state follows from the scores alone."""
    return truncate(population, evaluated, settings.population)
