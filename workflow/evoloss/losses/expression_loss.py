"""An expression as a loss on logits: sum over classes, mean over the batch, to be minimised."""

import torch
from torch import nn
from torch.nn import functional

from evoloss.expressions.compile import compile_expression, limit_gradient
from evoloss.expressions.tree import Expression


class ExpressionLoss(nn.Module):
    """`factor * mean_i sum_k f(p_ik, y_ik)` with p = softmax(logits) and y one-hot.

    Logits are read in float32 at least, so that mixed precision does not reach the loss. `factor`
    is the constant of gradient-scale matching (`gradient_scale.py`), 1 for the loss as written.
    """

    def __init__(self, expression: Expression, factor: float = 1.0) -> None:
        super().__init__()
        self.expression = expression
        self.factor = factor
        self._elementwise = compile_expression(expression)

    def per_sample(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """The loss of each sample, shape (n,), for logits (n, C) and class indices (n,)."""
        logits = logits if logits.dtype == torch.float64 else logits.float()
        p = torch.softmax(logits, dim=1)
        if p.requires_grad:
            p.register_hook(limit_gradient)
        y = functional.one_hot(targets, logits.shape[1]).to(p.dtype)
        return self.factor * self._elementwise(p, y).sum(dim=1)

    def forward(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """The mean loss of a batch, a scalar."""
        return self.per_sample(logits, targets).mean()

    def extra_repr(self) -> str:
        return f"{self.expression}, factor={self.factor:g}"


CROSS_ENTROPY = Expression(("neg", "mul", "y", "log", "p"))
"""The loss that every task is tuned with and every other loss is compared to."""
