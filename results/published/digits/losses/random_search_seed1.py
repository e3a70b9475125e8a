"""random_search_seed1: a loss for image classifiers, found by evoloss (study digits).

    sum over classes of  (sqrt(y / p) * exp(p - p)) * ((max(y, y) + (-1 + p)) + sqrt(1 - 2))

with p the softmax probability and y the one-hot target, averaged over the batch. Re-scored fitness
1.0055 (cross entropy on the same seeds and splits = 1, chance = 0), mean of 3. Needs only torch.
"""

import torch
from torch import nn

# What makes the gradient at initialisation as large as cross entropy's, by number of classes.
FACTORS = {2: 2.869588541302329, 3: 1.7417862279545158, 5: 1.0921233211703572, 10: 0.6975807915117671, 20: 0.4520432248010389, 50: 0.28079497154651833, 100: 0.19705631530443365, 200: 0.13824127869248393, 1000: 0.06127121042388247}


def _limit_gradient(gradient):
    finite = torch.nan_to_num(gradient, nan=0.0, posinf=1000000000000.0, neginf=-1000000000000.0)
    return finite.clamp(-1000000000000.0, 1000000000000.0)


def _elementwise(p, y):
    v1 = y / p.clamp_min(1e-07)
    v2 = torch.sqrt(v1.clamp_min(1e-07))
    v3 = p - p
    v4 = torch.exp(v3)
    v5 = v2 * v4
    v6 = torch.maximum(y, y)
    v7 = (-1.0) + p
    v8 = v6 + v7
    v9 = v8 + 1.0
    v10 = v5 * v9
    return v10


class RandomSearchSeed1(nn.Module):
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
