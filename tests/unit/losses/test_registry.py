"""The catalogue: each loss has a name, a formula, and here a known value from the literature or worked out by hand."""

import math
import re
from pathlib import Path

import pytest
import torch

from evoloss.errors import UserError
from evoloss.losses import on_logits
from evoloss.losses.formula import as_written
from evoloss.losses.gradient_scale import logit_gradient
from evoloss.losses.registry import ALIASES, CATALOGUE, formula_of
from evoloss.reporting.names import LOSSES

ROOT = Path(__file__).resolve().parents[3]


def loss(name, classes):
    """A loss of the catalogue as its authors wrote it, without a factor."""
    return as_written(formula_of(name), classes)


def logits_of(p):
    """Logits of one sample with these probabilities."""
    return torch.tensor([p], dtype=torch.float64).log()


def value(name, p):
    """The loss of one sample with probabilities `p` (logits: log p) whose target is class 0."""
    return float(loss(name, len(p)).per_sample(logits_of(p), torch.tensor([0])))


def spread(p_target, classes):
    """Probabilities of one sample: `p_target` for class 0, and what is left in equal parts for the others."""
    return [p_target] + [(1 - p_target) / (classes - 1)] * (classes - 1)


# p = (0.5, 0.3, 0.2), worked out by hand; natural logarithms. Logits are log p.
PRODUCT = math.log(0.5 * 0.3 * 0.2)
NORM = 0.25 + 0.09 + 0.04
LOGITS = [math.log(0.5), math.log(0.3), math.log(0.2)]
FOCAL = [math.sqrt(1 - p) * math.log(p) for p in (0.5, 0.3, 0.2)]
NFL = FOCAL[0] / sum(FOCAL)
SHORTFALL = 0.5 + math.log(2)  # of the target; the others lie below -1/2
BY_HAND = {
    "cross_entropy": math.log(2),
    "label_smoothing": 0.9 * math.log(2) - 0.1 / 3 * PRODUCT,
    "focal": 0.25 * math.log(2),
    "mse": NORM - 2 * 0.5 + 1,
    "mae": 1.0,
    "gce": (1 - 0.5**0.7) / 0.7,
    "sce": 0.1 * math.log(2) + 0.5 * math.log(1e4),
    "nce": -math.log(2) / PRODUCT,
    "nce_rce": -math.log(2) / PRODUCT + 0.5 * math.log(1e4),
    "nce_mae": -math.log(2) / PRODUCT + 0.5,
    "nce_aul": -math.log(2) / PRODUCT + 4 * (5.8**1.5 - 5.3**1.5) / 1.5,
    "nfl_rce": NFL + 0.5 * math.log(1e4),
    "nfl_mae": NFL + 0.5,
    "agce": (1.6**0.6 - 1.1**0.6) / 0.6,
    "aul": (5.0**3 - 4.5**3) / 3,
    "ael": math.exp(-0.5 / 2.5),
    "poly1": math.log(2) + 0.5,
    "poly1_focal": 0.25 * math.log(2) + 0.125,
    "taylor_ce": 0.5 + 0.125,
    "square_logits": ((LOGITS[0] - 1) ** 2 + LOGITS[1] ** 2 + LOGITS[2] ** 2) / 3,
    "l1_logits": 1 + math.log(2) - math.log(0.3) - math.log(0.2),
    "hinge": SHORTFALL,
    "squared_hinge": SHORTFALL**2,
    "cubed_hinge": SHORTFALL**3,
    "square_one_vs_rest": (1 - LOGITS[0]) ** 2 + (1 + LOGITS[1]) ** 2 + (1 + LOGITS[2]) ** 2,
    "hinge_one_vs_rest": 1 - LOGITS[0],  # the others lie below -1
    "logistic_one_vs_rest": math.log(1 + 1 / 0.5) + math.log(1 + 0.3) + math.log(1 + 0.2),
    "squared_log": math.log(2) ** 2,
    "tanimoto": -0.5 / (NORM + 1 - 0.5),
    "cauchy_schwarz": math.log(2) + math.log(NORM) / 2,
    "baikal": -PRODUCT + 2,
    "baikal_cma": -2.7279
    * (0.9863 * (PRODUCT + 3 * math.log(1.5352)) - (-1.1135) * 1.3716 / (-0.8411 * 0.5)),
    "ngl": sum(
        math.exp(2.4092 - x - x * y) - math.cos(math.cos(math.sin(x)))
        for x, y in ((0.5, 1), (0.3, 0), (0.2, 0))
    )
    / 3,
    "evoloss_loglog": sum(
        max(math.log(-math.log(x)), math.cos(x) * (1 - y))
        + (x - 0.5) / (1 + math.exp(-math.exp(x)))
        for x, y in ((0.5, 1), (0.3, 0), (0.2, 0))
    ),
    "evoloss_ratio": sum(
        (math.tanh(math.tanh(max(x, y))) + math.cos(x) - 1 / (1 + math.exp(x)))
        / (1 / (1 + math.exp(-1)) + math.sqrt(x))
        for x, y in ((0.5, 1), (0.3, 0), (0.2, 0))
    ),
}
"""Name -> value for class 0, where the formula of the source was written out in numbers."""


def by_hand_of_bi_tempered():
    """Its temperatures at p by bisection instead of fixed-point iteration."""
    t1, t2 = 0.8, 1.2

    def tempered(shift):
        """The tempered exponentials of the logits; the right shift makes them sum to one."""
        return [(1 + (1 - t2) * (z - shift)) ** (1 / (1 - t2)) for z in LOGITS]

    low, high = max(LOGITS), max(LOGITS) + 4
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if sum(tempered(middle)) > 1 else (low, middle)
    q = tempered(low)
    logarithm = (q[0] ** (1 - t1) - 1) / (1 - t1)
    return -logarithm - (1 - sum(x ** (2 - t1) for x in q)) / (2 - t1)


BY_HAND["bi_tempered"] = by_hand_of_bi_tempered()


def test_a_name_of_the_catalogue_stands_for_its_formula():
    assert formula_of("cross_entropy") == "-(y * log(p))"
    assert value("cross_entropy", [0.5, 0.3, 0.2]) == pytest.approx(math.log(2))


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_each_loss_has_the_value_that_is_worked_out_by_hand(name):
    # The library stops the iteration of the bi-tempered loss after five rounds.
    assert name in BY_HAND, (
        f"work out {name} at p = (0.5, 0.3, 0.2), class 0, and add it to BY_HAND"
    )
    tolerance = 1e-4 if name == "bi_tempered" else 1e-9
    assert value(name, [0.5, 0.3, 0.2]) == pytest.approx(BY_HAND[name], abs=tolerance)


# Rounded numbers that a reader can recompute from the formulas in config/README.md, such as 0.1733 = 0.5^2 log 2.
@pytest.mark.parametrize(
    ("name", "p", "expected"),
    [
        ("cross_entropy", spread(0.5, 10), 0.6931),
        ("focal", spread(0.5, 10), 0.1733),
        ("gce", spread(0.5, 10), 0.5492),
        ("poly1", spread(0.5, 10), 1.1931),
        ("taylor_ce", spread(0.5, 10), 0.6250),
        ("sce", spread(0.5, 10), 4.6745),
        ("mse", spread(0.5, 2), 0.5),
        ("mae", spread(0.5, 10), 1.0),
        ("ngl", spread(1 - 1e-9, 10), 9.598),
        ("ngl", spread(0.1, 10), 9.426),
        ("ngl", spread(0.391, 10), 9.318),
        ("tanimoto", spread(1 - 1e-9, 10), -1.0),
        ("nce", spread(0.1, 10), 0.1),
    ],
)
def test_each_loss_has_the_values_that_its_published_formula_gives(name, p, expected):
    tolerance = 5e-5 if name in ("taylor_ce", "sce") else 1e-3
    assert value(name, p) == pytest.approx(expected, abs=tolerance)


# Baikal's minimum lies at 1 / sqrt(C), that of label smoothing at 0.9 + 0.1 / C; of the others it was measured.
@pytest.mark.parametrize(
    ("name", "classes", "p_target"),
    [
        ("baikal", 2, 0.707),
        ("baikal", 10, 0.316),
        ("baikal", 100, 0.1),
        ("baikal_cma", 10, 0.389),
        ("ngl", 2, 0.566),
        ("ngl", 10, 0.391),
        ("ngl", 100, 0.362),
        ("label_smoothing", 10, 0.91),
        ("evoloss_loglog", 10, 0.368),
        ("evoloss_ratio", 2, 0.969),
        ("evoloss_ratio", 10, 0.725),
    ],
)
def test_interior_minima_are_where_they_are_said_to_be(name, classes, p_target):
    grid = torch.linspace(0.02, 0.98, 961, dtype=torch.float64)
    p = ((1 - grid) / (classes - 1))[:, None].repeat(1, classes)
    p[:, 0] = grid
    values = loss(name, classes).per_sample(p.log(), torch.zeros(961, dtype=torch.long))
    assert float(grid[values.argmin()]) == pytest.approx(p_target, abs=2e-3)


# Cross entropy's gradient is p - 1, with p = 1 / C at the uniform point.
@pytest.mark.parametrize(
    ("name", "classes", "expected"),
    [
        ("cross_entropy", 10, -0.900),
        ("cross_entropy", 100, -0.990),
        ("ngl", 10, -0.0734),
        ("ngl", 100, -0.00107),
    ],
)
def test_gradients_at_the_uniform_point_are_the_published_ones(name, classes, expected):
    logits = torch.zeros(1, classes, dtype=torch.float64)
    gradient = logit_gradient(loss(name, classes), logits, torch.tensor([0]))
    assert float(gradient[0, 0]) == pytest.approx(expected, rel=5e-3)


def test_baikals_gradient_for_a_confident_mistake_is_that_worked_out_by_hand():
    gradient = logit_gradient(loss("baikal", 10), logits_of(spread(0.002, 10)), torch.tensor([0]))
    # By hand: -(1 - C p_t) - (1 - p_t) / p_t.
    assert float(gradient[0, 0]) == pytest.approx(-(1 - 10 * 0.002) - (1 - 0.002) / 0.002)


RANDOM = torch.randn(64, 10, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
TARGETS = torch.arange(64) % 10
"""A batch of random logits and targets; ten classes."""


def test_cross_entropy_is_torchs():
    logits = RANDOM.float()
    ours = loss("cross_entropy", 10)(logits, TARGETS)
    torch.testing.assert_close(ours, torch.nn.functional.cross_entropy(logits, TARGETS))
    smoothed = torch.nn.functional.cross_entropy(logits, TARGETS, label_smoothing=0.1)
    torch.testing.assert_close(loss("label_smoothing", 10)(logits, TARGETS), smoothed)


# Normalised focal loss has factors without gradient; it has a test of its own.
@pytest.mark.parametrize("name", sorted(set(CATALOGUE) - {"nfl_rce", "nfl_mae"}))
def test_gradients_agree_with_finite_differences(name):
    inner = loss(name, 10)
    logits = (2 * RANDOM[:4]).requires_grad_()
    torch.autograd.gradcheck(
        lambda z: inner.per_sample(z, TARGETS[:4]), logits, atol=1e-5, check_undefined_grad=False
    )


@pytest.mark.parametrize("temperatures", [(1, 1), (1 - 1e-6, 1 + 1e-6)])
def test_bi_tempered_loss_becomes_cross_entropy(temperatures):
    ours = on_logits.tempered(RANDOM, TARGETS, *temperatures)
    theirs = torch.nn.functional.cross_entropy(RANDOM, TARGETS, reduction="none")
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


def test_bi_tempered_gradient_is_that_of_the_reference_code():
    # google/bi-tempered-loss: q = p - y weighted by p^(t2 - t1), less its sum times the escort.
    t1, t2 = 0.8, 1.2
    p = on_logits.tempered_softmax(RANDOM, t2)
    torch.testing.assert_close(p.sum(dim=1), torch.ones(64, dtype=p.dtype), atol=1e-3, rtol=0)
    weighted = (p - torch.nn.functional.one_hot(TARGETS, 10)) * p ** (t2 - t1)
    escort = p**t2 / (p**t2).sum(dim=1, keepdim=True)
    expected = weighted - escort * weighted.sum(dim=1, keepdim=True)
    gradient = logit_gradient(loss("bi_tempered", 10), RANDOM, TARGETS)
    torch.testing.assert_close(gradient, expected, atol=2e-3, rtol=2e-2)


def test_losses_on_logits_keep_their_ranges_and_identities():
    s = torch.softmax(3 * RANDOM, dim=1)
    entropy = torch.nn.functional.cross_entropy(3 * RANDOM, TARGETS, reduction="none")
    tanimoto = on_logits.tanimoto(3 * RANDOM, TARGETS)
    assert bool(((tanimoto >= -1) & (tanimoto <= 0)).all())
    torch.testing.assert_close(
        on_logits.cauchy_schwarz(3 * RANDOM, TARGETS), entropy + s.norm(dim=1).log()
    )
    nce = on_logits.nce(3 * RANDOM, TARGETS)
    assert bool(((nce >= 0) & (nce <= 1)).all())
    at_once = torch.nn.functional.one_hot(TARGETS, 10).double()
    assert float(on_logits.square_logits(at_once, TARGETS).abs().max()) == 0
    assert float(on_logits.l1_logits(at_once, TARGETS).abs().max()) == 0
    for hinge in (on_logits.hinge, on_logits.squared_hinge, on_logits.cubed_hinge):
        assert float(hinge(at_once - 0.5, TARGETS).abs().max()) == 0


def test_one_vs_rest_on_two_classes_is_the_binary_loss_twice():
    # With logits (f, -f) for the labels +1 and -1 of class 0.
    f = torch.tensor([-2.0, -0.3, 0.0, 0.7, 3.0], dtype=torch.float64).repeat(2)
    targets = torch.tensor([0] * 5 + [1] * 5)
    margin = torch.where(targets == 0, f, -f)
    logits = torch.stack([f, -f], dim=1)
    for name, binary in (
        ("square", (1 - margin) ** 2),
        ("hinge", (1 - margin).clamp_min(0)),
        ("logistic", torch.log1p(torch.exp(-margin))),
    ):
        function = getattr(on_logits, f"{name}_one_vs_rest")
        torch.testing.assert_close(function(logits, targets), 2 * binary)


def test_one_vs_rest_is_torchs_multi_label_loss():
    signs = 2.0 * torch.nn.functional.one_hot(TARGETS, 10) - 1
    soft = torch.nn.functional.soft_margin_loss(RANDOM, signs, reduction="none").sum(dim=1)
    torch.testing.assert_close(on_logits.logistic_one_vs_rest(RANDOM, TARGETS), soft)


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_no_loss_breaks_at_extreme_logits(name):
    logits = torch.zeros(3, 10)
    logits[0, 0], logits[1, 1], logits[2] = 60.0, 60.0, -60.0
    inner = loss(name, 10)
    assert inner.per_sample(logits, torch.tensor([0, 0, 0])).isfinite().all()
    assert logit_gradient(inner, logits, torch.tensor([0, 0, 0])).isfinite().all()


def test_every_entry_is_complete():
    for name, entry in CATALOGUE.items():
        assert re.fullmatch(r"[a-z][a-z0-9_]*", name)
        assert entry.evidence in {"code", "standard", "unverified", "bred"}
        assert entry.source
        assert entry.latex
        assert "$" not in entry.latex
        assert "|" not in entry.latex, "a bar breaks Markdown tables; write \\lvert"
        assert entry.latex.count("{") == entry.latex.count("}")
        assert entry.latex.count(r"\left") == entry.latex.count(r"\right")
        assert name in LOSSES, f"add {name} to LOSSES in workflow/evoloss/reporting/names.py"


def test_the_readme_lists_the_catalogue():
    text = (ROOT / "config" / "README.md").read_text()
    for entry in CATALOGUE.values():
        row = f"| `{entry.name}` | ${entry.latex}$ | {entry.defaults} | {entry.evidence} |"
        assert row in text, row


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("evoloss_loglog", "max(log(log(p)), cos(p) * (1 - y)) - (-(p - 0.5) * sigmoid(exp(p)))"),
        (
            "evoloss_ratio",
            "((tanh(tanh(max(p, y))) + cos(p)) - sigmoid(-p)) / (sigmoid(p / p) + (abs(-1) * sqrt(p)))",
        ),
    ],
)
def test_bred_losses_are_what_was_found(name, found):
    torch.testing.assert_close(
        loss(name, 10)(RANDOM, TARGETS), as_written(found, 10)(RANDOM, TARGETS)
    )


def test_an_expression_stands_where_a_name_may():
    assert formula_of("-(y * log(p))") == "-(y * log(p))"
    with pytest.raises(UserError, match="did you mean 'focal'"):
        formula_of("foccal")
    with pytest.raises(UserError, match="unknown name 'q'"):
        formula_of("p * q")


def test_a_function_stands_where_a_name_may():
    assert formula_of("my_losses:margin") == "my_losses:margin"
    for text in ("my losses:margin", "my_losses:", ":margin", "a:b:c", "my_losses.py:margin()"):
        with pytest.raises(UserError, match="is not of the form module:function"):
            formula_of(text)


def test_a_loss_that_is_another_up_to_scale_is_named():
    with pytest.raises(UserError) as caught:
        formula_of("chebyshev")
    assert str(caught.value) == "'chebyshev' equals mae up to scale (1 - p_t = MAE / 2); write mae"
    for name, (same, why) in ALIASES.items():
        assert name not in CATALOGUE
        assert same in CATALOGUE
        assert why


def test_normalised_focal_loss_holds_its_factors_constant():
    logits = RANDOM.clone().requires_grad_()
    on_logits.nfl(logits, TARGETS).sum().backward()
    log_p = torch.log_softmax(RANDOM, dim=1)
    factors = (1 - log_p.exp()).sqrt()
    again = RANDOM.clone().requires_grad_()
    weighed = factors * torch.log_softmax(again, dim=1)
    (weighed.gather(1, TARGETS[:, None])[:, 0] / weighed.sum(dim=1)).sum().backward()
    torch.testing.assert_close(logits.grad, again.grad)
