"""Settings of the functional check (the draft's `Functional_check()`, which it leaves undefined)."""

from typing import Annotated, Literal, Self, get_args

from pydantic import Field, model_validator

from evoloss.strict_model import StrictModel

Stage = Literal["structure", "finite", "gradient", "novel", "optimises"]

STAGES: tuple[Stage, ...] = get_args(Stage)
"""All stages, cheapest first: the order in which they run."""


class FunctionalCheckSettings(StrictModel):
    """Which cheap tests a candidate passes before any training, and their thresholds."""

    stages: list[Stage] = list(STAGES)
    """Stages that are applied, in their fixed order; leave one out to switch it off."""
    largest_factor: Annotated[float, Field(gt=1, le=1e12)] = 1.0e4
    """`gradient`: the gradient-scale factor must lie within [1/largest_factor, largest_factor]."""
    descent_steps: Annotated[int, Field(ge=1, le=10_000)] = 30
    """`optimises`: steps of direct descent on the logits."""
    descent_samples: Annotated[int, Field(ge=10, le=100_000)] = 128
    """`optimises`: how many samples are descended at once."""
    descent_step_size: Annotated[float, Field(gt=0, le=100)] = 0.5
    """`optimises`: length of a step in logit space, for a sample of median gradient norm."""
    smallest_hit_share: Annotated[float, Field(ge=0, le=1)] = 0.9
    """`optimises`: share of samples whose target must be the arg-max after the descent."""

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len(set(self.stages)) != len(self.stages):
            raise ValueError("stages: each stage may stand only once")
        return self
