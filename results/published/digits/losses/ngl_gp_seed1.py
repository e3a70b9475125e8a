"""ngl_gp_seed1: a loss for image classifiers, found by evoloss (study digits).

    sum over classes of  exp(exp(max(p, y)) + cos(cos(p)))

with p the softmax probability and y the one-hot target, averaged over the batch. Re-scored fitness
1.0331 (cross entropy on the same seeds and splits = 1, chance = 0), mean of 3. Needs only torch.
"""

import torch
from torch import nn

# What makes the gradient at initialisation as large as cross entropy's, by number of classes.
FACTORS = {2: 0.222699361769646, 3: 0.4646070197695849, 5: 1.0371724791433985, 10: 2.2321898060704237, 20: 4.564470007446352, 50: 11.290527910170727, 100: 22.614308973127564, 200: 45.38815622826239, 1000: 228.9855944068822}


def _limit_gradient(gradient):
    finite = torch.nan_to_num(gradient, nan=0.0, posinf=1000000000000.0, neginf=-1000000000000.0)
    return finite.clamp(-1000000000000.0, 1000000000000.0)


def _elementwise(p, y):
    v1 = torch.maximum(p, y)
    v2 = torch.exp(v1)
    v3 = torch.cos(p)
    v4 = torch.cos(v3)
    v5 = v2 + v4
    v6 = torch.exp(v5)
    return v6


class NglGpSeed1(nn.Module):
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
