"""Figure loss_landscape: heat maps of losses over the target's probability and the largest other probability.

The remaining classes share the rest equally. Losses are scaled to cross entropy's gradient, with their minimum at 0.
"""

import numpy as np
import torch
from matplotlib.figure import Figure

from evoloss.losses.formula import as_written
from evoloss.losses.gradient_scale import task_loss
from evoloss.reporting.names import loss_name
from evoloss.reporting.study_records import StudyRecords
from evoloss.reporting.style import panels

POINTS = 120
HIGHEST = 6.0
"""Upper end of the colour scale, which cross entropy reaches at p = 0.0025."""


def landscape(text: str, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """The axis (POINTS,) of both probabilities, and the loss (POINTS, POINTS), indexed [other, target].

    Impossible pairs are nan: the largest other probability lies between (1 - target) / (classes - 1) and 1 - target.
    """
    axis = torch.linspace(0.005, 0.995, POINTS, dtype=torch.float64)
    other, target = torch.meshgrid(axis, axis, indexing="ij")
    rest = 1 - target - other
    possible = (rest >= 0) & (other >= (1 - target) / (classes - 1) - 1e-9)
    p = torch.full((POINTS * POINTS, classes), 0.0, dtype=torch.float64)
    p[:, 0], p[:, 1] = target.flatten(), other.flatten()
    if classes > 2:
        p[:, 2:] = (rest / (classes - 2)).clamp_min(1e-6).flatten()[:, None]
    loss = task_loss(as_written(text, classes), classes, match_gradient_scale=True)
    targets = torch.zeros(len(p), dtype=torch.long)
    with torch.no_grad():
        values = loss.per_sample(p.log(), targets).reshape(POINTS, POINTS)
    values = torch.where(possible, values, torch.nan).numpy()
    return axis.numpy(), values - np.nanmin(values)


def draw(records: StudyRecords) -> Figure:
    """One panel per known loss, and one for the best champion of each method."""
    (manifest,) = records.manifests
    classes = manifest["classes"]
    shown = [(loss_name(name), text) for name, text in records.description["formulas"].items()]
    for method in records.methods:
        mine = [c for c in records.champions if c["method"] == method]
        best = max(mine, key=lambda c: c["fitness"])
        shown.append((loss_name(best["loss"]), best["expression"]))
    figure, axes = panels(len(shown), columns=3, row_height=2.0, margin=0.5)
    image = None
    for axis, (title, text) in zip(axes, shown, strict=True):
        ends, values = landscape(text, classes)
        image = axis.pcolormesh(
            ends, ends, values, vmin=0, vmax=HIGHEST, cmap="cividis", rasterized=True
        )
        axis.contour(ends, ends, values, levels=[0.5, 1, 2, 4], colors="white", linewidths=0.5)
        axis.set_title(title, loc="left", fontsize=8)
        axis.tick_params(labelsize=7)
    figure.colorbar(image, ax=axes, extend="max", label="Loss above its minimum", shrink=0.8)
    figure.supxlabel(r"Probability of the target, $p_t$", fontsize=9)
    figure.supylabel("Largest other probability", fontsize=9)
    return figure
