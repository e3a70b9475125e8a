"""ngl_gp_seed0: a loss for image classifiers, found by evoloss (study digits).

    sum over classes of  sigmoid(sin(min(p, 1)) - (sigmoid(2) / square(((y - p) - p) * cos(tanh(sigmoid(y))))))

with p the softmax probability and y the one-hot target, averaged over the batch. Re-scored fitness
0.9960 (cross entropy on the same seeds and splits = 1, chance = 0), mean of 3. Needs only torch.
"""

import torch
from torch import nn

# What makes the gradient at initialisation as large as cross entropy's, by number of classes.
FACTORS = {2: 1.6925786773103704, 3: 2.057685347489249, 5: 4.232663036518963, 10: 10.09553960217273, 20: 24.689145260255984, 50: 67.40218647718598, 100: 141.17397592372535, 200: 288.92943130620915, 1000: 1484.7057955675484}


def _limit_gradient(gradient):
    finite = torch.nan_to_num(gradient, nan=0.0, posinf=1000000000000.0, neginf=-1000000000000.0)
    return finite.clamp(-1000000000000.0, 1000000000000.0)


def _elementwise(p, y):
    v1 = p.clamp_max(1.0)
    v2 = torch.sin(v1)
    v3 = y - p
    v4 = v3 - p
    v5 = torch.sigmoid(y)
    v6 = torch.tanh(v5)
    v7 = torch.cos(v6)
    v8 = v4 * v7
    v9 = torch.square(v8)
    v10 = 0.8807970779778823 / v9.clamp_min(1e-07)
    v11 = v2 - v10
    v12 = torch.sigmoid(v11)
    return v12


class NglGpSeed0(nn.Module):
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
