"""glo_seed0: a loss for image classifiers, found by evoloss (study digits).

    sum over classes of  0.9406 * square(0.04925 * ((0.3946 * p) - (-0.3645 * ((2.65 * ((-0.752 * y) - (1.898 * min(1.572 * p, 1.922 * p)))) + (0.3925 * square(3.019 * ((1.114 * y) - (0.02135 * p))))))))

with p the softmax probability and y the one-hot target, averaged over the batch. Re-scored fitness
1.0013 (cross entropy on the same seeds and splits = 1, chance = 0), mean of 3. Needs only torch.
"""

import torch
from torch import nn

# What makes the gradient at initialisation as large as cross entropy's, by number of classes.
FACTORS = {2: 211.2931642033154, 3: 278.5959764180515, 5: 473.07852267597633, 10: 908.8597435873027, 20: 1972.1958977814522, 50: 4962.389462343761, 100: 10045.639331490984, 200: 20266.447533587314, 1000: 102833.02975475855}


def _limit_gradient(gradient):
    finite = torch.nan_to_num(gradient, nan=0.0, posinf=1000000000000.0, neginf=-1000000000000.0)
    return finite.clamp(-1000000000000.0, 1000000000000.0)


def _elementwise(p, y):
    v1 = 0.3946 * p
    v2 = (-0.752) * y
    v3 = 1.572 * p
    v4 = 1.922 * p
    v5 = torch.minimum(v3, v4)
    v6 = 1.898 * v5
    v7 = v2 - v6
    v8 = 2.65 * v7
    v9 = 1.114 * y
    v10 = 0.02135 * p
    v11 = v9 - v10
    v12 = 3.019 * v11
    v13 = torch.square(v12)
    v14 = 0.3925 * v13
    v15 = v8 + v14
    v16 = (-0.3645) * v15
    v17 = v1 - v16
    v18 = 0.04925 * v17
    v19 = torch.square(v18)
    v20 = 0.9406 * v19
    return v20


class GloSeed0(nn.Module):
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
