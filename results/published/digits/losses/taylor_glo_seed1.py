"""taylor_glo_seed1: a loss for image classifiers, found by evoloss (study digits).

    sum over classes of  -((p - -1.527) * ((-0.8179 + ((y - 0.07848) * (-0.07317 + (-0.1693 * (y - 0.07848))))) + ((p - -1.527) * ((-1.813 + (1.613 * (y - 0.07848))) + (-2.495 * (p - -1.527))))))

with p the softmax probability and y the one-hot target, averaged over the batch. Re-scored fitness
1.0331 (cross entropy on the same seeds and splits = 1, chance = 0), mean of 3. Needs only torch.
"""

import torch
from torch import nn

# What makes the gradient at initialisation as large as cross entropy's, by number of classes.
FACTORS = {2: 0.31063427560864554, 3: 0.4246243920426388, 5: 0.7820114621313581, 10: 1.6971212290156257, 20: 3.7478119068811133, 50: 10.228190068209795, 100: 21.326594980538907, 200: 43.814774835601575, 1000: 225.64683820582803}


def _limit_gradient(gradient):
    finite = torch.nan_to_num(gradient, nan=0.0, posinf=1000000000000.0, neginf=-1000000000000.0)
    return finite.clamp(-1000000000000.0, 1000000000000.0)


def _elementwise(p, y):
    v1 = p - (-1.527)
    v2 = y - 0.07848
    v3 = (-0.1693) * v2
    v4 = (-0.07317) + v3
    v5 = v2 * v4
    v6 = (-0.8179) + v5
    v7 = 1.613 * v2
    v8 = (-1.813) + v7
    v9 = (-2.495) * v1
    v10 = v8 + v9
    v11 = v1 * v10
    v12 = v6 + v11
    v13 = v1 * v12
    v14 = -v13
    return v14


class TaylorGloSeed1(nn.Module):
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
