"""What torch tries on its own cross entropy is tried on ours: by name, and counted.

torch ships what its tests try (`common_modules`, `common_methods_invocations`), but not the files that try it. What those
do with a criterion is done here: values against torch's reference, first and second derivatives against finite
differences, in reverse and forward mode. Nothing is skipped.
"""

import copy
import pickle
import warnings

import pytest
import torch
from hypothesis import settings

from evoloss.errors import UserError
from evoloss.losses import loss

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from torch.testing._internal.common_methods_invocations import op_db
    from torch.testing._internal.common_modules import module_db

# The import loads a profile of ten examples a test, and forbids to set flags, as a GPU needs them set.
settings.load_profile("evoloss")
torch.backends.__allow_nonbracketed_mutation_flag = True

SPELLINGS = ["cross_entropy", "y * -log(p)", "-(y * log(p)) + (p - p)"]
"""The first is computed by torch; the others go the way of every loss."""

SENTENCES = "do not fit|class indices|numbers for|no index to ignore|lies between"
"""Our messages, one of which every error of torch's list must have."""

CRITERION = next(info for info in module_db if info.module_cls is torch.nn.CrossEntropyLoss)
OPERATOR = next(info for info in op_db if info.name == "nn.functional.cross_entropy")


def inputs(dtype=torch.float64, requires_grad=True):
    """What torch tries its module on: options, logits, targets, and a reference for the value."""
    torch.manual_seed(0)
    return CRITERION.module_inputs_func(
        CRITERION, device="cpu", dtype=dtype, requires_grad=requires_grad, training=True
    )


def samples():
    """What torch tries its function on: logits, targets and options."""
    torch.manual_seed(0)
    return list(OPERATOR.sample_inputs("cpu", torch.float64, requires_grad=True))


NAMES = [one.desc for one in inputs()]


def test_torch_still_ships_as_many_tries():
    """As many as torch 2.13 has; fewer would mean that they have moved."""
    assert len(NAMES) >= 105
    assert len(samples()) >= 21


@pytest.mark.parametrize("text", SPELLINGS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("index", range(len(NAMES)), ids=NAMES)
def test_a_value_is_that_of_torchs_reference_and_copies_agree(text, dtype, index):
    one = inputs(dtype, requires_grad=False)[index]
    criterion = loss(text, **one.constructor_input.kwargs)
    value = criterion(*one.forward_input.args)
    reference = one.reference_fn(criterion, *one.forward_input.args)
    torch.testing.assert_close(value, reference, equal_nan=True)
    for other in (copy.deepcopy(criterion), pickle.loads(pickle.dumps(criterion))):
        torch.testing.assert_close(
            other(*one.forward_input.args), value, rtol=0, atol=0, equal_nan=True
        )


@pytest.mark.parametrize("text", SPELLINGS[1:])  # the first is torch's kernel itself
@pytest.mark.parametrize("index", range(len(NAMES)), ids=NAMES)
def test_first_and_second_derivatives_agree_with_finite_differences(text, index):
    one = inputs()[index]
    logits, targets = one.forward_input.args
    # Finite differences of all of a batch take long; what is left is not ignored throughout.
    small = (slice(2), slice(None), slice(2), *[slice(1)] * (logits.ndim - 3))[: logits.ndim]
    if logits.ndim > 1:
        soft = targets.is_floating_point()
        logits, targets = logits[small], targets[small if soft else small[:1] + small[2:]].clone()
        if not soft:
            targets[0] = 0
    criterion = loss(text, **one.constructor_input.kwargs)
    logits = logits.detach().requires_grad_()

    def value(z):
        """The loss as a function of the logits alone, which is what torch's checks differentiate."""
        return criterion(z, targets.detach())

    torch.autograd.gradcheck(value, logits, check_forward_ad=True, check_batched_grad=True)
    torch.autograd.gradgradcheck(value, logits, check_fwd_over_rev=True)


@pytest.mark.parametrize("text", SPELLINGS)
def test_value_and_gradient_are_those_of_torchs_function(text):
    """All samples of torch's OpInfo; where torch has a gradient for class probabilities, it is compared too."""
    for sample in samples():
        logits, (targets,) = sample.input, sample.args
        criterion = loss(text, **sample.kwargs)
        ours, theirs = criterion(logits, targets), OPERATOR.op(logits, targets, **sample.kwargs)
        torch.testing.assert_close(ours, theirs, equal_nan=True)
        if not logits.numel() or bool(theirs.isnan().any()):
            continue
        wanted = [x for x in (logits, targets) if x.requires_grad]
        for mine, other in zip(
            torch.autograd.grad(ours.sum(), wanted),
            torch.autograd.grad(theirs.sum(), wanted),
            strict=True,
        ):
            torch.testing.assert_close(mine, other)


@pytest.mark.parametrize("text", SPELLINGS)
def test_what_torch_refuses_gets_a_sentence(text):
    found = CRITERION.module_error_inputs_func(
        CRITERION, device="cpu", dtype=torch.float64, requires_grad=False, training=True
    )
    assert len(found) >= 3  # torch 2.13 has seven; none would mean that they have moved
    for error in found:
        one = error.module_error_input
        with pytest.raises((ValueError, UserError), match=SENTENCES):
            loss(text, **one.constructor_input.kwargs)(*one.forward_input.args)
