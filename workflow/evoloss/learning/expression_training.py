"""The training of an expression on a task, as the search makes it."""

from collections.abc import Sequence

from evoloss.expressions.parsing import parse
from evoloss.learning.task import Task
from evoloss.learning.training import Training, side_by_side
from evoloss.learning.training_result import TrainingResult
from evoloss.losses.gradient_scale import LossError, task_loss


def expression_training(
    expression: str, task: Task, learning_rate: float, seed: int, as_written: bool = False
) -> Training:
    """The training with an expression; with one that cannot be scaled, a training that has failed.

    `as_written` does not match gradient scales, whatever the task says.
    """
    matched = task.settings.match_gradient_scale and not as_written
    try:
        loss = task_loss(parse(expression), task.classes, matched)
    except LossError as error:
        return Training.failed(task, str(error))
    return Training(loss, task, learning_rate, seed)


def train_expressions(
    expressions: Sequence[str],
    task: Task,
    learning_rates: Sequence[float],
    seed: int,
    as_written: bool,
    most: int | None,
) -> list[TrainingResult]:
    """What comes of a training with each expression, at its own rate, with one seed for all.

    `most` train side by side where they can; None is what the device is good for.
    """
    trainings = [
        expression_training(expression, task, rate, seed, as_written)
        for expression, rate in zip(expressions, learning_rates, strict=True)
    ]
    side_by_side(trainings, most)
    return [training.finish() for training in trainings]
