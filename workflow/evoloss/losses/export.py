"""A found loss as a file of its own: one torch.nn.Module that needs only torch."""

from collections.abc import Iterable, Mapping
from typing import Any

from evoloss.expressions.compile import torch_statements
from evoloss.expressions.parsing import parse
from evoloss.expressions.primitives import GRADIENT_LIMIT
from evoloss.losses.expression_loss import ExpressionLoss
from evoloss.losses.gradient_scale import matching_factor

USUAL_CLASSES = (2, 3, 5, 10, 20, 50, 100, 200, 1000)
"""Numbers of classes whose factor is written down beside the study's own."""

_TEMPLATE = '''"""{loss}: a loss for image classifiers, found by evoloss (study {study}).

    sum over classes of  {expression}

with p the softmax probability and y the one-hot target, averaged over the batch. Re-scored fitness
{fitness:.4f} (cross entropy on the same seeds and splits = 1, chance = 0), mean of {repeats}.
It is {fitness_is}.
Needs only torch.
"""

import torch
from torch import nn

# What makes the gradient at initialisation as large as cross entropy's, by number of classes.
FACTORS = {{{factors}}}


def _limit_gradient(gradient):
    finite = torch.nan_to_num(gradient, nan=0.0, posinf={limit!r}, neginf=-{limit!r})
    return finite.clamp(-{limit!r}, {limit!r})


def _elementwise(log_p, y):
{body}


class {name}(nn.Module):
    """Takes logits (n, C) and class indices (n,); returns a scalar.

    `factor` multiplies the loss; None looks it up in FACTORS. `reduction` is "mean", "sum" or
    "none".
    """

    def __init__(self, factor={default}, reduction="mean"):
        super().__init__()
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(f"reduction must be mean, sum or none, got {{reduction!r}}")
        self.factor = factor
        self.reduction = reduction

    def forward(self, logits, targets):
        classes = logits.shape[1]
        factor = FACTORS.get(classes) if self.factor is None else self.factor
        if factor is None:
            raise ValueError(
                f"no factor is known for {{classes}} classes, only for {{sorted(FACTORS)}}; "
                "pass factor=1.0 for the loss as written, or a factor of your own"
            )
        logits = logits if logits.dtype == torch.float64 else logits.float()
        log_p = torch.log_softmax(logits, dim=1)
        if log_p.requires_grad:
            log_p.register_hook(_limit_gradient)
        y = nn.functional.one_hot(targets, classes).to(log_p.dtype)
        loss = factor * _elementwise(log_p, y).sum(dim=1)
        return loss if self.reduction == "none" else getattr(loss, self.reduction)()
'''


def class_name(loss: str) -> str:
    """`egp_seed0` -> `EgpSeed0`."""
    return "".join(part.capitalize() for part in loss.split("_"))


def python_module(
    champion: Mapping[str, Any], classes: Iterable[int], study: str, scale_matched: bool = True
) -> str:
    """The source of a champion's module, with matching factors for the usual numbers of classes.

    Without `scale_matched` the loss is exported as written, as the search trained it.
    """
    expression = parse(champion["expression"])
    factors = {
        c: matching_factor(ExpressionLoss(expression), c)
        for c in sorted({*classes, *USUAL_CLASSES})
    }
    return _TEMPLATE.format(
        loss=champion["loss"],
        study=study,
        expression=expression,
        fitness=champion["fitness"],
        fitness_is=champion["fitness_is"],
        repeats=champion["repeats"],
        factors=", ".join(f"{c}: {factor!r}" for c, factor in factors.items() if factor == factor),
        limit=GRADIENT_LIMIT,
        body="\n".join(f"    {line}" for line in torch_statements(expression)),
        name=class_name(champion["loss"]),
        default="None" if scale_matched else "1.0",
    )
