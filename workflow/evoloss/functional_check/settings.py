"""Settings of the functional check (the draft's `Functional_check()`, which it leaves undefined)."""

from collections.abc import Iterator
from typing import Annotated, Literal, get_args

from pydantic import Field

from evoloss.strict_model import Problem, StrictModel, not_once

Stage = Literal["structure", "finite", "gradient", "novel", "learns"]

STAGES: tuple[Stage, ...] = get_args(Stage)
"""All stages, cheapest first: the order in which they run."""


class FunctionalCheckSettings(StrictModel):
    """Which cheap tests a candidate passes before any training, and their thresholds."""

    stages: list[Stage] = list(STAGES)
    """Stages that are applied, in their fixed order; leave one out to switch it off."""
    largest_factor: Annotated[float, Field(gt=1, le=1e12)] = 1.0e8
    """`gradient`: the gradient-scale factor must lie within [1/largest_factor, largest_factor]. Where scales
    are not matched 1e4 saves trainings: far from 1, a rate that suits cross entropy suits no other loss."""
    smallest_alignment: Annotated[float, Field(ge=-1, le=1)] = 0.1
    """`gradient`: smallest mean cosine between the loss's logit gradient and cross entropy's."""
    probe_steps: Annotated[int, Field(ge=6, le=10_000)] = 80
    """`learns`: most steps that a small network trains on a made-up problem; a third often suffices."""
    probe_samples: Annotated[int, Field(ge=10, le=100_000)] = 128
    """`learns`: samples a step."""
    smallest_learning: Annotated[float, Field(ge=0, le=1)] = 0.5
    """`learns`: smallest gain over chance, in units of cross entropy's on the same problem."""

    def problems(self) -> Iterator[Problem]:
        """A stage that stands twice."""
        yield from not_once(stages=self.stages)
