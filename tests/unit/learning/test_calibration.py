"""How well the probabilities of a network fit how often it is right, before and after a temperature."""

import math

import pytest
import torch

from evoloss.learning.calibration import (
    best_temperature,
    calibration,
    expected_calibration_error,
    nll,
)


def sample(n=20_000, scale=1.0):
    """Logits, and labels that are drawn from softmax(logits): calibrated at scale 1, overconfident above."""
    source = torch.Generator().manual_seed(0)
    logits = 2 * torch.randn(n, 5, generator=source, dtype=torch.float64)
    labels = torch.multinomial(torch.softmax(logits, dim=1), 1, generator=source)[:, 0]
    return scale * logits, labels


def test_four_samples_have_the_calibration_error_that_is_computed_by_hand():
    # Four samples at confidence 0.8 of which three are right: |0.75 - 0.8|.
    logits = torch.tensor([[math.log(0.8), math.log(0.2)]] * 4)
    labels = torch.tensor([0, 0, 0, 1])
    assert expected_calibration_error(logits, labels) == pytest.approx(0.05)
    assert nll(logits, labels) == pytest.approx(-(3 * math.log(0.8) + math.log(0.2)) / 4)


def test_a_calibrated_sample_has_a_small_error_and_temperature_one():
    logits, labels = sample()
    assert expected_calibration_error(logits, labels) < 0.015
    assert best_temperature(logits, labels) == pytest.approx(1, abs=0.03)


def test_overconfidence_is_measured_and_cured():
    logits, labels = sample(scale=3)  # which a temperature of 3 undoes
    result = calibration(logits[:10_000], labels[:10_000], logits[10_000:], labels[10_000:])
    assert result["temperature"] == pytest.approx(3, rel=0.05)
    assert result["test_ece"] > 0.1 > 5 * result["test_ece_scaled"]
    assert result["test_nll"] > result["test_nll_scaled"]
