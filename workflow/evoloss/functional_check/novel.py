"""Stage 4: the gradient field differs from that of every loss already seen in the run.

Losses with equal gradients train equally; if gradient scales are matched, equality up to a positive factor is enough.
The fingerprint of a loss is a few random projections of its gradients on probes, in float64 so that algebraically equal
losses agree to many digits. The idea comes from Co-Reyes et al. (arXiv 2101.03958) and AutoLoss-Zero (arXiv
2103.14026), which compare outputs and gradient norms.
"""

from collections.abc import Sequence
from functools import lru_cache

import torch

from evoloss.losses.gradient_scale import (
    cross_entropy_scale,
    gradient_scale,
    logit_gradient,
    probe_batch,
)
from evoloss.seeds import derive_seed

Fingerprint = tuple[float, ...]

PROJECTIONS = 6
SAMPLES = 48
LOGIT_SCALES = (0.3, 1.0, 2.0)
LEADS = (3.0, 6.0)
"""Logit leads of the confident probes, right and wrong: losses with a max or min may differ only there.

Wider logits would reach the guard of a divisor (p < 1e-7), which does not scale with the divisor."""
TOLERANCE = 1e-6
ROUNDING = 1e-12
"""A gradient scale below this is rounding: the loss has no gradient."""


@lru_cache(maxsize=16)
def _probes(classes: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    batches = [probe_batch(classes, SAMPLES, scale) for scale in LOGIT_SCALES]
    logits = torch.cat([logits for logits, _ in batches])
    targets = torch.cat([targets for _, targets in batches])
    narrow, own = batches[0]
    one_hot = torch.nn.functional.one_hot(own, classes).double()
    sure = [narrow + lead * y for lead in LEADS for y in (one_hot, one_hot.roll(1, dims=1))]
    logits, targets = torch.cat([logits, *sure]), torch.cat([targets, own.repeat(len(sure))])
    source = torch.Generator().manual_seed(derive_seed("fingerprint", classes))
    shape = (logits.numel(), PROJECTIONS)
    projections = torch.randn(shape, generator=source, dtype=torch.float64) / logits.numel() ** 0.5
    return logits, targets, projections


def fingerprint(loss, classes: Sequence[int], scale_matched: bool) -> Fingerprint | None:
    """The projections for each number of classes in turn; None if the gradient is unusable.

    The gradients are divided by their own scale if `scale_matched`, otherwise by cross entropy's scale. asinh keeps
    their steep parts (1/p) from hiding the rest.
    """
    numbers: list[float] = []
    for c in classes:
        logits, targets, projections = _probes(c)
        scale = gradient_scale(loss, c) if scale_matched else cross_entropy_scale(c)
        field = torch.asinh(logit_gradient(loss, logits, targets) / scale)
        if scale < ROUNDING or not bool(field.isfinite().all()):
            return None
        numbers += (field.flatten() @ projections).tolist()
    return tuple(numbers)


def known(new: Fingerprint, seen: Sequence[Fingerprint]) -> int | None:
    """The index of a fingerprint equal to `new` within TOLERANCE, or None."""
    if not seen:
        return None
    table = torch.tensor(list(seen), dtype=torch.float64)
    mine = torch.tensor(new, dtype=torch.float64)
    close = ((table - mine).abs() <= TOLERANCE * (1 + mine.abs())).all(dim=1)
    return int(close.nonzero()[0]) if bool(close.any()) else None
