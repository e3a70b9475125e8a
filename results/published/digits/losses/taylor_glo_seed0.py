"""taylor_glo_seed0: a loss for image classifiers, found by evoloss (study digits).

    sum over classes of  -((p - -0.3028) * ((-0.6741 + ((y - -0.4798) * (-2.504 + (3.098 * (y - -0.4798))))) + ((p - -0.3028) * ((-3.764 + (0.3952 * (y - -0.4798))) + (-0.9658 * (p - -0.3028))))))

with p the softmax probability and y the one-hot target, averaged over the batch. Re-scored fitness
0.9840 (cross entropy on the same seeds and splits = 1, chance = 0), mean of 3. Needs only torch.
"""

import torch
from torch import nn

# What makes the gradient at initialisation as large as cross entropy's, by number of classes.
FACTORS = {2: 0.48440462151427494, 3: 0.6868872645787845, 5: 1.2115608436078715, 10: 2.4236304445047083, 20: 5.3419945026643125, 50: 13.525741614608272, 100: 27.391367427074478, 200: 55.23059959896208, 1000: 280.2807734517761}


def _limit_gradient(gradient):
    finite = torch.nan_to_num(gradient, nan=0.0, posinf=1000000000000.0, neginf=-1000000000000.0)
    return finite.clamp(-1000000000000.0, 1000000000000.0)


def _elementwise(p, y):
    v1 = p - (-0.3028)
    v2 = y - (-0.4798)
    v3 = 3.098 * v2
    v4 = (-2.504) + v3
    v5 = v2 * v4
    v6 = (-0.6741) + v5
    v7 = 0.3952 * v2
    v8 = (-3.764) + v7
    v9 = (-0.9658) * v1
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
