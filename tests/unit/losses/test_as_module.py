"""`evoloss.losses.loss`: torch's cross entropy where it is that, and any other loss alike."""

import copy
import pickle

import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from strategies import expressions
from torch.nn import functional

from evoloss.errors import UserError
from evoloss.losses import loss
from evoloss.losses.expression_loss import ExpressionLoss
from evoloss.losses.formula import loss_from
from evoloss.losses.registry import CATALOGUE, formula_of

CLASSES = 5
WEIGHT = torch.tensor([1.0, 0.5, 2.0, 0.0, 3.0])
"""A weight for each class; one class counts for nothing."""
SPELLINGS = ["cross_entropy", "y * -log(p)", "-(y * log(p)) + (p - p)"]
"""Cross entropy, written three ways: torch computes the first, and the last keeps a p."""

SHAPES = [(1,), (7,), (3, 4), (2, 3, 2)]
"""Shapes of targets: images, sequences, and the pixels of images."""


def batch(shape, seed, ignore_index, share, dtype=torch.float32):
    """Random logits, and random targets of this shape, a share of which is `ignore_index`."""
    source = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(shape[0], CLASSES, *shape[1:], generator=source, dtype=dtype)
    targets = torch.randint(0, CLASSES, shape, generator=source)
    ignored = torch.rand(shape, generator=source) < share
    return logits.requires_grad_(), targets.where(~ignored, ignore_index)


def gradient(value, logits):
    """The gradient of a value, which is summed if it is not yet one number."""
    return torch.autograd.grad(value.sum(), logits, retain_graph=True)[0]


def test_a_loss_stands_where_cross_entropy_stood():
    logits = torch.tensor([[2.0, 0.5, 0.0], [0.1, 0.2, 3.0]], requires_grad=True)
    targets = torch.tensor([0, 2])
    torch.testing.assert_close(
        loss("cross_entropy")(logits, targets), functional.cross_entropy(logits, targets)
    )
    criterion = loss("gce")
    value = criterion(logits, targets)
    value.backward()
    assert value.shape == ()
    # A step against the gradient raises the logit of the target, and lowers the others.
    assert (logits.grad < 0).tolist() == [[True, False, False], [False, False, True]]


@given(
    shape=st.sampled_from(SHAPES),
    seed=st.integers(0, 10_000),
    weight=st.sampled_from([None, WEIGHT]),
    ignore_index=st.sampled_from([-100, -1, 2]),
    share=st.sampled_from([0.0, 0.3, 1.0]),
    reduction=st.sampled_from(["mean", "sum", "none"]),
    smoothing=st.sampled_from([0.0, 0.1, 1.0]),
    dtype=st.sampled_from([torch.float32, torch.float64]),
)
def test_cross_entropy_is_torchs_with_every_option(
    shape, seed, weight, ignore_index, share, reduction, smoothing, dtype
):
    weight = None if weight is None else weight.to(dtype)
    options = {
        "weight": weight,
        "ignore_index": ignore_index,
        "reduction": reduction,
        "label_smoothing": smoothing,
    }
    logits, targets = batch(shape, seed, ignore_index, share, dtype)
    theirs = functional.cross_entropy(logits, targets, **options)
    for text in SPELLINGS:
        ours = loss(text, **options)(logits, targets)
        torch.testing.assert_close(ours, theirs, equal_nan=True)
        if bool(theirs.isfinite().all()):  # else 0/0: nothing is kept, or all weights are 0
            torch.testing.assert_close(gradient(ours, logits), gradient(theirs, logits))


@given(
    shape=st.sampled_from([(CLASSES,), (1, CLASSES), (7, CLASSES), (3, CLASSES, 2, 2)]),
    seed=st.integers(0, 10_000),
    weight=st.sampled_from([None, WEIGHT]),
    reduction=st.sampled_from(["mean", "sum", "none"]),
    smoothing=st.sampled_from([0.0, 0.1, 1.0]),
)
def test_with_class_probabilities_cross_entropy_is_torchs(
    shape, seed, weight, reduction, smoothing
):
    options = {"weight": weight, "reduction": reduction, "label_smoothing": smoothing}
    source = torch.Generator().manual_seed(seed)
    logits = torch.randn(shape, generator=source).requires_grad_()
    targets = torch.rand(shape, generator=source)  # torch does not ask that they sum to one
    theirs = functional.cross_entropy(logits, targets, **options)
    for text in SPELLINGS:
        ours = loss(text, **options)(logits, targets)
        torch.testing.assert_close(ours, theirs)
        torch.testing.assert_close(gradient(ours, logits), gradient(theirs, logits))


@pytest.mark.parametrize("name", ["ngl", "focal", "evoloss_loglog"])
def test_certain_probabilities_are_class_indices(name):
    logits, targets = batch((4, 6), 0, -100, 0.0)
    certain = functional.one_hot(targets, CLASSES).movedim(-1, 1).float()
    for weight in (None, WEIGHT + 1):
        each = loss(name, weight=weight, reduction="none")
        torch.testing.assert_close(each(logits, certain), each(logits, targets))


def test_a_loss_of_soft_labels_reads_them_as_y():
    logits, targets = torch.randn(3, 4), torch.rand(3, 4)
    criterion = loss("mse", match_gradient_scale=False, reduction="none")
    expected = (torch.softmax(logits, 1) - targets).square().sum(1)
    torch.testing.assert_close(criterion(logits, targets), expected)


@pytest.mark.parametrize("name", ["ngl", "nce", "cross_entropy"])
def test_one_sample_needs_no_batch(name):
    logits, targets = batch((4,), 0, -100, 0.0)
    criterion = loss(name)
    for row, target in zip(logits, targets, strict=True):
        torch.testing.assert_close(criterion(row, target), criterion(row[None], target[None]))
        assert loss(name, reduction="none")(row, target).shape == ()


@given(seed=st.integers(0, 10_000), name=st.sampled_from(sorted(CATALOGUE)))
def test_any_loss_is_the_mean_of_what_a_task_trains_with(seed, name):
    logits, targets = batch((9,), seed, 0, 0.0)
    expected = loss_from(formula_of(name), None, CLASSES, True)(logits, targets)
    torch.testing.assert_close(loss(name)(logits, targets), expected)
    # The batch has nine samples.
    torch.testing.assert_close(loss(name, reduction="sum")(logits, targets), 9 * expected)


@given(seed=st.integers(0, 10_000), name=st.sampled_from(["ngl", "tanimoto"]))
def test_ignored_samples_count_for_nothing(seed, name):
    logits, targets = batch((4, 6), seed, -100, 0.4)
    if not bool((targets != -100).any()):
        return
    kept = targets != -100
    value = loss(name)(logits, targets)
    torch.testing.assert_close(value, loss(name)(logits.movedim(1, -1)[kept], targets[kept]))
    assert not bool(gradient(value, logits).movedim(1, -1)[~kept].any())


def test_weights_are_of_the_target_as_in_torch():
    logits, targets = batch((8,), 0, 0, 0.0)
    each = loss("mse", reduction="none")(logits, targets)
    weights = WEIGHT[targets]
    expected = (weights * each).sum() / weights.sum()
    torch.testing.assert_close(loss("mse", weight=WEIGHT)(logits, targets), expected)


def test_values_are_in_float32_under_autocast():
    logits, targets = batch((64,), 0, 0, 0.0)
    low = logits.detach().bfloat16()
    for name in ("cross_entropy", "nce", "ngl"):
        expected = loss(name)(low.float(), targets)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            value = loss(name, weight=None)(low, targets)
        assert value.dtype == torch.float32
        assert torch.equal(value, expected)
    assert loss("ngl")(logits.double(), targets).dtype == torch.float64


def test_the_factor_and_c_follow_the_classes_of_the_logits():
    criterion = loss("ngl")
    for classes in (3, 10, 3):
        logits, targets = torch.zeros(2, classes), torch.tensor([0, 1])
        expected = loss_from(formula_of("ngl"), None, classes, True)(logits, targets)
        torch.testing.assert_close(criterion(logits, targets), expected)
    as_written = loss("square(p - y)", match_gradient_scale=False)
    assert float(as_written(torch.zeros(1, 2), torch.tensor([0]))) == pytest.approx(
        0.5
    )  # 1/4 + 1/4


def test_no_gradient_mode_hinders_the_first_use():
    logits, targets = torch.zeros(2, 4), torch.tensor([0, 1])
    expected = loss("ngl")(logits, targets)
    for mode in (torch.no_grad, torch.inference_mode):
        with mode():
            torch.testing.assert_close(loss("ngl")(logits, targets), expected)


@pytest.mark.parametrize("name", ["ngl", "nce"])
def test_it_can_be_copied_pickled_and_moved(name):
    logits, targets = batch((8,), 0, 0, 0.0)
    criterion = loss(name, classes=CLASSES, weight=WEIGHT)
    expected = criterion(logits, targets)
    for other in (copy.deepcopy(criterion), pickle.loads(pickle.dumps(criterion))):
        torch.testing.assert_close(other(logits, targets), expected)
    assert list(criterion.state_dict()) == ["weight"]
    other = loss(name, weight=torch.ones(CLASSES))
    other.load_state_dict(criterion.state_dict())
    torch.testing.assert_close(other(logits, targets), expected)
    assert not list(loss(name).state_dict())
    moved = criterion.to(torch.float64)
    assert moved.weight.dtype == torch.float64
    torch.testing.assert_close(moved(logits.double(), targets).float(), expected)


def test_targets_may_be_small_integers():
    logits, targets = batch((8,), 0, 0, 0.0)
    for dtype in (torch.int32, torch.uint8):
        torch.testing.assert_close(
            loss("focal")(logits, targets.to(dtype)), loss("focal")(logits, targets)
        )


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: loss("foccal"), "did you mean 'focal'"),
        (lambda: loss("chebyshev"), "write mae"),
        (lambda: loss("nowhere_at_all:f", classes=3), "cannot be imported"),
        (lambda: loss("mse", reduction="average"), "there are mean, sum, none"),
        (lambda: loss("mse", label_smoothing=1.5), "lies between 0 and 1"),
        (lambda: loss("nce", label_smoothing=0.1), "takes no soft labels"),
        (
            lambda: loss("mse", label_smooth=0.1),
            "label_smooth: no option of losses with activation 'softmax'",
        ),
        (lambda: loss("mse", classes=0), "classes: got 0"),
        (lambda: loss("mse", classes=3, activation="sigmoid"), "single logits; leave it out"),
        (lambda: loss("p - y", classes=10), "no finite, non-zero gradient"),
        (lambda: loss("1 / (y - p)", classes=2), "no finite, non-zero gradient"),
        (lambda: loss("mse", activation="relu"), "there are softmax, sigmoid"),
        (lambda: loss("mse", weight=torch.ones(3, 3)), "one number per class"),
        (lambda: loss("mse", weight=torch.tensor([1, 2])), "floating-point"),
    ],
)
def test_a_mistake_in_an_option_gets_a_sentence(make, sentence):
    with pytest.raises(UserError, match=sentence):
        make()


@pytest.mark.parametrize("name", ["mse", "cross_entropy", "nce"])
@pytest.mark.parametrize(
    ("logits", "targets", "options", "sentence"),
    [
        (torch.zeros(3), torch.zeros(3).long(), {}, "do not fit"),
        (torch.zeros(3, 4), torch.zeros(4).long(), {}, "do not fit"),
        (torch.zeros(3, 4), torch.zeros(3, 4).long(), {}, "do not fit"),
        (torch.zeros(3, 4), torch.zeros(3), {}, "must be class indices"),
        (torch.zeros(3, 4, dtype=torch.cfloat), torch.zeros(3).long(), {}, "must be real"),
        (
            torch.zeros(2, 4),
            torch.zeros(2).long(),
            {"weight": torch.ones(3)},
            "got 3 numbers for 4 classes",
        ),
    ],
)
def test_a_batch_that_does_not_fit_gets_a_sentence(name, logits, targets, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        loss(name, **options)(logits, targets)


@pytest.mark.parametrize("name", ["mse", "cross_entropy", "nce"])
@pytest.mark.parametrize("target", [4, -1, -101])
def test_a_target_that_is_no_class_is_named(name, target):
    targets = torch.tensor([0, -100, target])
    sentence = rf"target {target} is no class; with 4 classes targets lie between 0 and 3"
    with pytest.raises(IndexError, match=sentence):
        loss(name)(torch.zeros(3, 4), targets)


def test_soft_targets_get_a_sentence_where_they_have_no_meaning():
    logits, targets = torch.zeros(3, 4), torch.full((3, 4), 0.25)
    with pytest.raises(ValueError, match="'nce' is a function of class indices"):
        loss("nce")(logits, targets)
    for name in ("mse", "cross_entropy"):
        with pytest.raises(ValueError, match="have no index to ignore"):
            loss(name, ignore_index=1)(logits, targets)


@hypothesis_settings(max_examples=60)
@given(tree=expressions, seed=st.integers(0, 10_000))
def test_certain_labels_take_the_short_way_to_the_same_loss(tree, seed):
    """A loss is simplified for y = 0 and for y = 1; what is left must keep the guards of the whole."""
    if "p" not in tree or "y" not in tree:
        return
    logits, targets = batch((6,), seed, -100, 0.0)
    expected = ExpressionLoss(tree).per_sample(logits, targets)
    ours = loss(str(tree), match_gradient_scale=False, reduction="none")(logits, targets)
    torch.testing.assert_close(ours, expected, rtol=1e-5, atol=1e-5, equal_nan=True)
    torch.testing.assert_close(
        gradient(ours, logits), gradient(expected, logits), rtol=1e-4, atol=1e-4, equal_nan=True
    )


def test_blanks_around_a_name_do_not_matter():
    assert loss(" gce ").text == "gce"
