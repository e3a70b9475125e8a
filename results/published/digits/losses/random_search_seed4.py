"""random_search_seed4: a loss for image classifiers, found by evoloss (study digits).

    sum over classes of  min((-y + (p / p)) + ((p * p) / exp(y)), sigmoid(y / p) / max(log(p), y + y))

with p the softmax probability and y the one-hot target, averaged over the batch. Re-scored fitness
1.2106 (cross entropy on the same seeds and splits = 1, chance = 0), mean of 3.
It is leave-one-out: each fresh training counts for the champion that the other ones choose.
Needs only torch.
"""

import torch
from torch import nn

# What makes the gradient at initialisation as large as cross entropy's, by number of classes.
FACTORS = {2: 3.2016051324985377, 3: 6.268715006772218, 5: 14.775053452428594, 10: 42.24297753500281, 20: 122.8421731728964, 50: 478.31870472277717, 100: 1320.2464817551302, 200: 3623.071450048029, 1000: 40096.068428796214}


def _limit_gradient(gradient):
    finite = torch.nan_to_num(gradient, nan=0.0, posinf=1000000000000.0, neginf=-1000000000000.0)
    return finite.clamp(-1000000000000.0, 1000000000000.0)


def _elementwise(log_p, y):
    p = torch.exp(log_p)
    v1 = -y
    v2 = p / p.clamp_min(1e-07)
    v3 = v1 + v2
    v4 = p * p
    v5 = torch.exp(y)
    v6 = v4 / v5
    v7 = v3 + v6
    v8 = y / p.clamp_min(1e-07)
    v9 = torch.sigmoid(v8)
    v10 = y + y
    v11 = torch.maximum(log_p, v10)
    v12 = v9 / v11.clamp_min(1e-07)
    v13 = torch.minimum(v7, v12)
    return v13


class RandomSearchSeed4(nn.Module):
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
