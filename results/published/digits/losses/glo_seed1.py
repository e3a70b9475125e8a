"""glo_seed1: a loss for image classifiers, found by evoloss (study digits).

    sum over classes of  1.97 * ((0.8293 * ((3.889 * square(2.252 * p)) - (3.267 * y))) * (2.673 * p))

with p the softmax probability and y the one-hot target, averaged over the batch. Re-scored fitness
1.0097 (cross entropy on the same seeds and splits = 1, chance = 0), mean of 3. Needs only torch.
"""

import torch
from torch import nn

# What makes the gradient at initialisation as large as cross entropy's, by number of classes.
FACTORS = {2: 0.05327347271350223, 3: 0.11444119419735331, 5: 0.2603651494811697, 10: 0.6268893183004507, 20: 1.444389098786759, 50: 3.665247350362774, 100: 7.401957191074303, 200: 14.831796354238731, 1000: 74.87357796551326}


def _limit_gradient(gradient):
    finite = torch.nan_to_num(gradient, nan=0.0, posinf=1000000000000.0, neginf=-1000000000000.0)
    return finite.clamp(-1000000000000.0, 1000000000000.0)


def _elementwise(p, y):
    v1 = 2.252 * p
    v2 = torch.square(v1)
    v3 = 3.889 * v2
    v4 = 3.267 * y
    v5 = v3 - v4
    v6 = 0.8293 * v5
    v7 = 2.673 * p
    v8 = v6 * v7
    v9 = 1.97 * v8
    return v9


class GloSeed1(nn.Module):
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
