"""ngl_gp_seed3: a loss for image classifiers, found by evoloss (study digits).

    sum over classes of  tanh(exp(y / max(abs(min(y, y)), p)) - max(p, y)) * cos(log(square(y)))

with p the softmax probability and y the one-hot target, averaged over the batch. Re-scored fitness
1.0908 (cross entropy on the same seeds and splits = 1, chance = 0), mean of 3.
It is leave-one-out: each fresh training counts for the champion that the other ones choose.
Needs only torch.
"""

import torch
from torch import nn

# What makes the gradient at initialisation as large as cross entropy's, by number of classes.
FACTORS = {2: 2.7774874816517263, 3: 4.841872713340785, 5: 9.678255354103436, 10: 21.94744111459033, 20: 51.09705342818133, 50: 131.36878960579503, 100: 269.1172268048805, 200: 543.9072647258378, 1000: 2767.851691487833}


def _limit_gradient(gradient):
    finite = torch.nan_to_num(gradient, nan=0.0, posinf=1000000000000.0, neginf=-1000000000000.0)
    return finite.clamp(-1000000000000.0, 1000000000000.0)


def _elementwise(log_p, y):
    p = torch.exp(log_p)
    v1 = torch.minimum(y, y)
    v2 = torch.abs(v1)
    v3 = torch.maximum(v2, p)
    v4 = y / v3.clamp_min(1e-07)
    v5 = torch.exp(v4.clamp_max(36.841361487904734))
    v6 = torch.maximum(p, y)
    v7 = v5 - v6
    v8 = torch.tanh(v7)
    v9 = torch.square(y)
    v10 = torch.log(v9.clamp_min(1e-07))
    v11 = torch.cos(v10)
    v12 = v8 * v11
    return v12


class NglGpSeed3(nn.Module):
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
