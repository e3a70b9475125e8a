"""A champion as a Python module of its own, which needs nothing but torch."""

import pytest
import torch
from hypothesis import given, settings
from strategies import expressions
from toy import champion

from evoloss.expressions.parsing import parse
from evoloss.losses.export import class_name, python_module
from evoloss.losses.expression_loss import ExpressionLoss
from evoloss.losses.gradient_scale import matching_factor


def class_of(source):
    """The loss class that the source of an exported module defines."""
    namespace = {}
    exec(source, namespace)
    return namespace["EgpSeed0"]


LOGITS = 4 * torch.randn(50, 10, generator=torch.Generator().manual_seed(1))
TARGETS = torch.arange(50) % 10


def test_an_exported_loss_is_used_like_one_of_torch_and_knows_its_classes():
    made = class_of(python_module(champion("-(y * log(p))"), (7,), "test"))
    module = made()
    assert module(LOGITS, TARGETS).shape == ()
    # log 7: all seven classes are equally probable.
    assert module(torch.zeros(3, 7), torch.tensor([0, 1, 2])) == pytest.approx(1.9459, abs=1e-3)
    assert made(reduction="none")(LOGITS, TARGETS).shape == (50,)
    with pytest.raises(ValueError, match="no factor is known for 4 classes"):
        module(torch.zeros(3, 4), torch.tensor([0, 1, 2]))


@settings(max_examples=60)
@given(expressions)
def test_the_exported_module_gives_our_values_and_gradients(tree):
    loss = ExpressionLoss(tree)
    factor = matching_factor(loss, 10)  # nan, which is not equal to itself, if there is none
    made = class_of(python_module(champion(tree), (10,), "test"))
    module = made(scale=None if factor == factor else 1.0)
    loss.factor = factor if factor == factor else 1.0
    ours, theirs = (LOGITS.clone().requires_grad_() for _ in range(2))
    ours_value, their_value = loss(ours, TARGETS), module(theirs, TARGETS)
    torch.testing.assert_close(their_value, ours_value, rtol=1e-6, atol=0)
    ours_value.backward()
    their_value.backward()
    torch.testing.assert_close(theirs.grad, ours.grad, rtol=1e-5, atol=1e-7 * loss.factor)


def test_the_class_is_named_after_the_loss():
    assert class_name("random_search_seed12") == "RandomSearchSeed12"


def test_an_unscaled_search_exports_the_loss_as_written():
    source = python_module(champion("square(p - y)"), (10,), "test", scale_matched=False)
    assert "It is leave-one-out: each fresh training counts." in source
    ours = ExpressionLoss(parse("square(p - y)"))
    assert torch.equal(class_of(source)()(LOGITS, TARGETS), ours(LOGITS, TARGETS))
