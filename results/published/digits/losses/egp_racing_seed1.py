"""egp_racing_seed1: a loss for image classifiers, found by evoloss (study digits).

    sum over classes of  ((2 * abs(log(p))) / max(p, p)) / (exp(y) / (y + p))

with p the softmax probability and y the one-hot target, averaged over the batch. Re-scored fitness
0.9986 (cross entropy on the same seeds and splits = 1, chance = 0), mean of 3.
It is leave-one-out: each fresh training counts for the champion that the other ones choose.
Needs only torch.
"""

import torch
from torch import nn

# What makes the gradient at initialisation as large as cross entropy's, by number of classes.
FACTORS = {2: 0.738628928007161, 3: 0.286398164777508, 5: 0.11016387880654106, 10: 0.042301547585349396, 20: 0.015726711384831248, 50: 0.005218902579478116, 100: 0.002294232890812839, 200: 0.001013353984439573, 1000: 0.00015971406189095637}


def _limit_gradient(gradient):
    finite = torch.nan_to_num(gradient, nan=0.0, posinf=1000000000000.0, neginf=-1000000000000.0)
    return finite.clamp(-1000000000000.0, 1000000000000.0)


def _elementwise(log_p, y):
    p = torch.exp(log_p)
    v1 = torch.abs(log_p)
    v2 = 2.0 * v1
    v3 = torch.maximum(p, p)
    v4 = v2 / v3.clamp_min(1e-07)
    v5 = torch.exp(y)
    v6 = y + p
    v7 = v5 / v6.clamp_min(1e-07)
    v8 = v4 / v7
    return v8


class EgpRacingSeed1(nn.Module):
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
        log_p = torch.log_softmax(logits, dim=1)
        if log_p.requires_grad:
            log_p.register_hook(_limit_gradient)
        y = nn.functional.one_hot(targets, classes).to(log_p.dtype)
        loss = factor * _elementwise(log_p, y).sum(dim=1)
        return loss if self.reduction == "none" else getattr(loss, self.reduction)()
