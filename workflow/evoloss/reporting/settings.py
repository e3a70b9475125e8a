"""Settings of the reporting."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from evoloss.strict_model import Problem, StrictModel, not_once


class TargetSettings(StrictModel):
    """A fixed level of re-scored fitness; table `search_cost` and figure `target_reached` show the cost of reaching it."""

    loss: str = "cross_entropy"
    """The level is a share of this loss's gain at its own learning rate: cross entropy, or a loss of `retrain.losses`
    if every search task is retrained too."""
    share: Annotated[float, Field(gt=0, le=10)] = 1.0
    """The level as a share of that gain."""
    over: Literal["chance", "cross_entropy"] = "chance"
    """What the gain is measured from: chance, or, for another loss, cross entropy at its own learning rate."""

    def problems(self) -> Iterator[Problem]:
        """The gain of cross entropy over itself."""
        if self.over == self.loss:
            yield "over", "cross_entropy gains nothing over itself; write chance, or another loss"


class Condition(StrictModel):
    """Tasks of the retraining that differ in one setting, in the order in which they are shown."""

    setting: Literal["training_images", "label_noise", "input_noise", "epochs"]
    """The setting in which the tasks differ."""
    tasks: Annotated[list[str], Field(min_length=2)]
    """The tasks."""

    def problems(self) -> Iterator[Problem]:
        """A task that is listed twice."""
        yield from not_once(tasks=self.tasks)


class ReportSettings(StrictModel):
    """How results are summarised."""

    reference_method: str | None = None
    """The method that the others are compared with; null takes `ngl_gp`, or the last of `search.methods`."""
    ablation_base: str | None = None
    """The method whose variants table `ablation` compares with it; null makes no such table."""
    target: TargetSettings = TargetSettings()
    """A fixed level for all runs, independent of what the reference method reaches."""
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    """Confidence level of every interval."""
    curve_losses: list[str] = ["cross_entropy", "ngl"]
    """Retrained losses drawn beside the champions in `training_curves` and `loss_shapes`."""
    conditions: list[Condition] = []
    """Tasks that differ in one setting; table and figure `published_losses` show its effect on the losses."""
