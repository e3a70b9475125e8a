"""Cheap guesses at whether a loss can be trained with: what stage `learns` was chosen from.

Each maps a loss and a number of classes to a score, the higher the better.
"""

from dataclasses import replace
from unittest.mock import patch

import numpy as np
import torch
from sklearn.datasets import load_digits

from evoloss.functional_check import learns
from evoloss.functional_check.settings import FunctionalCheckSettings
from evoloss.losses.expression_loss import CROSS_ENTROPY, ExpressionLoss
from evoloss.losses.gradient_scale import (
    cross_entropy_gradient,
    cross_entropy_scale,
    gradient_scale,
    logit_gradient,
    probe_batch,
)

SETTINGS = FunctionalCheckSettings()
PROBLEM_OF = learns.problem_of


def descent(loss, classes: int, steps: int = 30, size: float = 0.5) -> float:
    """Share of free logits that find their target when the loss is descended on them directly.

    A step has length `size` for a sample of median gradient norm, and shrinks linearly to zero.
    """
    logits, targets = probe_batch(classes, 128, dtype=torch.float32)
    for step in range(steps):
        gradient = logit_gradient(loss, logits, targets)
        norms = gradient.norm(dim=1, keepdim=True)
        typical = norms.median()
        if not bool(gradient.isfinite().all()) or float(typical) == 0:
            break
        logits = logits - size * (1 - step / steps) * gradient / norms.clamp_min(typical)
    leaders = (logits == logits.max(dim=1, keepdim=True).values).sum(dim=1)
    return float(((logits.argmax(dim=1) == targets) & (leaders == 1)).float().mean())


def alignment(loss, classes: int) -> float:
    """Mean cosine with cross entropy's logit gradient at an untrained network's logits."""
    logits, targets = probe_batch(classes)
    gradient = logit_gradient(loss, logits, targets)
    reference = cross_entropy_gradient(logits, targets)
    return float(torch.cosine_similarity(gradient, reference, dim=1).mean())


def linear_probe(loss, classes: int, steps: int = 30, rate: float = 0.3) -> float:
    """Accuracy of a softmax regression on real features (pixels of scikit-learn's digits)."""
    pixels, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(labels))[:512]
    features = torch.tensor(pixels[order], dtype=torch.float32)
    features = (features - features.mean(dim=0)) / (features.std(dim=0) + 1e-3)
    targets = torch.tensor(labels[order])
    factor = cross_entropy_scale(classes) / (gradient_scale(loss, classes) or 1.0)
    weights = torch.zeros(features.shape[1], classes)
    momentum = torch.zeros_like(weights)
    for _ in range(steps):
        gradient = factor * logit_gradient(loss, features @ weights, targets) / len(targets)
        if not bool(gradient.isfinite().all()):
            return 0.0
        momentum = 0.9 * momentum + features.T @ gradient
        weights = weights - rate * momentum
    return float(((features @ weights).argmax(dim=1) == targets).float().mean())


def small_network(loss, classes: int) -> float:
    """What stage `learns` measures: a tiny network on a made-up problem."""
    return learns.learning_share(loss, classes, SETTINGS)


def wrong_labels(classes: int, steps: int, samples: int) -> learns.Problem:
    """The problem of stage `learns` with 35 % of its labels moved to the next class."""
    problem = PROBLEM_OF(classes, steps, samples)
    wrong = torch.rand(samples, generator=torch.Generator().manual_seed(0)) < 0.35
    # Features were drawn about the means of the right labels.
    return replace(problem, targets=(problem.targets + wrong.long()) % classes)


def small_network_on_wrong_labels(loss, classes: int) -> float:
    """The same, where labels are wrong: as a share of what cross entropy then learns."""
    with patch.object(learns, "problem_of", wrong_labels):
        mine = max(learns.learnt(loss, classes, SETTINGS))
        return mine / max(learns.learnt(ExpressionLoss(CROSS_ENTROPY), classes, SETTINGS))


PREDICTORS = {
    "alignment": alignment,
    "descent on logits": descent,
    "linear probe": linear_probe,
    "small network": small_network,
    "on wrong labels": small_network_on_wrong_labels,
}
