"""Shows losses: the catalogue as a table, and plots of value and gradient."""

from typing import TYPE_CHECKING, Any

import torch

from evoloss.losses.as_module import loss
from evoloss.losses.binary import BinaryLoss
from evoloss.losses.registry import CATALOGUE

if TYPE_CHECKING:  # neither is needed to train
    import pandas as pd
    from matplotlib.figure import Figure

POINTS = 401
SMALLEST = 0.005
"""Smallest p in a plot; the largest is 1 minus this."""


def catalogue() -> "pd.DataFrame":
    """The catalogue, one row per loss: formula, constants, source, and how sure the formula is (`evidence`).

    A formula is the expression that `loss` takes, or LaTeX if the loss is no expression. The values of `evidence` are
    explained in `registry.py`.
    """
    import pandas as pd

    rows = [
        {
            "loss": entry.name,
            "formula": entry.latex if ":" in entry.formula else entry.formula,
            "constants": entry.defaults,
            "source": entry.source,
            "evidence": entry.evidence,
        }
        for entry in CATALOGUE.values()
    ]
    return pd.DataFrame(rows).set_index("loss")


def plot(*losses: Any, classes: int = 10) -> "Figure":
    """A figure: value and gradient of losses (texts or modules) against the probability of the right answer.

    With a softmax, the other classes are equally likely and the gradient is with respect to the target's logit; with a
    sigmoid, the label is 1. Values are scaled as the modules scale them, then shifted so that their minimum is 0.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.5), layout="constrained")
    value_axes, slope_axes = figure.subplots(1, 2)
    p = torch.linspace(SMALLEST, 1 - SMALLEST, POINTS, dtype=torch.float64)
    for one in losses or ("cross_entropy",):
        module = loss(one) if isinstance(one, str) else one
        values, slopes = _curve(module, p, classes)
        label = getattr(module, "text", type(module).__name__)
        value_axes.plot(p, values - values.min(), label=label)
        slope_axes.plot(p, slopes, label=label)
    what = "the target's probability $p$"
    value_axes.set(xlabel=what, ylabel="loss above its minimum")
    slope_axes.set(xlabel=what, ylabel="gradient of the target's logit")
    for axes in (value_axes, slope_axes):
        axes.axhline(0, color="0.8", linewidth=0.8, zorder=0)
        axes.spines[["top", "right"]].set_visible(False)
    slope_axes.legend(frameon=False)
    return figure


def _curve(
    module: torch.nn.Module, p: torch.Tensor, classes: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """The loss at each p, and its derivative with respect to the target's logit."""
    logit = torch.logit(p)
    odds = logit if isinstance(module, BinaryLoss) else logit + torch.tensor(classes - 1.0).log()
    odds = odds.detach().requires_grad_()
    if isinstance(module, BinaryLoss):
        each = [module(z, torch.ones_like(z)) for z in odds]
    else:
        others = torch.zeros(classes - 1, dtype=p.dtype)
        target = torch.zeros(1, dtype=torch.long)
        each = [module(torch.cat([z[None], others])[None], target) for z in odds]
    values = torch.stack([value.sum() for value in each])
    (slopes,) = torch.autograd.grad(values.sum(), odds)
    return values.detach(), slopes
