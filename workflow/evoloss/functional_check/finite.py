"""Stage 2: value and gradient are finite, and not only so because a guard caught them."""

from functools import lru_cache

import torch

from evoloss.expressions.primitives import GRADIENT_LIMIT, LIMIT
from evoloss.losses.gradient_scale import probe_batch

CONFIDENCE = 8.0
"""Logit lead of the confident probes: p of about 3e-4 on the other side."""


@lru_cache(maxsize=16)
def probes(classes: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits and targets: untrained, uniform, confident and right, confident and wrong."""
    logits, targets = probe_batch(classes, samples=64, dtype=torch.float32)
    one_hot = torch.nn.functional.one_hot(targets, classes).float()
    wrong = one_hot.roll(1, dims=1)
    groups = [logits, torch.zeros_like(logits), CONFIDENCE * one_hot, CONFIDENCE * wrong]
    return torch.cat(groups), targets.repeat(len(groups))


def problem(loss, classes: int) -> str | None:
    """Why the loss is unusable on the probes, or None.

    `loss` has `per_sample(logits, targets)`. A value or gradient at its guard's limit would have
    been infinite without the guard, and is refused like an infinite one.
    """
    logits, targets = probes(classes)
    logits = logits.clone().requires_grad_()
    values = loss.per_sample(logits, targets)
    if not bool(values.isfinite().all()):
        return "the value is not finite"
    if float(values.detach().abs().max()) >= LIMIT * (1 - 1e-6):
        return "the value reaches its guard's limit"
    if not values.requires_grad:
        return "the value does not depend on the logits"
    (gradient,) = torch.autograd.grad(values.sum(), logits)
    if not bool(gradient.isfinite().all()):
        return "the gradient is not finite"
    if float(gradient.abs().max()) >= GRADIENT_LIMIT * 1e-6:
        return "the gradient explodes"
    return None
