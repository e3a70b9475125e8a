"""Stage 2: the value and the gradient of the loss are finite on the probes. The guards of primitives are in force.

A loss that is finite only thanks to a guard passes: a value or slope at the guard's limit trains as it is, and the
later stages judge how well. Refusing such losses lost good ones that are steep where a network is surely wrong, such as
`exp(y) / square(p)`: 4 of 36 that audits drew. Of 10,700 random trees with p and y (`tests/benchmarks/steep.py`, four
tasks), that rule would refuse 37 that no other stage before `learns` refuses. Stage `learns` rejects 20 of these, all
bad, and lets 17 train, 14 of them good.
"""

from functools import lru_cache

import torch

from evoloss.losses.gradient_scale import probe_batch

CONFIDENCE = 8.0
"""Lead of the largest logit in the confident probes: each other class has p of about 3e-4."""


@lru_cache(maxsize=16)
def probes(classes: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits (n, classes) and targets (n,): untrained, uniform, confident and right, confident and wrong."""
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
