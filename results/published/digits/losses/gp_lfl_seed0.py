"""gp_lfl_seed0: a loss for image classifiers, found by evoloss (study digits).

    sum over classes of  min(y, min(y, p)) + square(sin(y) - p)

with p the softmax probability and y the one-hot target, averaged over the batch. Re-scored fitness
0.9920 (cross entropy on the same seeds and splits = 1, chance = 0), mean of 3. Needs only torch.
"""

import torch
from torch import nn

# What makes the gradient at initialisation as large as cross entropy's, by number of classes.
FACTORS = {2: 2.986505781751796, 3: 4.027501443467265, 5: 6.959009257615545, 10: 13.541282225408953, 20: 29.632780918883196, 50: 74.90807904097754, 100: 152.04102739923982, 200: 307.40565680650406, 1000: 1561.6844194791051}


def _limit_gradient(gradient):
    finite = torch.nan_to_num(gradient, nan=0.0, posinf=1000000000000.0, neginf=-1000000000000.0)
    return finite.clamp(-1000000000000.0, 1000000000000.0)


def _elementwise(p, y):
    v1 = torch.minimum(y, p)
    v2 = torch.minimum(y, v1)
    v3 = torch.sin(y)
    v4 = v3 - p
    v5 = torch.square(v4)
    v6 = v2 + v5
    return v6


class GpLflSeed0(nn.Module):
    """Takes logits (n, C) and class indices (n,); returns a scalar.

    `factor` multiplies the loss; None looks it up in FACTORS. `reduction` is "mean", "sum" or
    "none".
    """

    def __init__(self, factor=None, reduction="mean"):
        super().__init__()
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(f"reduction must be mean, sum or none, got {reduction!r}")
        self.factor = factor
        self.reduction = reduction

    def forward(self, logits, targets):
        classes = logits.shape[1]
        factor = FACTORS.get(classes) if self.factor is None else self.factor
        if factor is None:
            raise ValueError(
                f"no factor is known for {classes} classes, only for {sorted(FACTORS)}; "
                "pass factor=1.0 for the loss as written, or a factor of your own"
            )
        logits = logits if logits.dtype == torch.float64 else logits.float()
        p = torch.softmax(logits, dim=1)
        if p.requires_grad:
            p.register_hook(_limit_gradient)
        y = nn.functional.one_hot(targets, classes).to(p.dtype)
        loss = factor * _elementwise(p, y).sum(dim=1)
        return loss if self.reduction == "none" else getattr(loss, self.reduction)()
