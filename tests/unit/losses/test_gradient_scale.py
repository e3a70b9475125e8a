"""A task multiplies each loss by a factor, so that its first gradients are as large as cross entropy's."""

import math

import pytest
import torch

from evoloss.expressions.parsing import parse
from evoloss.losses.expression_loss import CROSS_ENTROPY, ExpressionLoss
from evoloss.losses.formula import as_written
from evoloss.losses.gradient_scale import (
    cross_entropy_scale,
    gradient_scale,
    logit_gradient,
    matching_factor,
    probe_batch,
    task_loss,
)
from evoloss.losses.registry import CATALOGUE, formula_of


def test_cross_entropy_needs_no_factor():
    assert matching_factor(ExpressionLoss(CROSS_ENTROPY), 10) == pytest.approx(1, abs=1e-6)


def test_ngl_is_twelve_times_smaller_at_ten_classes_and_a_thousand_at_a_hundred():
    # NGL's published gradients at the uniform point give 0.900 / 0.0734 = 12.3 and 0.990 / 0.00107 = 925.
    for classes, expected in ((10, 12), (100, 950)):
        factor = matching_factor(ExpressionLoss(parse(formula_of("ngl"), classes)), classes)
        assert factor == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize("classes", [2, 10, 100])
@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_a_matched_loss_has_cross_entropys_gradient_scale(name, classes):
    written = as_written(formula_of(name), classes)
    loss = task_loss(written, classes, match_gradient_scale=True)
    assert gradient_scale(loss, classes) == pytest.approx(cross_entropy_scale(classes), rel=1e-6)
    assert matching_factor(loss, classes) == pytest.approx(loss.factor, rel=1e-6)


def test_a_loss_as_written_keeps_its_scale():
    assert task_loss(parse("3 * square(p - y)"), 10, match_gradient_scale=False).factor == 1


@pytest.mark.parametrize("text", ["y", "1", "p - p"])
def test_a_loss_without_gradient_has_no_factor(text):
    assert math.isnan(matching_factor(ExpressionLoss(parse(text)), 10))
    with pytest.raises(ValueError, match="no finite, non-zero gradient"):
        task_loss(parse(text), 10, match_gradient_scale=True)


def test_the_probe_batch_is_fixed_and_small():
    logits, targets = probe_batch(10)
    assert torch.equal(logits, probe_batch(10)[0])
    assert float(logits.std()) == pytest.approx(0.3, rel=0.05)
    assert targets.bincount().min() > 0


@pytest.mark.parametrize("classes", [3, 10, 100])
@pytest.mark.parametrize("name", ["hinge", "squared_hinge", "square_logits", "l1_logits", "baikal"])
def test_what_all_logits_have_in_common_does_not_count(name, classes):
    """At 100 classes a hinge's useful gradient was a tenth of cross entropy's."""
    loss = task_loss(as_written(formula_of(name), classes), classes, match_gradient_scale=True)
    gradient = logit_gradient(loss, *probe_batch(classes))
    useful = (gradient - gradient.mean(dim=1, keepdim=True)).norm(dim=1).median()
    assert float(useful) == pytest.approx(cross_entropy_scale(classes), rel=1e-6)
