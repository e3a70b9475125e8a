"""Stage 3: the gradient does not vanish, and its scale can be matched to cross entropy's."""

import math

from evoloss.losses.gradient_scale import cross_entropy_scale, gradient_scale


def problem(loss, classes: int, largest_factor: float) -> str | None:
    """Why the gradient-scale factor at `classes` is out of range, or None."""
    scale = gradient_scale(loss, classes)
    if not math.isfinite(scale):
        return "the gradient is not finite"
    if scale == 0:
        return "the gradient vanishes"
    factor = cross_entropy_scale(classes) / scale
    if not 1 / largest_factor <= factor <= largest_factor:
        return f"gradient-scale factor {factor:.3g} is out of range"
    return None
