"""regularised_evolution_seed0: a loss for image classifiers, found by evoloss (study digits).

    sum over classes of  square((y - p) * cos(tanh(p) + (y * y)))

with p the softmax probability and y the one-hot target, averaged over the batch. Re-scored fitness
0.9866 (cross entropy on the same seeds and splits = 1, chance = 0), mean of 3. Needs only torch.
"""

import torch
from torch import nn

# What makes the gradient at initialisation as large as cross entropy's, by number of classes.
FACTORS = {2: 2.855666067078594, 3: 3.6020919428142233, 5: 4.973950424793157, 10: 8.020610331685297, 20: 15.576174684826183, 50: 36.2972210506832, 100: 71.85333518419823, 200: 142.74896576039285, 1000: 716.4006344960126}


def _limit_gradient(gradient):
    finite = torch.nan_to_num(gradient, nan=0.0, posinf=1000000000000.0, neginf=-1000000000000.0)
    return finite.clamp(-1000000000000.0, 1000000000000.0)


def _elementwise(p, y):
    v1 = y - p
    v2 = torch.tanh(p)
    v3 = y * y
    v4 = v2 + v3
    v5 = torch.cos(v4)
    v6 = v1 * v5
    v7 = torch.square(v6)
    return v7


class RegularisedEvolutionSeed0(nn.Module):
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
