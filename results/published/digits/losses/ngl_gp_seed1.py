"""ngl_gp_seed1: a loss for image classifiers, found by evoloss (study digits).

    sum over classes of  -log((p * y) * max(p, sqrt(sigmoid(tanh(y * p)))))

with p the softmax probability and y the one-hot target, averaged over the batch. Re-scored fitness
1.0000 (cross entropy on the same seeds and splits = 1, chance = 0), mean of 3. Needs only torch.
"""

import torch
from torch import nn

# What makes the gradient at initialisation as large as cross entropy's, by number of classes.
FACTORS = {2: 0.9291898454546548, 3: 0.9401465289223879, 5: 0.959385423388304, 10: 0.9772184913648376, 20: 0.9889902767939326, 50: 0.9952908357257372, 100: 0.9976418281013801, 200: 0.9988289228848253, 1000: 0.9997661714774123}


def _limit_gradient(gradient):
    finite = torch.nan_to_num(gradient, nan=0.0, posinf=1000000000000.0, neginf=-1000000000000.0)
    return finite.clamp(-1000000000000.0, 1000000000000.0)


def _elementwise(p, y):
    v1 = p * y
    v2 = y * p
    v3 = torch.tanh(v2)
    v4 = torch.sigmoid(v3)
    v5 = torch.sqrt(v4)
    v6 = torch.maximum(p, v5)
    v7 = v1 * v6
    v8 = torch.log(v7.clamp_min(1e-07))
    v9 = -v8
    return v9


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
