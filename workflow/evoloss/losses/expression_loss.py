"""An expression as a loss on logits: sum over classes, mean over the batch, to be minimised."""

import torch
from torch.nn import functional

from evoloss.expressions.compile import compile_expression, limit_gradient
from evoloss.expressions.tree import Expression
from evoloss.losses.loss_module import Loss


class ExpressionLoss(Loss):
    """`factor * mean_i sum_k f(p_ik, y_ik)` with p = softmax(logits) and y one-hot."""

    def __init__(self, expression: Expression, factor: float = 1.0) -> None:
        super().__init__(str(expression), factor)
        self.expression = expression
        self.elementwise = compile_expression(expression)

    def unscaled(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """As in the base class."""
        return self.of_labels(logits, functional.one_hot(targets, logits.shape[1]))

    def of_labels(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """The unscaled loss of each sample, shape (n,), for labels `y` (n, C) in [0, 1].

        Labels need not be one-hot, so that they can be smoothed.
        """
        log_p = torch.log_softmax(logits, dim=1)
        if log_p.requires_grad:
            log_p.register_hook(limit_gradient)
        return self.elementwise(log_p, labels.to(log_p.dtype)).sum(dim=1)

    def slope(self, log_p: torch.Tensor, y: torch.Tensor, factor: float = 1.0) -> torch.Tensor:
        """The guarded derivative of `factor` times the expression with respect to log p, for tensors of one shape.

        If g_k is the derivative for class k, the gradient with respect to logit k is g_k - p_k sum_j g_j.
        """
        log_p = log_p.detach().requires_grad_()
        (slope,) = torch.autograd.grad(factor * self.elementwise(log_p, y).sum(), log_p)
        return limit_gradient(slope)


CROSS_ENTROPY = Expression(("neg", "mul", "y", "log", "p"))
"""The loss that every task is tuned with and that every other loss is compared with."""
