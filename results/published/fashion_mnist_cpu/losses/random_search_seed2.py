"""random_search_seed2: a loss for image classifiers, found by evoloss (study fashion_mnist_cpu).

    sum over classes of  min(max(cos(log(-1)), tanh(2 + y)), cos(sin(y) + sqrt(p)))

with p the softmax probability and y the one-hot target, averaged over the batch. Re-scored fitness
1.0008 (cross entropy on the same seeds and splits = 1, chance = 0), mean of 3. Needs only torch.
"""

import torch
from torch import nn

# What makes the gradient at initialisation as large as cross entropy's, by number of classes.
FACTORS = {2: 8.124659328223753, 3: 7.769601425023007, 5: 8.587074039053906, 10: 10.493233540858311, 20: 14.13769127387162, 50: 20.954835018200875, 100: 28.97807438312049, 200: 40.36074433314289, 1000: 88.92641561588023}


def _limit_gradient(gradient):
    finite = torch.nan_to_num(gradient, nan=0.0, posinf=1000000000000.0, neginf=-1000000000000.0)
    return finite.clamp(-1000000000000.0, 1000000000000.0)


def _elementwise(p, y):
    v1 = torch.sin(y)
    v2 = torch.sqrt(p.clamp_min(1e-07))
    v3 = v1 + v2
    v4 = torch.cos(v3)
    v5 = v4.clamp_max(1.0)
    return v5


class RandomSearchSeed2(nn.Module):
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
