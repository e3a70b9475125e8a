"""Calibration of a trained network: NLL and ECE, raw and after temperature scaling.

Guo et al., On Calibration of Modern Neural Networks (arXiv 1706.04599): one temperature, fitted on validation data, and
the expected calibration error (ECE) with 15 confidence bins of equal width.
"""

import math

import torch
from scipy.optimize import minimize_scalar
from torch.nn import functional

from evoloss.learning.accuracy import balanced_accuracy, top1_accuracy

BINS = 15
TEMPERATURES = (0.01, 100.0)


def calibration(
    validation_logits: torch.Tensor,
    validation_labels: torch.Tensor,
    test_logits: torch.Tensor,
    test_labels: torch.Tensor,
) -> dict[str, float | list[float]]:
    """Test accuracy (top-1 and class-balanced), NLL (nats), ECE (in [0, 1]), and the confidence bins of `bins`.

    NLL and ECE are also given at the best temperature. Logits are (n, C), labels (n,).
    """
    temperature = best_temperature(validation_logits, validation_labels)
    scaled = test_logits.double() / temperature
    return {
        "test_accuracy": top1_accuracy(test_logits, test_labels),
        "test_balanced_accuracy": balanced_accuracy(test_logits, test_labels),
        "test_nll": nll(test_logits, test_labels),
        "test_ece": expected_calibration_error(test_logits, test_labels),
        "temperature": temperature,
        "test_nll_scaled": nll(scaled, test_labels),
        "test_ece_scaled": expected_calibration_error(scaled, test_labels),
        **bins(test_logits, test_labels),
    }


def bins(logits: torch.Tensor, labels: torch.Tensor) -> dict[str, list[float]]:
    """Per confidence bin: number of images, sum of their confidences, number of correct ones; each divided by n."""
    confidence, correct, numbers = _binned(logits, labels)
    ones = torch.ones_like(confidence)
    sums = {"share": ones, "confidence": confidence, "accuracy": correct}
    return {
        f"test_bin_{name}": (_sums(values, numbers) / len(labels)).tolist()
        for name, values in sums.items()
    }


def nll(logits: torch.Tensor, labels: torch.Tensor) -> float:
    """Mean negative log-likelihood, in nats."""
    return float(functional.cross_entropy(logits.double(), labels))


def best_temperature(logits: torch.Tensor, labels: torch.Tensor) -> float:
    """The temperature in [0.01, 100] that minimises the NLL of `logits / temperature`."""
    found = minimize_scalar(
        lambda log_t: nll(logits.double() / math.exp(log_t), labels),
        bounds=tuple(math.log(t) for t in TEMPERATURES),
        method="bounded",
        options={"xatol": 1e-4},
    )
    return math.exp(float(found.x))


def expected_calibration_error(logits: torch.Tensor, labels: torch.Tensor) -> float:
    """ECE: |accuracy - confidence| averaged over 15 confidence bins, weighted by their share of the samples."""
    confidence, correct, numbers = _binned(logits, labels)
    gap = _sums(correct - confidence, numbers)
    return float(gap.abs().sum() / len(labels))


def _binned(
    logits: torch.Tensor, labels: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """For each image: its confidence, 1 if it is classified correctly (else 0), and the index of its bin."""
    confidence, predicted = torch.softmax(logits.double(), dim=1).max(dim=1)
    numbers = (confidence * BINS).ceil().clamp(1, BINS).long() - 1
    return confidence, (predicted == labels).double(), numbers


def _sums(values: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
    total = torch.zeros(BINS, dtype=torch.float64, device=values.device)
    return total.index_add_(0, numbers, values)
