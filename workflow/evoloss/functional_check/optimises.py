"""Stage 5: descending the loss on the logits themselves makes the target the arg-max.

No network and no images: if free logits cannot be driven to the right class, a network's cannot
either. After the rejection protocols of AutoLoss-Zero (arXiv 2103.14026) and EvoMAL (arXiv
2209.08907). An interior minimum is legal (NGL's is at p_t = 0.39, Baikal's at 0.32 for ten classes).
"""

import torch

from evoloss.functional_check.settings import FunctionalCheckSettings
from evoloss.losses.gradient_scale import logit_gradient, probe_batch


def hit_share(loss, classes: int, settings: FunctionalCheckSettings) -> float:
    """Share of samples whose target is the arg-max after the descent, in [0, 1].

    A step has length `descent_step_size` for a sample of median gradient norm, less for a flatter
    one, and never more, so that steep losses are not thrown about. It shrinks linearly to zero, so
    that a loss whose minimum lies close by (NGL with two classes) settles there.
    """
    logits, targets = probe_batch(classes, settings.descent_samples, dtype=torch.float32)
    for step in range(settings.descent_steps):
        gradient = logit_gradient(loss, logits, targets)
        norms = gradient.norm(dim=1, keepdim=True)
        typical = norms.median()
        if not bool(gradient.isfinite().all()) or float(typical) == 0:
            break
        length = settings.descent_step_size * (1 - step / settings.descent_steps)
        logits = logits - length * gradient / norms.clamp_min(typical)
    leaders = (logits == logits.max(dim=1, keepdim=True).values).sum(dim=1)
    hits = (logits.argmax(dim=1) == targets) & (leaders == 1)
    return float(hits.float().mean())


def problem(loss, classes: int, settings: FunctionalCheckSettings) -> str | None:
    """Why the descent failed, or None."""
    share = hit_share(loss, classes, settings)
    if share < settings.smallest_hit_share:
        return f"descent finds the target in {share:.0%} of the samples"
    return None
