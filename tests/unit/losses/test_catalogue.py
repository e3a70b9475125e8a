"""A known value for every catalogue loss, from the literature or by hand."""

import math

import pytest
import torch

from evoloss.errors import UserError
from evoloss.expressions.parsing import parse
from evoloss.losses.catalogue import CATALOGUE, formula_of
from evoloss.losses.expression_loss import ExpressionLoss
from evoloss.losses.gradient_scale import logit_gradient


def loss(name, classes):
    return ExpressionLoss(parse(formula_of(name), classes))


def logits_of(p):
    return torch.tensor([p], dtype=torch.float64).log()


def value(name, p):
    """The loss of one sample with probabilities `p` whose target is class 0."""
    return float(loss(name, len(p)).per_sample(logits_of(p), torch.tensor([0])))


def spread(p_target, classes):
    return [p_target] + [(1 - p_target) / (classes - 1)] * (classes - 1)


# p = (0.5, 0.3, 0.2), worked out by hand; natural logarithms.
BY_HAND = {
    "cross_entropy": math.log(2),
    "label_smoothing": 0.9 * math.log(2) - 0.1 / 3 * math.log(0.5 * 0.3 * 0.2),
    "focal": 0.25 * math.log(2),
    "mse": 0.25 + 0.09 + 0.04,
    "mae": 1.0,
    "gce": (1 - 0.5**0.7) / 0.7,
    "poly1": math.log(2) + 0.5,
    "baikal": -math.log(0.5 * 0.3 * 0.2) + 2,
    "ngl": sum(
        math.exp(2.4092 - x - x * y) - math.cos(math.cos(math.sin(x)))
        for x, y in ((0.5, 1), (0.3, 0), (0.2, 0))
    )
    / 3,
}


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_value_by_hand(name):
    assert value(name, [0.5, 0.3, 0.2]) == pytest.approx(BY_HAND[name], abs=1e-9)


@pytest.mark.parametrize(
    ("name", "p", "expected"),
    [
        ("cross_entropy", spread(0.5, 10), 0.6931),
        ("focal", spread(0.5, 10), 0.1733),
        ("gce", spread(0.5, 10), 0.5492),
        ("poly1", spread(0.5, 10), 1.1931),
        ("mse", spread(0.5, 2), 0.5),
        ("mae", spread(0.5, 10), 1.0),
        ("ngl", spread(1 - 1e-9, 10), 9.598),
        ("ngl", spread(0.1, 10), 9.426),
        ("ngl", spread(0.391, 10), 9.318),
    ],
)
def test_published_sanity_values(name, p, expected):
    assert value(name, p) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(
    ("name", "classes", "p_target"),
    [
        ("baikal", 2, 0.707),
        ("baikal", 10, 0.316),
        ("baikal", 100, 0.1),
        ("ngl", 2, 0.566),
        ("ngl", 10, 0.391),
        ("ngl", 100, 0.362),
        ("label_smoothing", 10, 0.91),
    ],
)
def test_interior_minima_are_where_the_literature_has_them(name, classes, p_target):
    grid = torch.linspace(0.02, 0.98, 961, dtype=torch.float64)
    p = ((1 - grid) / (classes - 1))[:, None].repeat(1, classes)
    p[:, 0] = grid
    values = loss(name, classes).per_sample(p.log(), torch.zeros(961, dtype=torch.long))
    assert float(grid[values.argmin()]) == pytest.approx(p_target, abs=2e-3)


@pytest.mark.parametrize(
    ("name", "classes", "expected"),
    [
        ("cross_entropy", 10, -0.900),
        ("cross_entropy", 100, -0.990),
        ("ngl", 10, -0.0734),
        ("ngl", 100, -0.00107),
    ],
)
def test_published_gradients_at_the_uniform_point(name, classes, expected):
    logits = torch.zeros(1, classes, dtype=torch.float64)
    gradient = logit_gradient(loss(name, classes), logits, torch.tensor([0]))
    assert float(gradient[0, 0]) == pytest.approx(expected, rel=5e-3)


def test_baikals_gradient_for_a_confident_mistake():
    gradient = logit_gradient(loss("baikal", 10), logits_of(spread(0.002, 10)), torch.tensor([0]))
    # By hand: -(1 - C p_t) - (1 - p_t) / p_t.
    assert float(gradient[0, 0]) == pytest.approx(-(1 - 10 * 0.002) - (1 - 0.002) / 0.002)


def test_cross_entropy_is_torchs():
    logits = torch.randn(64, 10, generator=torch.Generator().manual_seed(0))
    targets = torch.arange(64) % 10
    ours = loss("cross_entropy", 10)(logits, targets)
    torch.testing.assert_close(ours, torch.nn.functional.cross_entropy(logits, targets))
    smoothed = torch.nn.functional.cross_entropy(logits, targets, label_smoothing=0.1)
    torch.testing.assert_close(loss("label_smoothing", 10)(logits, targets), smoothed)


def test_an_expression_stands_where_a_name_may():
    assert formula_of("-(y * log(p))") == "-(y * log(p))"
    with pytest.raises(UserError, match="did you mean 'focal'"):
        formula_of("foccal")
    with pytest.raises(UserError, match="unknown name 'q'"):
        formula_of("p * q")
