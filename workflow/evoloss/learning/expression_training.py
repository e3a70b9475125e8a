"""The training of an expression on a task, as the search makes it."""

from evoloss.expressions.parsing import parse
from evoloss.learning.task import Task
from evoloss.learning.training import Training
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
