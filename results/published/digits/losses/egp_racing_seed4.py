"""egp_racing_seed4: a loss for image classifiers, found by evoloss (study digits).

    sum over classes of  ((exp(y) + cos(p)) - sigmoid(log(y) + sqrt(p))) / (sigmoid(p / p) + min(abs(-1), sqrt(p)))

with p the softmax probability and y the one-hot target, averaged over the batch. Re-scored fitness
1.1068 (cross entropy on the same seeds and splits = 1, chance = 0), mean of 3.
It is leave-one-out: each fresh training counts for the champion that the other ones choose.
Needs only torch.
"""

import torch
from torch import nn

# What makes the gradient at initialisation as large as cross entropy's, by number of classes.
FACTORS = {2: 4.374545432482686, 3: 3.84657644261546, 5: 3.4690358843028686, 10: 3.4492132294608013, 20: 3.34454210091504, 50: 3.400411032416834, 100: 3.4222912605198914, 200: 3.3949545710727693, 1000: 3.4207157052780333}


def _limit_gradient(gradient):
    finite = torch.nan_to_num(gradient, nan=0.0, posinf=1000000000000.0, neginf=-1000000000000.0)
    return finite.clamp(-1000000000000.0, 1000000000000.0)


def _elementwise(log_p, y):
    p = torch.exp(log_p)
    v1 = torch.exp(y)
    v2 = torch.cos(p)
    v3 = v1 + v2
    v4 = torch.log(y.clamp_min(1e-07))
    v5 = torch.exp(0.5 * log_p)
    v6 = v4 + v5
    v7 = torch.sigmoid(v6)
    v8 = v3 - v7
    v9 = p / p.clamp_min(1e-07)
    v10 = torch.sigmoid(v9)
    v11 = v5.clamp_max(1.0)
    v12 = v10 + v11
    v13 = v8 / v12
    return v13


class EgpRacingSeed4(nn.Module):
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
