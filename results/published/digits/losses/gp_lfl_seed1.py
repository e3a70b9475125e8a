"""gp_lfl_seed1: a loss for image classifiers, found by evoloss (study digits).

    sum over classes of  log(sqrt(p * y)) - log(sin(y * (y * p)))

with p the softmax probability and y the one-hot target, averaged over the batch. Re-scored fitness
1.0000 (cross entropy on the same seeds and splits = 1, chance = 0), mean of 3. Needs only torch.
"""

import torch
from torch import nn

# What makes the gradient at initialisation as large as cross entropy's, by number of classes.
FACTORS = {2: 2.418238317858293, 3: 2.165069005115227, 5: 2.0498779840668546, 10: 2.013018293521345, 20: 2.0027837541061277, 50: 2.0004768718202923, 100: 2.000119289174023, 200: 2.0000295568431774, 1000: 2.0000011680580774}


def _limit_gradient(gradient):
    finite = torch.nan_to_num(gradient, nan=0.0, posinf=1000000000000.0, neginf=-1000000000000.0)
    return finite.clamp(-1000000000000.0, 1000000000000.0)


def _elementwise(p, y):
    v1 = p * y
    v2 = torch.sqrt(v1.clamp_min(1e-07))
    v3 = torch.log(v2)
    v4 = y * p
    v5 = y * v4
    v6 = torch.sin(v5)
    v7 = torch.log(v6.abs().clamp_min(1e-07))
    v8 = v3 - v7
    return v8


class GpLflSeed1(nn.Module):
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
