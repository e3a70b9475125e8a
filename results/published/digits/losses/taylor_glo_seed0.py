"""taylor_glo_seed0: a loss for image classifiers, found by evoloss (study digits).

    sum over classes of  -((p - -0.3426) * ((-0.02923 + ((y - -0.4074) * (-3.182 + (1.569 * (y - -0.4074))))) + ((p - -0.3426) * ((-1.301 + (1.142 * (y - -0.4074))) + (-0.4511 * (p - -0.3426))))))

with p the softmax probability and y the one-hot target, averaged over the batch. Re-scored fitness
0.9626 (cross entropy on the same seeds and splits = 1, chance = 0), mean of 3. Needs only torch.
"""

import torch
from torch import nn

# What makes the gradient at initialisation as large as cross entropy's, by number of classes.
FACTORS = {2: 1.2677981960537947, 3: 2.390244895125009, 5: 5.022798191906893, 10: 12.91099339990665, 20: 33.8206200582404, 50: 99.68399137672344, 100: 215.43952109552433, 200: 451.2580456064087, 1000: 2362.767978954212}


def _limit_gradient(gradient):
    finite = torch.nan_to_num(gradient, nan=0.0, posinf=1000000000000.0, neginf=-1000000000000.0)
    return finite.clamp(-1000000000000.0, 1000000000000.0)


def _elementwise(p, y):
    v1 = p - (-0.3426)
    v2 = y - (-0.4074)
    v3 = 1.569 * v2
    v4 = (-3.182) + v3
    v5 = v2 * v4
    v6 = (-0.02923) + v5
    v7 = 1.142 * v2
    v8 = (-1.301) + v7
    v9 = (-0.4511) * v1
    v10 = v8 + v9
    v11 = v1 * v10
    v12 = v6 + v11
    v13 = v1 * v12
    v14 = -v13
    return v14


class TaylorGloSeed0(nn.Module):
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
