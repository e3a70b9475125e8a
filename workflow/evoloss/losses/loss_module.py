"""What every loss has: a factor, a value for each sample, and the mean of a batch."""

import math

import torch
from torch import nn


class Loss(nn.Module):
    """A loss on logits, to be minimised: each sample's loss is `factor` times `unscaled`.

    `text` is the loss as it was written: an expression, or `module:function`. `factor` is the
    constant of gradient-scale matching (`gradient_scale.py`), 1 for the loss as written.
    """

    def __init__(self, text: str, factor: float = 1.0) -> None:
        super().__init__()
        self.text = text
        self.factor = factor

    def unscaled(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """The loss as written, shape (n,), for logits (n, C) of float32 or float64."""
        raise NotImplementedError

    def per_sample(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """The loss of each sample, shape (n,), for logits (n, C) and class indices (n,).

        Logits are read in float32 at least, so that mixed precision does not reach the loss.
        """
        return self.factor * self.unscaled(in_float32(logits), targets)

    def forward(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """The mean loss of a batch, a scalar."""
        return self.per_sample(logits, targets).mean()

    def extra_repr(self) -> str:
        return f"{self.text}, factor={self.factor:g}"


class LossRefused(Exception):
    """Raised when a training uses a loss that cannot be trained with; the message says why."""


class RefusedLoss(Loss):
    """A loss that cannot be trained with: each of its trainings fails with `reason`."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(text, math.nan)
        self.reason = " ".join(reason.split())

    def unscaled(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Raises LossRefused."""
        raise LossRefused(self.reason)


def in_float32(logits: torch.Tensor) -> torch.Tensor:
    """The logits in float32; float64 logits are returned unchanged."""
    return logits if logits.dtype == torch.float64 else logits.float()
