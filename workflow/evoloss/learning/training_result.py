"""What came of a training."""

from dataclasses import dataclass, field
from typing import Any

from torch import nn


@dataclass(frozen=True)
class TrainingResult:
    """What a training gave. Accuracies are shares in [0, 1]; lists have one entry an epoch.

    `validation_accuracy` is None unless the status is `completed`; a training that early stopping
    ended is completed, and its best epoch's accuracy and weights count. `full_samples` are the training
    samples of the whole schedule. One that diverged counts the steps before its first loss that is not
    finite: a GPU may have taken more before anyone looked. `curve` has the accuracy on the training
    batches of each segment, by the task's measure (top-1, or balanced by class); of one that ends in its
    first segment, that far.
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
        """Some of this as columns of a record, under their own names."""
        return {name: getattr(self, name) for name in names}
