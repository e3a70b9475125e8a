"""Stage 3: the gradient does not vanish, its scale can be matched, and it points towards the target.

The factor that matches scales may lie in a wide range. A loss such as `sigmoid(p) * (p / y)` is as steep as its guard's
1 / 1e-7, but trains well once it is scaled. Of 10,700 random trees with p and y (`tests/benchmarks/steep.py`), a range
of [1e-4, 1e4] would refuse 64 that pass stage `learns`. When trained, 39 of these are good: 9 of 20 on digits, 12 of 12
with 40 % wrong labels, 15 of 17 with two classes, 3 of 15 with a hundred.
"""

import math
from functools import lru_cache

import torch

from evoloss.functional_check.settings import FunctionalCheckSettings
from evoloss.losses.gradient_scale import (
    cross_entropy_gradient,
    cross_entropy_scale,
    logit_gradient,
    probe_batch,
)


@lru_cache(maxsize=16)
def _reference(classes: int) -> torch.Tensor:
    return cross_entropy_gradient(*probe_batch(classes))


def problem(loss, classes: int, settings: FunctionalCheckSettings) -> str | None:
    """Why the gradient is of no use for a task of `classes` classes, or None.

    The alignment is the mean cosine between the gradients of this loss and of cross entropy, on logits of an untrained
    network. Below zero the gradient leads away from the target. It needs no gradient beyond that of the scale.
    """
    logits, targets = probe_batch(classes)
    gradient = logit_gradient(loss, logits, targets)
    scale = float(gradient.norm(dim=1).median())
    if not math.isfinite(scale):
        return "the gradient is not finite"
    if scale == 0:
        return "the gradient vanishes"
    factor = cross_entropy_scale(classes) / scale
    if not 1 / settings.largest_factor <= factor <= settings.largest_factor:
        return f"gradient-scale factor {factor:.3g} is out of range"
    alignment = float(torch.cosine_similarity(gradient, _reference(classes), dim=1).mean())
    if not alignment >= settings.smallest_alignment:
        return f"alignment {alignment:.2f} with cross entropy's gradient is too small"
    return None
