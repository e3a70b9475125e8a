"""Several losses train side by side on several tasks; at fixed points of the training, some of them can be stopped."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field

from evoloss.learning.training import Training
from evoloss.learning.training_result import TrainingResult

Stops = Callable[[int, Mapping[Hashable, Mapping[str, float]]], Mapping[Hashable, str]]
"""(number of the look, accuracies by contestant and task) -> the reason to stop, by contestant to be stopped.
A contestant that was stopped before, or that has a failed or diverged training, is not shown."""


@dataclass
class Contestant:
    """The trainings of one loss, one per task, and the accuracies `seen` at each look, by task.

    `held_out`: the number of validation images that a look measures accuracy on, by task. If it is empty, a look takes
    the accuracy on the training batches of the segment that has just ended.
    """

    trainings: dict[str, Training]
    held_out: Mapping[str, int] = field(default_factory=dict)
    seen: dict[str, list[float]] = field(default_factory=dict)

    def look(self, segments: int) -> dict[str, float] | None:
        """Train to the look; the accuracies there by task (a complete training: its last), or None if one failed."""
        accuracies = {}
        for task, training in self.trainings.items():
            curve = training.advance(segments)
            if training.result is not None and training.result.status != "completed":
                return None
            accuracies[task] = (
                training.held_out_accuracy()
                if self.held_out
                else curve[min(segments, len(curve)) - 1]
            )
        for task, accuracy in accuracies.items():
            self.seen.setdefault(task, []).append(accuracy)
        return accuracies

    def looked_samples(self, task: str) -> int:
        """Validation images evaluated by all looks together; an image counts once per look."""
        return len(self.seen.get(task, [])) * self.held_out.get(task, 0)

    def results(self) -> dict[str, TrainingResult]:
        """Train to the end; the results by task."""
        return {task: training.finish() for task, training in self.trainings.items()}


def contest(contestants: Mapping[Hashable, Contestant], looks: Sequence[int], stops: Stops) -> None:
    """Train all contestants; after each look (a number of finished segments), stop those that `stops` names.

    A contestant with a failed or diverged training leaves the contest: its unfinished trainings end as failed.
    """
    racing = dict(contestants)
    for number, segments in enumerate(looks):
        accuracies = {}
        for name, contestant in racing.items():
            seen = contestant.look(segments)
            if seen is None:
                _stop(contestant, "its training on another task failed", "failed")
            else:
                accuracies[name] = seen
        for name, reason in stops(number, accuracies).items():
            _stop(racing[name], reason)
            del accuracies[name]
        racing = {name: racing[name] for name in accuracies}


def _stop(contestant: Contestant, reason: str, status: str = "stopped_early") -> None:
    for training in contestant.trainings.values():
        training.stop(reason, status)
