"""ngl_gp_seed4: a loss for image classifiers, found by evoloss (study digits).

    sum over classes of  ((tanh(y) + cos(p)) - sigmoid(-p)) / (sigmoid(p / p) + min(y, sqrt(p)))

with p the softmax probability and y the one-hot target, averaged over the batch. Re-scored fitness
1.1452 (cross entropy on the same seeds and splits = 1, chance = 0), mean of 3.
It is leave-one-out: each fresh training counts for the champion that the other ones choose.
Needs only torch.
"""

import torch
from torch import nn

# What makes the gradient at initialisation as large as cross entropy's, by number of classes.
FACTORS = {2: 7.297737057330707, 3: 5.103512728071541, 5: 4.860902383326367, 10: 5.306172983701195, 20: 6.4477972280503835, 50: 8.594693621029764, 100: 11.122834402261885, 200: 14.71258798210407, 1000: 30.040938609421296}


def _limit_gradient(gradient):
    finite = torch.nan_to_num(gradient, nan=0.0, posinf=1000000000000.0, neginf=-1000000000000.0)
    return finite.clamp(-1000000000000.0, 1000000000000.0)


def _elementwise(log_p, y):
    p = torch.exp(log_p)
    v1 = torch.tanh(y)
    v2 = torch.cos(p)
    v3 = v1 + v2
    v4 = -p
    v5 = torch.sigmoid(v4)
    v6 = v3 - v5
    v7 = p / p.clamp_min(1e-07)
    v8 = torch.sigmoid(v7)
    v9 = torch.exp(0.5 * log_p)
    v10 = torch.minimum(y, v9)
    v11 = v8 + v10
    v12 = v6 / v11
    return v12


class NglGpSeed4(nn.Module):
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
