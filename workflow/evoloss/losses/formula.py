"""Makes a loss from its text, an expression or `module:function`, or from a champion's file."""

import argparse

from evoloss.errors import UserError
from evoloss.expressions.parsing import parse
from evoloss.losses.champion_file import read_champion
from evoloss.losses.expression_loss import ExpressionLoss
from evoloss.losses.function_loss import FunctionLoss
from evoloss.losses.gradient_scale import task_loss
from evoloss.losses.loss_module import Loss, RefusedLoss
from evoloss.time_limit import TimeIsUp, time_limit, too_long, training_seconds


def add_loss_flags(parser: argparse.ArgumentParser) -> None:
    """The flags that tell a step which loss to train with, and on which task."""
    parser.add_argument("--loss", required=True, help="name of the loss")
    parser.add_argument("--formula", help="its expression or module:function; give this or")
    parser.add_argument("--champion", help="a champion.json that holds its expression")
    parser.add_argument("--task", required=True, help="resolved task (JSON file)")
    parser.add_argument("--data", required=True, help="folder of the prepared data sets")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")


def as_written(text: str, classes: int) -> Loss:
    """The loss of an expression (in which `C` is `classes`) or of a `module:function`.

    Raises UserError when the text is neither, or its function is no loss.
    """
    return FunctionLoss(text, classes) if ":" in text else ExpressionLoss(parse(text, classes))


def loss_from(
    formula: str | None, champion: str | None, classes: int, match_gradient_scale: bool
) -> Loss:
    """The loss of a formula or of a champion.json (exactly one of them), as a task with `classes` classes trains it."""
    if (formula is None) == (champion is None):
        raise ValueError("give exactly one of the two: a formula or a champion file")
    if champion is not None:
        # A champion file is data: it may hold an expression, but no module:function to import.
        written = ExpressionLoss(parse(read_champion(champion)["expression"], classes))
    else:
        written = as_written(formula, classes)
    return task_loss(written, classes, match_gradient_scale)


def loss_or_refusal(
    formula: str | None, champion: str | None, classes: int, match_gradient_scale: bool
) -> Loss:
    """As `loss_from`, but a formula that cannot be trained with becomes a RefusedLoss and stops no other loss."""
    try:
        with time_limit(training_seconds(), TimeIsUp):
            return loss_from(formula, champion, classes, match_gradient_scale)
    except UserError as error:
        reason = str(error)
    except TimeIsUp:
        reason = too_long()
    if formula is None:  # a champion file: it must be made again
        raise UserError(reason)
    print(f"warning: {formula}: {reason}", flush=True)
    return RefusedLoss(formula, reason)
