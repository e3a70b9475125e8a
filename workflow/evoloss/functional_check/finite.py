"""Stage 2: value and gradient are finite on the probes, guards included.

What only a guard keeps finite passes: a value or slope at its guard's limit trains as it is, and the
stages after this one judge by what it does. Refusing it lost good losses that are steep where a network
is surely wrong, such as `exp(y) / square(p)`: 4 of 36 that audits drew. Of 10,700 random trees with p and y
(`tests/benchmarks/steep.py`, four tasks) that rule alone refuses 37. Stage `learns` rejects 20 of these, all bad, and
lets 17 through to a training, 14 of them good. So the guards' own losses are never refused here; others are.
"""

from functools import lru_cache

import torch

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
    """Why the loss is unusable on the probes, or None; `loss` has `per_sample(logits, targets)`."""
    logits, targets = probes(classes)
    logits = logits.clone().requires_grad_()
    values = loss.per_sample(logits, targets)
    if not bool(values.isfinite().all()):
        return "the value is not finite"
    if not values.requires_grad:
        return "the value does not depend on the logits"
    (gradient,) = torch.autograd.grad(values.sum(), logits)
    if not bool(gradient.isfinite().all()):
        return "the gradient is not finite"
    return None
