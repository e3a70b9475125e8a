"""Settings of the functional check (`Functional_check()` in the thesis draft, which does not define it)."""

from collections.abc import Iterator
from typing import Annotated, Literal, get_args

from pydantic import Field

from evoloss.strict_model import Problem, StrictModel, not_once

Stage = Literal["structure", "finite", "gradient", "novel", "learns"]

STAGES: tuple[Stage, ...] = get_args(Stage)
"""All stages, cheapest first: the order in which they run."""


class FunctionalCheckSettings(StrictModel):
    """Which cheap tests a candidate must pass before any training, and their thresholds."""

    stages: list[Stage] = list(STAGES)
    """Stages that are applied, in their fixed order; leave one out to switch it off."""
    largest_factor: Annotated[float, Field(gt=1, le=1e12)] = 1.0e8
    """`gradient`: the gradient-scale factor must lie within [1/largest_factor, largest_factor]. If tasks do
    not match scales, 1e4 saves trainings: cross entropy's rate does not suit a loss whose factor is far from 1."""
    smallest_alignment: Annotated[float, Field(ge=-1, le=1)] = 0.1
    """`gradient`: smallest mean cosine between the loss's logit gradient and cross entropy's."""
    probe_steps: Annotated[int, Field(ge=6, le=10_000)] = 80
    """`learns`: largest number of steps of a small network on a made-up problem; a third often suffices."""
    probe_samples: Annotated[int, Field(ge=10, le=100_000)] = 128
    """`learns`: samples per step."""
    smallest_learning: Annotated[float, Field(ge=0, le=1)] = 0.5
    """`learns`: smallest gain over chance, as a share of cross entropy's gain on the same problem."""

    def problems(self) -> Iterator[Problem]:
        """A stage that is listed twice."""
        yield from not_once(stages=self.stages)
