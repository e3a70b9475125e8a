"""Published losses that are not a sum over classes of a function of p and y.

Each maps logits (n, C) and class indices (n,) to the loss of each sample, (n,), to be minimised.
The catalogue gives their sources and says how sure the formulas are. This file needs only torch: copy it, or
take from it what you need.
"""

import math

import torch
from torch import Tensor

LOG_OF_ZERO = math.log(1e-4)
"""The value of log 0 in reverse cross entropy (Wang et al., arXiv 1908.06112, reference code)."""

MARGIN = 0.5
"""Margin of the hinge losses: Janocha & Czarnecki use max(0, 1/2 - y o), which fits logits of order one."""

FIXED_POINT_ROUNDS = 5
"""Iterations of bi-tempered normalisation, as in the reference code."""


def _of_target(values: Tensor, targets: Tensor) -> Tensor:
    """The entry of each sample's target, (n,), of values (n, C)."""
    return values.gather(1, targets[:, None]).squeeze(1)


def _wrong(logits: Tensor, targets: Tensor) -> Tensor:
    """1 - p_t of each sample, (n,)."""
    return 1 - _of_target(torch.softmax(logits, dim=1), targets)


def _one_hot(logits: Tensor, targets: Tensor) -> Tensor:
    # Not torch's one_hot: it reads the values of the targets, which torch.func does not allow.
    return torch.zeros_like(logits).scatter(1, targets[:, None], 1.0)


def nce(logits: Tensor, targets: Tensor) -> Tensor:
    """Normalised cross entropy, log p_t / sum_k log p_k (Ma et al., arXiv 2006.13554)."""
    log_p = torch.log_softmax(logits, dim=1)
    return _of_target(log_p, targets) / log_p.sum(dim=1)


def nce_rce(logits: Tensor, targets: Tensor) -> Tensor:
    """NCE plus reverse cross entropy, an active-passive pair, weights 1 and 1 (the same paper)."""
    return nce(logits, targets) - LOG_OF_ZERO * _wrong(logits, targets)


def nce_mae(logits: Tensor, targets: Tensor) -> Tensor:
    """NCE plus 1 - p_t, weights 1 and 1 (the same paper)."""
    return nce(logits, targets) + _wrong(logits, targets)


def nce_aul(logits: Tensor, targets: Tensor) -> Tensor:
    """NCE plus 4 times the asymmetric unhinged loss, a = 6.3 and q = 1.5 (Zhou et al., arXiv 2106.03110)."""
    a, q = 6.3, 1.5
    asymmetric = ((a - 1 + _wrong(logits, targets)) ** q - (a - 1) ** q) / q
    return nce(logits, targets) + 4 * asymmetric


def nfl(logits: Tensor, targets: Tensor) -> Tensor:
    """Normalised focal loss, g = 0.5, its factors (1 - p)^g treated as constants in the gradient (Ma et al.)."""
    log_p = torch.log_softmax(logits, dim=1)
    focal = (1 - log_p.detach().exp()).clamp_min(0).sqrt() * log_p
    return _of_target(focal, targets) / focal.sum(dim=1)


def nfl_rce(logits: Tensor, targets: Tensor) -> Tensor:
    """NFL plus reverse cross entropy, weights 1 and 1 (the same paper)."""
    return nfl(logits, targets) - LOG_OF_ZERO * _wrong(logits, targets)


def nfl_mae(logits: Tensor, targets: Tensor) -> Tensor:
    """NFL plus 1 - p_t, weights 1 and 1 (the same paper)."""
    return nfl(logits, targets) + _wrong(logits, targets)


def bi_tempered(logits: Tensor, targets: Tensor) -> Tensor:
    """Bi-tempered logistic loss, t1 = 0.8 and t2 = 1.2 (Amid et al., arXiv 1906.03361)."""
    return tempered(logits, targets, t1=0.8, t2=1.2)


def tempered(logits: Tensor, targets: Tensor, t1: float, t2: float) -> Tensor:
    """Bi-tempered loss at any t1 < 2 and t2 >= 1; cross entropy at t1 = t2 = 1.

    L = sum_i [y_i (log_t1 y_i - log_t1 p_i) - (y_i^(2-t1) - p_i^(2-t1)) / (2 - t1)] with
    log_t(u) = (u^(1-t) - 1) / (1 - t), written out for one-hot y.
    """
    p = tempered_softmax(logits, t2)
    of_target = _of_target(p, targets)
    logarithm = of_target.log() if t1 == 1 else (of_target ** (1 - t1) - 1) / (1 - t1)
    return -logarithm - (1 - (p ** (2 - t1)).sum(dim=1)) / (2 - t1)


def tempered_softmax(logits: Tensor, t: float) -> Tensor:
    """Heavy-tailed probabilities (n, C): exp_t(z - lambda) with exp_t(u) = (1 + (1-t) u)^(1/(1-t)).

    lambda makes them sum to 1; for t > 1 it is found by fixed-point iteration, as in the reference
    code. t = 1 is the softmax.
    """
    if t == 1:
        return torch.softmax(logits, dim=1)
    # Zero or less, so 1 + (1 - t) u is at least 1 and no power is undefined.
    centred = logits - logits.amax(dim=1, keepdim=True)
    scaled = centred
    for _ in range(FIXED_POINT_ROUNDS):
        total = _exp_t(scaled, t).sum(dim=1, keepdim=True)
        scaled = centred * total ** (1 - t)
    total = _exp_t(scaled, t).sum(dim=1, keepdim=True)
    shift = (1 - total ** (t - 1)) / (1 - t)  # -log_t(1 / total)
    return _exp_t(centred - shift, t)


def _exp_t(u: Tensor, t: float) -> Tensor:
    return (1 + (1 - t) * u) ** (1 / (1 - t))


def tanimoto(logits: Tensor, targets: Tensor) -> Tensor:
    """-s_t / (||s||^2 + 1 - s_t), in [-1, 0] (Janocha & Czarnecki, arXiv 1702.05659)."""
    s = torch.softmax(logits, dim=1)
    of_target = _of_target(s, targets)
    return -of_target / (s.square().sum(dim=1) + 1 - of_target)


def cauchy_schwarz(logits: Tensor, targets: Tensor) -> Tensor:
    """-log(s_t / ||s||), which is cross entropy + log ||s|| (the same paper, D_CS)."""
    log_s = torch.log_softmax(logits, dim=1)
    return torch.logsumexp(2 * log_s, dim=1) / 2 - _of_target(log_s, targets)


def _signed(logits: Tensor, targets: Tensor) -> Tensor:
    """o for the target's logit, -o for the others, (n, C): each class against the rest."""
    return (2 * _one_hot(logits, targets) - 1) * logits


def _shortfall(logits: Tensor, targets: Tensor) -> Tensor:
    """max(0, 1/2 - o) for the target's logit, max(0, 1/2 + o) for the others, (n, C)."""
    return (MARGIN - _signed(logits, targets)).clamp_min(0)


def hinge(logits: Tensor, targets: Tensor) -> Tensor:
    """Sum over classes of the shortfall from the margin (the same paper)."""
    return _shortfall(logits, targets).sum(dim=1)


def squared_hinge(logits: Tensor, targets: Tensor) -> Tensor:
    """Sum over classes of the squared shortfall (the same paper)."""
    return _shortfall(logits, targets).square().sum(dim=1)


def cubed_hinge(logits: Tensor, targets: Tensor) -> Tensor:
    """Sum over classes of the cubed shortfall (the same paper)."""
    return (_shortfall(logits, targets) ** 3).sum(dim=1)


def l1_logits(logits: Tensor, targets: Tensor) -> Tensor:
    """sum_j |y_j - o_j| on the logits themselves (the same paper, L1)."""
    return (_one_hot(logits, targets) - logits).abs().sum(dim=1)


def square_logits(logits: Tensor, targets: Tensor) -> Tensor:
    """(1/C) sum_j (y_j - o_j)^2 on the logits themselves (Hui & Belkin, arXiv 2006.07322, k = M = 1)."""
    return (_one_hot(logits, targets) - logits).square().mean(dim=1)


def square_one_vs_rest(logits: Tensor, targets: Tensor) -> Tensor:
    """sum_j (1 - yh_j o_j)^2 with yh = 2y - 1: the square loss of one binary problem per class (Rosasco et al.,
    Are Loss Functions All the Same?, Neural Computation 16, 2004). With two classes, the problem counts twice."""
    return (1 - _signed(logits, targets)).square().sum(dim=1)


def hinge_one_vs_rest(logits: Tensor, targets: Tensor) -> Tensor:
    """sum_j max(0, 1 - yh_j o_j): the hinge loss of these problems (the same paper, with margin 1, not 1/2)."""
    return (1 - _signed(logits, targets)).clamp_min(0).sum(dim=1)


def logistic_one_vs_rest(logits: Tensor, targets: Tensor) -> Tensor:
    """sum_j log(1 + exp(-yh_j o_j)): the logistic loss of these problems (the same paper)."""
    return torch.nn.functional.softplus(-_signed(logits, targets)).sum(dim=1)
