import pytest
import torch
from hypothesis import given, settings
from strategies import expressions

from evoloss.expressions.parsing import parse
from evoloss.losses.export import class_name, python_module
from evoloss.losses.expression_loss import ExpressionLoss
from evoloss.losses.gradient_scale import matching_factor


def module_of(expression, classes=(10,)):
    champion = {
        "loss": "egp_seed0",
        "expression": str(expression),
        "fitness": 1.0,
        "fitness_is": "leave-one-out",
        "repeats": 3,
    }
    namespace = {}
    exec(python_module(champion, classes, "test"), namespace)
    return namespace


LOGITS = 4 * torch.randn(50, 10, generator=torch.Generator().manual_seed(1))
TARGETS = torch.arange(50) % 10


@settings(max_examples=60)
@given(expressions)
def test_the_exported_module_gives_our_values_and_gradients(tree):
    loss = ExpressionLoss(tree)
    factor = matching_factor(loss, 10)
    module = module_of(tree)["EgpSeed0"](scale=None if factor == factor else 1.0)
    loss.factor = factor if factor == factor else 1.0
    ours, theirs = (LOGITS.clone().requires_grad_() for _ in range(2))
    ours_value, their_value = loss(ours, TARGETS), module(theirs, TARGETS)
    torch.testing.assert_close(their_value, ours_value, rtol=1e-6, atol=0)
    ours_value.backward()
    their_value.backward()
    torch.testing.assert_close(theirs.grad, ours.grad, rtol=1e-5, atol=1e-7 * loss.factor)


def test_one_module_is_constructible_and_knows_its_classes():
    namespace = module_of(parse("-(y * log(p))"), classes=(7,))
    made = namespace["EgpSeed0"]
    module = made()
    assert module(LOGITS, TARGETS).shape == ()
    assert module(torch.zeros(3, 7), torch.tensor([0, 1, 2])) == pytest.approx(1.9459, abs=1e-3)
    assert made(reduction="none")(LOGITS, TARGETS).shape == (50,)
    with pytest.raises(ValueError, match="no factor is known for 4 classes"):
        module(torch.zeros(3, 4), torch.tensor([0, 1, 2]))


def test_names_of_classes():
    assert class_name("random_search_seed12") == "RandomSearchSeed12"


def test_an_unscaled_search_exports_the_loss_as_written():
    champion = {
        "loss": "egp_seed0",
        "expression": "square(p - y)",
        "fitness": 1.0,
        "fitness_is": "leave-one-out",
        "repeats": 3,
    }
    namespace = {}
    source = python_module(champion, (10,), "test", scale_matched=False)
    assert "It is leave-one-out." in source
    exec(source, namespace)
    ours = ExpressionLoss(parse("square(p - y)"))
    assert torch.equal(namespace["EgpSeed0"]()(LOGITS, TARGETS), ours(LOGITS, TARGETS))
