"""Losses that several tests of trainings share."""

from torch import nn

from evoloss.expressions.parsing import parse
from evoloss.losses.expression_loss import CROSS_ENTROPY
from evoloss.losses.gradient_scale import task_loss

CE = task_loss(CROSS_ENTROPY, 10, match_gradient_scale=True)
MSE = task_loss(parse("square(p - y)"), 10, match_gradient_scale=True)
MAE = task_loss(parse("abs(p - y)"), 10, match_gradient_scale=True)


class Bomb(nn.Module):
    """A loss that is infinite at its third call: it makes a training diverge at a step that is known."""

    def __init__(self):
        super().__init__()
        self.calls = 0

    def forward(self, logits, targets):
        self.calls += 1
        return logits.sum() * (float("inf") if self.calls == 3 else 1e-3)
