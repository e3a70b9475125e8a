"""What trainings do on a GPU, as far as a CPU can show it: steps that read their number from the device, and too little memory."""

import pytest
import torch
from torch import nn
from toy_losses import CE, MSE

from evoloss.learning import models as models_module
from evoloss.learning import together as together_module
from evoloss.learning.evaluation import logits_of, validation_accuracy
from evoloss.learning.expression_training import expression_training
from evoloss.learning.models import StackedModel, initial_network
from evoloss.learning.stepping import StepsOnDevice
from evoloss.learning.training import Training, side_by_side, train

TEXTS = ["-(y * log(p))", "square(p - y)", "abs(p - y)", "exp(y - p) * (1 - p)"]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"optimizer": "adamw", "learning_rates": [0.01]},
        {"augmentation": ["crop", "flip"], "balanced": True},
        {"epochs": 5, "early_stopping": 1},
        {"precision": "bfloat16"},
    ],
    ids=["plain", "adamw", "augmented", "early stopping", "mixed precision"],
)
def test_steps_that_read_their_number_from_the_device_train_alike(make_task, monkeypatch, changes):
    task = make_task(**changes)
    expected = train([CE, MSE], task, [0.1, 0.1], 1, per_epoch=True)
    monkeypatch.setattr(together_module, "Steps", StepsOnDevice)
    for one, other in zip(expected, train([CE, MSE], task, [0.1, 0.1], 1, True), strict=True):
        assert (one.status, one.reason, one.steps) == (other.status, other.reason, other.steps)
        # A rate on the device has single precision.
        assert other.curve == pytest.approx(one.curve, abs=0.02)
        assert other.training_loss == pytest.approx(one.training_loss, rel=1e-2)
        assert other.training_accuracy == pytest.approx(one.training_accuracy, abs=0.02)
        assert other.validation_accuracies == pytest.approx(one.validation_accuracies, abs=0.02)


def test_a_pause_and_a_divergence_are_seen_by_steps_on_the_device_too(make_task, monkeypatch):
    monkeypatch.setattr(together_module, "Steps", StepsOnDevice)
    task = make_task(epochs=3)
    whole = Training(CE, task, 0.2, 0).finish()
    paused = Training(CE, task, 0.2, 0)
    for segments in (1, 2, 7, 11):
        paused.advance(segments)
    assert paused.finish().curve == whole.curve
    assert paused.result.validation_accuracy == whole.validation_accuracy

    class Bomb(nn.Module):
        """Cross entropy, but NaN at its sixth call, which is in the second epoch."""

        calls = 0

        def forward(self, logits, targets):
            self.calls += 1
            return CE(logits, targets) * (float("nan") if self.calls == 6 else 1)

    result = Training(Bomb(), task, 0.2, 0).finish()
    assert (result.status, result.steps) == ("diverged", 5)
    assert result.reason == "the loss is not finite in epoch 2"


class Narrow(nn.Module):
    """A network with memory for so many images at once, in the place of a GPU that is too small."""

    def __init__(self, network, most):
        super().__init__()
        self.network, self.most, self.shown = network, most, []

    def forward(self, images):
        if len(images) > self.most:
            raise torch.cuda.OutOfMemoryError("too many images")
        self.shown.append(len(images))
        return self.network(images)


def test_validation_halves_its_chunks_until_they_fit(make_task):
    task = make_task(training_images=None)
    network = initial_network(task, 0)
    narrow = Narrow(network, 100)
    expected = logits_of(network, task.validation)
    torch.testing.assert_close(logits_of(narrow, task.validation), expected)
    assert narrow.shown[0] == 64
    assert sum(narrow.shown) == len(task.validation)
    with pytest.raises(torch.cuda.OutOfMemoryError):
        logits_of(Narrow(network, 0), task.validation)


def test_too_little_memory_for_all_side_by_side_trains_half_of_them_at_a_time(
    make_task, monkeypatch, capsys
):
    task = make_task()
    alone = [expression_training(text, task, 0.1, 1).finish() for text in TEXTS]
    forward = StackedModel.forward

    def narrow(self, images, targets):
        """Run out of memory above two networks, as a GPU that is too small would."""
        if self.members > 2:
            raise torch.cuda.OutOfMemoryError("too many networks")
        return forward(self, images, targets)

    monkeypatch.setattr(StackedModel, "forward", narrow)
    together = [expression_training(text, task, 0.1, 1) for text in TEXTS]
    assert side_by_side(together, 4) == 4
    assert len(together[0].advance(5)) >= 5
    for one, other in zip(alone, [training.finish() for training in together], strict=True):
        assert (one.status, one.steps, len(one.curve)) == (
            other.status,
            other.steps,
            len(other.curve),
        )
        assert other.validation_accuracy == pytest.approx(one.validation_accuracy, abs=0.02)
    assert "4 trainings at once: now 2" in capsys.readouterr().out


def test_one_training_that_does_not_fit_has_failed(make_task):
    class Large(nn.Module):
        """A loss that never fits into memory."""

        def forward(self, logits, targets):
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB.")

    result = Training(Large(), make_task(), 0.1, 0).finish()
    assert (result.status, result.steps) == ("failed", 0)
    assert result.reason == "out of GPU memory: CUDA out of memory. Tried to allocate 20 GiB."


def test_mixed_precision_finds_the_accuracy_of_float32(make_task):
    task = make_task(training_images=None, epochs=8, batch_size=32)
    mixed = make_task(training_images=None, epochs=8, batch_size=32, precision="bfloat16")
    (result,) = train([CE], task, [0.2], 0)
    (accuracy,) = validation_accuracy(result.network, mixed, mixed.validation)
    # One image of 299 is a third of a point.
    assert accuracy == pytest.approx(result.validation_accuracy, abs=1.5 / len(task.validation))


def test_a_loss_may_be_of_double_precision(make_task, monkeypatch):
    class Double(nn.Module):
        """Cross entropy computed in double precision, as a user's loss may be."""

        def forward(self, logits, targets):
            return CE(logits.double(), targets)

    task = make_task()
    expected = Training(Double(), task, 0.1, 0).finish()
    monkeypatch.setattr(together_module, "Steps", StepsOnDevice)
    result = Training(Double(), task, 0.1, 0).finish()
    assert result.training_loss == pytest.approx(expected.training_loss, rel=1e-3)


def test_a_compiled_network_trains_as_it_does_uncompiled(make_task, monkeypatch):
    """It takes seven seconds, most of them for loading torch's compiler."""
    compiled = []
    compiler = torch.compile

    def noted(network, **options):
        """Compile as usual, and note that it happened."""
        compiled.append(network)
        return compiler(network, **options)

    task = make_task()
    plain = Training(CE, task, 0.1, 0, per_epoch=True).finish()
    monkeypatch.setattr(models_module, "COMPILER", "aot_eager")  # no C compiler is needed
    monkeypatch.setattr(torch, "compile", noted)
    monkeypatch.setenv("EVOLOSS_COMPILE", "1")
    result = Training(CE, task, 0.1, 0, per_epoch=True).finish()
    assert len(compiled) == 1
    assert result.curve == pytest.approx(plain.curve, abs=0.02)
    assert result.validation_accuracies == pytest.approx(plain.validation_accuracies, abs=0.02)
    assert result.training_loss == pytest.approx(plain.training_loss, rel=1e-3)
    assert isinstance(result.network, nn.Sequential)  # not what the compiler wraps it in
