"""Repeatable trainings of networks with losses, which record their own cost.

The seed decides weights, batches and augmentation, on every device alike: their random numbers come from the CPU.
Trainings with one seed thus differ in the loss alone (common random numbers).
"""

from collections.abc import Sequence

from torch import nn

from evoloss.learning.early_stopping import BestEpoch
from evoloss.learning.schedule import segment_ends, total_steps
from evoloss.learning.task import Task
from evoloss.learning.together import Together
from evoloss.learning.training_result import TrainingResult
from evoloss.losses.expression_loss import ExpressionLoss


def train(
    losses: Sequence[nn.Module],
    task: Task,
    learning_rates: Sequence[float],
    seed: int,
    per_epoch: bool = False,
) -> list[TrainingResult]:
    """Train one network with each loss, all from the same weights and on the same batches.

    A loss maps logits (n, C) and targets (n,) to a scalar. `per_epoch` also records training and validation accuracy
    after every epoch. A training stops as `diverged` at its first non-finite loss, and as `failed` when it runs out of
    memory or when the network or the loss raises.
    """
    if len(losses) != len(learning_rates):
        raise ValueError("one learning rate per loss is needed")
    return [
        Training(loss, task, rate, seed, per_epoch).finish()
        for loss, rate in zip(losses, learning_rates, strict=True)
    ]


def full_samples(task: Task) -> int:
    """Training samples of a task's whole schedule."""
    return total_steps(task.settings, len(task.train)) * task.settings.batch_size


class Training:
    """A training that can be paused, looked at, and continued or ended; a pause does not change its results.

    Random numbers that the network draws itself (dropout) come from the seed too, in a stream of this training alone.
    """

    def __init__(
        self, loss: nn.Module, task: Task, learning_rate: float, seed: int, per_epoch: bool = False
    ) -> None:
        self.loss = loss
        self.result: TrainingResult | None = None
        self._patience = task.settings.early_stopping
        self._ends = segment_ends(total_steps(task.settings, len(task.train)))
        self.together = Together([self], task, learning_rate, seed, per_epoch)
        self.begin()

    def begin(self) -> None:
        """Discard all progress."""
        self.curve: list[float] = []
        self.seconds = self.validation_seconds = 0.0
        self.training_loss: list[float] = []
        self.training_accuracy: list[float] = []
        self.validation: list[float] = []
        self.best = BestEpoch(self._patience)

    @classmethod
    def failed(cls, task: Task, reason: str) -> "Training":
        """A training that cannot begin, with the result `failed`."""
        training = cls.__new__(cls)
        training.curve = []
        training.result = TrainingResult(
            "failed", reason, 0, 0, 0, 0.0, 0.0, None, None, full_samples=full_samples(task)
        )
        return training

    def advance(self, segments: int) -> list[float]:
        """Train until `segments` of the SEGMENTS are done, or to the end; the training accuracy of each so far."""
        while self.result is None and len(self.curve) < segments:
            self.together.go_to(self._ends[segments - 1])
        return self.curve

    def held_out_accuracy(self) -> float:
        """The accuracy now on the validation images `Task.looked_at`; 0 if the outputs are not finite.

        For a training that has ended, it is the validation accuracy of the result (0 if that is None).
        """
        if self.result is not None:
            return self.result.validation_accuracy or 0.0
        return self.together.held_out_accuracy(self)

    def finish(self) -> TrainingResult:
        """Train to the end; the result."""
        while self.result is None:  # repeats if memory was too small for all trainings at once
            self.together.go_to(self._ends[-1])
        return self.result

    def stop(self, reason: str, status: str = "stopped_early") -> TrainingResult:
        """End the training here (after its first segment at the earliest), unless it has already ended; the result."""
        self.advance(1)
        if self.result is None:
            self.together.stop(self, status, reason)
        return self.result


MOST_SIDE_BY_SIDE = {"cpu": 1, "cuda": 64}
"""Default by device: a CPU core gains nothing from a second network; a GPU with one small network is mostly idle."""


def side_by_side(trainings: Sequence[Training], most: int | None) -> int:
    """Let trainings of expressions with the same task, seed and learning rate advance together, in groups of `most`.

    None of them may have begun. `most` None takes the default of the device. Returns the size of the largest group: 1
    if the network is not small or has a layer that cannot be stacked.
    """
    alike: dict[tuple, list[Training]] = {}
    for training in trainings:
        if training.result is None and isinstance(training.loss, ExpressionLoss):
            alike.setdefault(training.together.key(), []).append(training)
    largest = 1
    for group in alike.values():
        size = most or MOST_SIDE_BY_SIDE[group[0].together.device.type]
        for start in range(0, len(group), size):
            some = group[start : start + size]
            if len(some) > 1 and some[0].together.can_stack():
                some[0].together.join(some[1:])
                largest = max(largest, len(some))
    return largest
