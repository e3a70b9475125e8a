"""Figure loss_shapes: value and logit gradient against p_t, champions beside known losses.

The other classes share the rest of the probability equally. All losses are scaled to cross entropy's
gradient, and values are shifted to 0 at their minimum, so that shapes can be compared.

A loss that reads logits and not probabilities alone (hinge, square loss on logits) is drawn at the
logits log p. Logits have one degree of freedom more, a common shift, and such a loss has another
curve at another shift.
"""

import numpy as np
import torch
from matplotlib.figure import Figure

from evoloss.losses.formula import as_written
from evoloss.losses.gradient_scale import logit_gradient, task_loss
from evoloss.reporting.names import loss_name
from evoloss.reporting.study_records import StudyRecords
from evoloss.reporting.style import colour_of, new_figure

POINTS = 400
STYLES = ("-", "--", "-.", ":")


def shape(text: str, classes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """p_t, the scaled value (minimum 0) and its derivative by the target's logit, POINTS each.

    `text` is an expression or `module:function`.
    """
    p_target = torch.linspace(0.005, 0.995, POINTS, dtype=torch.float64)
    p = ((1 - p_target) / (classes - 1))[:, None].repeat(1, classes)
    p[:, 0] = p_target
    loss = task_loss(as_written(text, classes), classes, match_gradient_scale=True)
    targets = torch.zeros(POINTS, dtype=torch.long)
    value = loss.per_sample(p.log(), targets).detach()
    gradient = logit_gradient(loss, p.log(), targets)[:, 0]
    return p_target.numpy(), (value - value.min()).numpy(), gradient.numpy()


def draw(records: StudyRecords) -> Figure:
    """Values on the left, gradients on the right."""
    (manifest,) = records.manifests
    classes = manifest["classes"]
    shown = dict(records.description["formulas"])
    shown |= {champion["loss"]: champion["expression"] for champion in records.champions}
    figure, axes = new_figure(columns=2, height=3.9)
    left, right = axes[0]
    of_colour: dict[str, int] = {}
    for name, text in shown.items():
        x, value, gradient = shape(text, classes)
        colour = colour_of(name)
        style = STYLES[of_colour.get(colour, 0) % len(STYLES)]
        of_colour[colour] = of_colour.get(colour, 0) + 1
        known = name in records.description["formulas"]
        options = {"color": colour, "linestyle": style, "linewidth": 2.0 if known else 1.1}
        left.plot(x, value, label=loss_name(name), **options)
        right.plot(x, gradient, **options)
    for axis in (left, right):
        axis.set_xlabel(r"Probability of the target, $p_t$")
    # A 1/p tail would leave the rest flat: what cross entropy does sets the height.
    left.set_ylim(-0.2, 6)
    right.set_ylim(-2.5, 1.0)
    left.set_ylabel("Loss above its minimum")
    right.set_ylabel(r"Derivative by $z_t$")
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure
