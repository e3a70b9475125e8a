"""The result of a training."""

from dataclasses import dataclass, field
from typing import Any

from torch import nn


@dataclass(frozen=True)
class TrainingResult:
    """The result of a training. Accuracies are in [0, 1]. Lists other than `curve` have at most one entry per epoch.

    `validation_accuracy` is None unless the status is `completed`. A training ended by early stopping is `completed`,
    with the accuracy and weights of its best epoch. `full_samples`: the training samples of the whole schedule. `steps`
    of a diverged training counts those before its first non-finite loss (a GPU may have run more until that was seen).
    `curve`: the accuracy on the training batches of each finished segment, top-1 or class-balanced as the task says; if
    early stopping ends a training in its first segment, the accuracy up to there.
    """

    status: str
    reason: str | None
    steps: int
    training_samples: int
    validation_samples: int
    seconds: float
    validation_seconds: float
    peak_memory_bytes: int | None
    validation_accuracy: float | None
    training_loss: list[float] = field(default_factory=list)
    training_accuracy: list[float] = field(default_factory=list)
    validation_accuracies: list[float] = field(default_factory=list)
    network: nn.Module | None = None
    full_samples: int = 0
    curve: list[float] = field(default_factory=list)

    def columns(self, *names: str) -> dict[str, Any]:
        """The named fields, as columns of a record."""
        return {name: getattr(self, name) for name in names}
