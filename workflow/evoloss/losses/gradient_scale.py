"""Gradient-scale matching: one constant per loss, so that a search finds losses and not learning rates.

The logit gradient of NGL is 12 times smaller than that of cross entropy at 10 classes, and nearly 1000 times at 100.
At a fixed learning rate, most "wins" of one loss over another come from such a difference, which acts like another
learning rate. Each loss is therefore multiplied by a constant. It makes the loss's median per-sample norm of the
logit gradient equal to that of cross entropy on a fixed probe batch. The norm is taken after subtracting the
gradient's mean over classes: a shift common to all logits moves no probability, but it is much of the gradient of a
loss on logits (two thirds of a hinge's norm at 10 classes). The logits have standard deviation 0.3, as at the start
of a training, and we take the median: the tails of 1/p would dominate a mean over wider logits.
"""

import math
from functools import lru_cache

import torch

from evoloss.errors import UserError
from evoloss.expressions.graph import Graph
from evoloss.expressions.tree import Expression
from evoloss.losses.expression_loss import ExpressionLoss
from evoloss.losses.loss_module import Loss
from evoloss.seeds import derive_seed

LARGEST_FACTOR = 1e12
"""A larger factor would only scale up rounding errors, which are left of a gradient that cancels, as in p - y."""

PROBE_SAMPLES = 512
PROBE_SCALE = 0.3


@lru_cache(maxsize=64)
def probe_batch(
    classes: int, samples: int = PROBE_SAMPLES, scale: float = PROBE_SCALE, dtype=torch.float64
) -> tuple[torch.Tensor, torch.Tensor]:
    """Fixed logits (samples, classes) from N(0, scale^2), and targets that cycle through the classes.

    Drawn once per process and shared: do not change it in place.
    """
    source = torch.Generator().manual_seed(derive_seed("probe", classes, samples))
    logits = scale * torch.randn(samples, classes, generator=source, dtype=torch.float64)
    return logits.to(dtype), torch.arange(samples) % classes


def logit_gradient(loss: Loss, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """The gradient of each sample's loss with respect to its logits, shape (n, C)."""
    logits = logits.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(loss.per_sample(logits, targets).sum(), logits)
    return gradient


def gradient_scale(loss: Loss, classes: int) -> float:
    """The median per-sample norm of the centred logit gradient on the probe batch (may be 0 or nan).

    Samples without a gradient do not count: with two classes, the L1 loss on logits has none for every second sample.
    """
    norms = centred(logit_gradient(loss, *probe_batch(classes))).norm(dim=1)
    moving = norms[norms != 0]
    return float(moving.median()) if len(moving) else 0.0


def centred(gradient: torch.Tensor) -> torch.Tensor:
    """Logit gradients (n, C) minus their mean over classes: the part that moves probabilities."""
    return gradient - gradient.mean(dim=1, keepdim=True)


def cross_entropy_gradient(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """The logit gradient of cross entropy, exactly p - y, shape (n, C)."""
    gradient = torch.softmax(logits, dim=1)
    gradient[torch.arange(len(targets)), targets] -= 1.0
    return gradient


@lru_cache(maxsize=16)
def cross_entropy_scale(classes: int) -> float:
    """`gradient_scale` of cross entropy."""
    return float(cross_entropy_gradient(*probe_batch(classes)).norm(dim=1).median())


def matching_factor(loss: Loss, classes: int) -> float:
    """The factor that gives `loss` the gradient scale of cross entropy with `classes` classes.

    nan when the loss has no usable gradient scale (zero, not finite, or only rounding errors).
    """
    scale = gradient_scale(loss, classes) / loss.factor
    if not math.isfinite(scale) or scale <= 0:
        return math.nan
    factor = cross_entropy_scale(classes) / scale
    return factor if factor <= LARGEST_FACTOR else math.nan


class LossError(UserError, ValueError):
    """A loss that cannot be trained with."""


def task_loss(loss: Expression | Loss, classes: int, match_gradient_scale: bool) -> Loss:
    """The loss as a task trains it: scaled to the gradient of cross entropy if `match_gradient_scale`.

    Raises LossError when the loss has no gradient to scale.
    """
    if isinstance(loss, Expression | Graph):
        loss = ExpressionLoss(loss)
    if match_gradient_scale:
        loss.factor = matching_factor(loss, classes)
        if math.isnan(loss.factor):
            raise LossError(f"the loss {loss.text} has no finite, non-zero gradient to scale")
    return loss
