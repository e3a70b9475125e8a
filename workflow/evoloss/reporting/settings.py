"""Settings of the reporting room."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from evoloss.strict_model import Problem, StrictModel, not_once


class TargetSettings(StrictModel):
    """A fixed level of re-scored fitness, whose cost table `search_cost` and figure `target_reached` show."""

    loss: str = "cross_entropy"
    """The loss whose gain, at its own learning rate, the level is a share of: cross entropy, or a loss of
    `retrain.losses` where every search task is retrained too."""
    share: Annotated[float, Field(gt=0, le=10)] = 1.0
    """The share."""
    over: Literal["chance", "cross_entropy"] = "chance"
    """What the gain is over: chance, or cross entropy at its own rate, of another loss."""

    def problems(self) -> Iterator[Problem]:
        """A loss over itself."""
        if self.over == self.loss:
            yield "over", "cross_entropy gains nothing over itself; write chance, or another loss"


class Condition(StrictModel):
    """Tasks of the retraining that differ in one setting, in the order in which they are shown."""

    setting: Literal["training_images", "label_noise", "input_noise", "epochs"]
    """The setting of a task that differs."""
    tasks: Annotated[list[str], Field(min_length=2)]
    """The tasks."""

    def problems(self) -> Iterator[Problem]:
        """A task that stands twice."""
        yield from not_once(tasks=self.tasks)


class ReportSettings(StrictModel):
    """How results are summarised."""

    reference_method: str | None = None
    """The method that the others are compared with; null takes `ngl_gp`, or the last of `search.methods`."""
    ablation_base: str | None = None
    """The method whose variants table `ablation` compares with it; null makes no such table."""
    target: TargetSettings = TargetSettings()
    """The fixed level that runs are asked to reach, whatever the reference method reaches."""
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    """Level of every interval."""
    curve_losses: list[str] = ["cross_entropy", "ngl"]
    """Retrained losses drawn beside the champions in `training_curves` and `loss_shapes`."""
    conditions: list[Condition] = []
    """Tasks that differ in one setting: table and figure `published_losses` show what it does to losses."""
