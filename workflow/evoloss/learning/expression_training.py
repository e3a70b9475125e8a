"""Trains expressions as losses on a task, as the search does."""

from collections.abc import Sequence

from evoloss.expressions.parsing import parse
from evoloss.learning.task import Task
from evoloss.learning.training import Training, side_by_side
from evoloss.learning.training_result import TrainingResult
from evoloss.losses.gradient_scale import LossError, task_loss


def expression_training(
    expression: str, task: Task, learning_rate: float, seed: int, as_written: bool = False
) -> Training:
    """A training with an expression as its loss; a failed training if the expression's gradient cannot be scaled.

    `as_written` turns gradient scale matching off, whatever the task says.
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
    """Train with each expression, at its own learning rate, all with the same seed; the results in the same order.

    At most `most` train side by side, where the network allows it; None takes the default of the device.
    """
    trainings = [
        expression_training(expression, task, rate, seed, as_written)
        for expression, rate in zip(expressions, learning_rates, strict=True)
    ]
    side_by_side(trainings, most)
    return [training.finish() for training in trainings]
