"""`activation="sigmoid"`: torch's binary cross entropy where it is that, and any other loss alike."""

import copy
import pickle

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from evoloss.errors import UserError
from evoloss.losses import loss
from evoloss.losses.registry import CATALOGUE

SPELLINGS = ["cross_entropy", "-(y * log(p)) - (1 - y) * log(1 - p)"]
"""Binary cross entropy, written two ways: torch computes the first."""
EXPRESSIONS = sorted(name for name, entry in CATALOGUE.items() if ":" not in entry.formula)
"""The losses of the catalogue that are expressions, and no functions of logits."""


def batch(shape, seed, scale=2.0):
    """Random logits, and random labels 0 or 1."""
    source = torch.Generator().manual_seed(seed)
    logits = scale * torch.randn(shape, generator=source)
    return logits.requires_grad_(), torch.randint(2, shape, generator=source).float()


def test_each_label_of_an_image_is_judged_alone():
    criterion = loss("cross_entropy", activation="sigmoid")
    logits = torch.tensor([[2.0, -1.0, 0.0]])
    labels = torch.tensor([[1.0, 0.0, 1.0]])
    # The probability that each of the three labels is right.
    right = torch.sigmoid(torch.tensor([2.0, 1.0, 0.0]))
    torch.testing.assert_close(criterion(logits, labels), -right.log().mean())


@given(
    shape=st.sampled_from([(), (7,), (4, 3), (2, 3, 4)]),
    seed=st.integers(0, 10_000),
    scale=st.sampled_from([1.0, 1e4]),
    soft=st.booleans(),
    weight=st.sampled_from([None, torch.tensor(2.0)]),
    pos_weight=st.sampled_from([None, torch.tensor(3.0)]),
    reduction=st.sampled_from(["mean", "sum", "none"]),
)
def test_binary_cross_entropy_is_torchs(shape, seed, scale, soft, weight, pos_weight, reduction):
    options = {"weight": weight, "pos_weight": pos_weight, "reduction": reduction}
    logits, labels = batch(shape, seed, scale)
    labels = 0.1 + 0.8 * labels if soft else labels
    theirs = functional.binary_cross_entropy_with_logits(logits, labels, **options)
    (expected,) = torch.autograd.grad(theirs.sum(), logits)
    for text in SPELLINGS:
        ours = loss(text, activation="sigmoid", **options)(logits, labels)
        torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-6)
        (slope,) = torch.autograd.grad(ours.sum(), logits)
        torch.testing.assert_close(slope, expected, rtol=1e-5, atol=1e-6)


def test_weights_of_labels_broadcast_as_in_torch():
    logits, labels = batch((6, 3), 0)
    options = {"weight": torch.tensor([1.0, 2.0, 0.0]), "pos_weight": torch.tensor([3.0, 1.0, 5.0])}
    theirs = functional.binary_cross_entropy_with_logits(logits, labels, **options)
    for text in SPELLINGS:
        torch.testing.assert_close(
            loss(text, activation="sigmoid", **options)(logits, labels), theirs
        )


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_a_loss_of_the_catalogue_is_that_of_two_classes(name):
    """The sigmoid of a logit z is the softmax of the two logits z and 0."""
    logits, labels = batch((50,), 1)
    binary = loss(name, activation="sigmoid", match_gradient_scale=False, reduction="none")
    two = torch.stack([logits, torch.zeros_like(logits)], dim=1)
    classes = loss(name, match_gradient_scale=False, reduction="none")
    torch.testing.assert_close(
        binary(logits, labels), classes(two, 1 - labels.long()), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("text", ["focal", "square(p - y)", "ngl"])
def test_its_first_gradient_is_as_large_as_binary_cross_entropys(text):
    source = torch.Generator().manual_seed(2)
    logits = (0.3 * torch.randn(4000, generator=source)).requires_grad_()
    labels = (torch.arange(4000) % 2).float()

    def scale(criterion):
        """The median size of the gradient on this batch."""
        (slope,) = torch.autograd.grad(criterion(logits, labels).sum(), logits)
        return float(slope.abs().median())

    own = scale(loss(text, activation="sigmoid"))
    assert own == pytest.approx(scale(torch.nn.BCEWithLogitsLoss()), rel=0.05)


@pytest.mark.parametrize("text", [*SPELLINGS, "focal", "evoloss_ratio"])
def test_it_survives_what_torch_wraps_around_it(text):
    criterion = loss(text, activation="sigmoid", pos_weight=torch.tensor(2.0))
    logits, labels = batch((5, 3), 0)
    expected = criterion(logits, labels)
    for other in (copy.deepcopy(criterion), pickle.loads(pickle.dumps(criterion))):
        torch.testing.assert_close(other(logits, labels), expected)
    torch._dynamo.reset()
    compiled = torch.compile(criterion, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(logits, labels), expected)
    each = torch.func.vmap(torch.func.grad(criterion))(logits.detach(), labels)
    (slopes,) = torch.autograd.grad(expected, logits)
    torch.testing.assert_close(each / 5, slopes)
    assert criterion(logits.detach().bfloat16(), labels).dtype == torch.float32


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: loss("y * -log(p)", activation="sigmoid"), "no gradient where y = 0"),
        (lambda: loss("nce", activation="sigmoid"), "has no meaning with a sigmoid"),
        (
            lambda: loss("mse", activation="sigmoid", label_smoothing=0.1),
            "label_smoothing: no option",
        ),
        (lambda: loss("mse", activation="sigmoid", reduction="all"), "there are mean, sum, none"),
        (lambda: loss("mse", pos_weight=torch.ones(1)), "pos_weight: no option of losses with"),
    ],
)
def test_a_mistake_in_an_option_gets_a_sentence(make, sentence):
    with pytest.raises(UserError, match=sentence):
        make()


def test_a_batch_that_does_not_fit_gets_a_sentence():
    criterion = loss("mse", activation="sigmoid")
    with pytest.raises(ValueError, match="do not fit; they must have one shape"):
        criterion(torch.zeros(3), torch.zeros(3, 1))
    with pytest.raises(ValueError, match="must be floats"):
        criterion(torch.zeros(3), torch.zeros(3).long())
