"""The curve of a loss: value and logit gradient against the probability of the target."""

import numpy as np
import torch

from evoloss.losses.formula import as_written
from evoloss.losses.gradient_scale import logit_gradient, task_loss

POINTS = 400


def shape(text: str, classes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """p_t, the scaled loss shifted to minimum 0, and its derivative by the target's logit: three arrays (POINTS,).

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
