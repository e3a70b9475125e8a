"""A loss that is a function of logits and targets, in a module of the user's own."""

import pytest
import torch

from evoloss.errors import UserError
from evoloss.losses.expression_loss import ExpressionLoss
from evoloss.losses.formula import as_written, loss_from
from evoloss.losses.function_loss import FunctionLoss
from evoloss.losses.gradient_scale import cross_entropy_scale, gradient_scale

OWN = """
import torch

NUMBER = 3

def margin(logits, targets):
    target = logits.gather(1, targets[:, None])
    own = torch.nn.functional.one_hot(targets, logits.shape[1]).bool()
    best_wrong = logits.masked_fill(own, -torch.inf).amax(dim=1)
    return (1 + best_wrong - target.squeeze(1)).clamp_min(0)

def mean(logits, targets):
    return margin(logits, targets).mean()

def detached(logits, targets):
    return margin(logits, targets).detach()

def of_targets(logits, targets):
    return targets.double() + torch.zeros(1, requires_grad=True)

def infinite(logits, targets):
    return margin(logits, targets) / 0

def steep(logits, targets):
    return (logits - logits).square().sum(dim=1).sqrt()

def flat(logits, targets):
    return 0 * logits.sum(dim=1)

def number(logits, targets):
    return 1.0

def typo(logits, targets):
    return logit

def matrix(logits, targets):
    return (logits @ torch.eye(logits.shape[1], dtype=logits.dtype)).square().sum(dim=1)

def single(logits, targets):
    return (logits @ torch.eye(logits.shape[1])).square().sum(dim=1)

def only_ten(logits, targets):
    return (logits * torch.ones(10)).sum(dim=1)
"""
"""A user's module: `margin` and `matrix` are sound losses; of the others each has one fault, which its name tells."""


@pytest.fixture(autouse=True)
def own_module(tmp_path, monkeypatch):
    """Modules that Python finds as it finds a user's: one with losses, and two that cannot be imported."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "my_own_losses.py").write_text(OWN)
    (tmp_path / "my_broken_losses.py").write_text("def f(:\n")
    (tmp_path / "my_failing_losses.py").write_text("raise RuntimeError('not today')\n")


def test_a_function_is_a_loss():
    loss = FunctionLoss("my_own_losses:margin", 3)
    logits, targets = torch.tensor([[2.0, 0.5, 0.0], [0.0, 1.0, 0.0]]), torch.tensor([0, 0])
    assert loss.per_sample(logits, targets).tolist() == [0.0, 2.0]
    assert float(loss(logits, targets)) == 1.0
    loss.factor = 3.0
    assert float(loss(logits, targets)) == 3.0
    assert "my_own_losses:margin, factor=3" in repr(loss)


def test_logits_are_read_in_float32_under_autocast():
    loss = FunctionLoss("my_own_losses:matrix", 10)
    logits = torch.randn(20, 10, generator=torch.Generator().manual_seed(0))
    expected = loss.per_sample(logits, torch.zeros(20, dtype=torch.long))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(loss.per_sample(logits, torch.zeros(20, dtype=torch.long)), expected)
    assert loss.per_sample(logits.bfloat16(), torch.arange(20)).dtype == torch.float32
    assert loss.per_sample(logits.double(), torch.arange(20)).dtype == torch.float64


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "my_own_losses:mean",
            r"returns shape \(\) for logits \(8, 5\) of torch.float32, not \(8,\)",
        ),
        ("my_own_losses:detached", "does not depend on the logits"),
        ("my_own_losses:of_targets", "does not depend on the logits"),
        ("my_own_losses:infinite", "is not finite on random logits"),
        ("my_own_losses:steep", "has a gradient that is not finite"),
        ("my_own_losses:number", "returns float, not a tensor"),
        ("my_own_losses:typo", r"NameError: .*my_own_losses.py, line \d+"),
        ("my_own_losses:only_ten", "fails on logits"),
        ("my_own_losses:single", r"fails on logits \(8, 5\) of torch.float64 with RuntimeError"),
        ("my_own_losses:absent", "cannot be imported: AttributeError"),
        ("my_own_losses:NUMBER", "is int, not a function"),
        ("nowhere_at_all:loss", "cannot be imported: ModuleNotFoundError"),
        ("my_broken_losses:f", "cannot be imported: SyntaxError"),
        ("my_failing_losses:f", "cannot be imported: RuntimeError: not today"),
    ],
)
def test_what_is_no_loss_is_told_in_a_sentence(text, sentence):
    with pytest.raises(UserError, match=sentence) as caught:
        FunctionLoss(text, 5)
    assert repr(text) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_probe_has_as_many_classes_as_the_task():
    assert FunctionLoss("my_own_losses:only_ten", 10).text == "my_own_losses:only_ten"


def test_a_text_is_read_as_an_expression_or_as_a_function():
    assert isinstance(as_written("my_own_losses:margin", 10), FunctionLoss)
    assert isinstance(as_written("y * p / C", 10), ExpressionLoss)
    assert loss_from("-(y * log(p)) / C", None, 10, False).text == "-(y * log(p)) / 10"
    loss = loss_from("my_own_losses:margin", None, 10, True)
    assert gradient_scale(loss, 10) == pytest.approx(cross_entropy_scale(10), rel=1e-6)
    with pytest.raises(UserError, match="loss my_own_losses:flat has no finite, non-zero gradient"):
        loss_from("my_own_losses:flat", None, 10, True)


def test_a_loss_is_a_formula_or_a_champion_but_not_both(tmp_path):
    with pytest.raises(ValueError, match="one of the two"):
        loss_from("p", tmp_path / "champion.json", 10, True)
