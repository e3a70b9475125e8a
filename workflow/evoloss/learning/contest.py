"""Several losses trained side by side on several tasks, with looks at all of them on the way."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field

from evoloss.learning.training import Training
from evoloss.learning.training_result import TrainingResult

Stops = Callable[[int, Mapping[Hashable, Mapping[str, float]]], Mapping[Hashable, str]]
"""(which look, accuracies by contestant and task) -> reason to stop, by contestant. Only those that are still
training on every task are shown."""


@dataclass
class Contestant:
    """A loss's trainings, one a task, and the accuracies that the looks saw, by task.

    `held_out`: validation images that a look is at, by task; without them it is at the training batches just before.
    """

    trainings: dict[str, Training]
    held_out: Mapping[str, int] = field(default_factory=dict)
    seen: dict[str, list[float]] = field(default_factory=dict)

    def look(self, segments: int) -> dict[str, float] | None:
        """The accuracies at the look, of a training that is complete its last; None if one failed."""
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
        """Validation images that the looks were at, each time anew."""
        return len(self.seen.get(task, [])) * self.held_out.get(task, 0)

    def results(self) -> dict[str, TrainingResult]:
        """Train to the end, and say what came of it."""
        return {task: training.finish() for task, training in self.trainings.items()}


def contest(contestants: Mapping[Hashable, Contestant], looks: Sequence[int], stops: Stops) -> None:
    """Train all, stopping after each look (in segments that are done) whom `stops` names.

    A contestant whose training fails is out of the contest: it has failed on the other tasks too.
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
