"""Trainings: they learn, repeat bit by bit, and say what became of a loss or network that misbehaves."""

import subprocess
import sys
import time

import pytest
import torch
from torch import nn
from toy_losses import CE, MSE, Bomb

from evoloss.errors import UserError
from evoloss.learning.accuracy import balanced_accuracy, mean_margin, top1_accuracy
from evoloss.learning.device import choose_device
from evoloss.learning.evaluation import accuracy, logits_of
from evoloss.learning.models import initial_network
from evoloss.learning.optimizers import Optimizer, rate_multiple
from evoloss.learning.rate_sweep import sweep
from evoloss.learning.settings import TaskSettings
from evoloss.learning.training import train
from evoloss.losses.expression_loss import CROSS_ENTROPY, ExpressionLoss
from evoloss.time_limit import TRAINING_SECONDS


def weights(result):
    """All weights of a trained network, as one vector."""
    return torch.cat([p.flatten() for p in result.network.parameters()])


def test_a_training_learns_the_digits_and_tells_what_it_took(make_task):
    task = make_task(training_images=None, epochs=6)
    (result,) = train([CE], task, [0.2], 0, per_epoch=True)
    assert result.validation_accuracy > 0.9
    assert len(result.training_loss) == len(result.training_accuracy) == 6
    assert result.validation_accuracies[-1] == result.validation_accuracy
    assert result.training_loss[-1] < result.training_loss[0]
    assert result.steps == 6 * (898 // 64)  # whole batches of 64, of 898 training images
    assert result.training_samples == result.steps * 64
    assert result.validation_samples == 6 * 300
    assert result.seconds > 0
    assert result.peak_memory_bytes > 2**20


def test_a_training_repeats_bit_by_bit_and_its_seed_matters(make_task):
    task = make_task()
    first, again, other = (train([CE], task, [0.2], seed)[0] for seed in (1, 1, 2))
    assert torch.equal(weights(first), weights(again))
    assert first.validation_accuracy == again.validation_accuracy
    assert not torch.equal(weights(first), weights(other))


def test_company_does_not_change_a_training(make_task):
    task = make_task()
    torch.rand(7)  # the global generator is nobody's business
    together = train([MSE, CE], task, [0.1, 0.2], 1)[1]
    assert torch.equal(weights(together), weights(train([CE], task, [0.2], 1)[0]))


@pytest.mark.parametrize(
    "changes",
    [
        {"optimizer": "adamw"},
        {"schedule": "cosine"},
        {"augmentation": ["crop", "flip"]},
        {"precision": "bfloat16"},
    ],
)
def test_every_option_trains(make_task, changes):
    task = make_task(training_images=None, epochs=4, **changes)
    rate = 0.01 if changes.get("optimizer") == "adamw" else 0.2
    (result,) = train([CE], task, [rate], 0)
    assert result.status == "completed"
    assert result.validation_accuracy > 0.4


def dropout_network(shape, classes):
    """A network that draws random numbers of its own."""
    return nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(64, classes))


def test_a_networks_own_randomness_is_the_seeds_too(make_task):
    task = make_task(network=f"{__name__}:dropout_network")
    alone = train([CE], task, [0.1], 1)[0]
    torch.rand(5)
    assert torch.equal(weights(alone), weights(train([Bomb(), CE], task, [0.1, 0.1], 1)[1]))


def test_a_training_stops_at_the_first_loss_that_is_not_finite(make_task):
    (result,) = train([Bomb()], make_task(), [0.1], 0)
    assert (result.status, result.steps, result.training_samples) == ("diverged", 2, 128)
    assert "not finite in epoch 1" in result.reason
    assert result.validation_accuracy is None
    assert result.network is None


class Raises(nn.Module):
    """A loss that reseeds the global generator and raises at its third call."""

    def __init__(self, what):
        super().__init__()
        self.what, self.calls = what, 0

    def forward(self, logits, targets):
        self.calls += 1
        if self.calls == 3:
            torch.manual_seed(99)
            raise self.what
        return ExpressionLoss(CROSS_ENTROPY)(logits, targets)


@pytest.mark.parametrize(
    "what",
    [ValueError("not today,\nnot ever"), SystemExit(0), MemoryError(), RecursionError("deep")],
)
def test_a_training_that_raises_has_failed_and_its_neighbours_go_on(make_task, what):
    task = make_task()
    before, raising, after = train([CE, Raises(what), CE], task, [0.1] * 3, 0)
    assert raising.status == "failed"
    assert raising.reason.startswith(type(what).__name__)
    assert "\n" not in raising.reason
    assert raising.validation_accuracy is None
    assert before.status == after.status == "completed"
    assert torch.equal(weights(before), weights(after))


class Fussy(nn.Module):
    """A network that takes no batch of more than two images."""

    def __init__(self, classes):
        super().__init__()
        self.linear = nn.Linear(64, classes)

    def forward(self, images):
        if len(images) > 2:
            raise ValueError("too many")
        return self.linear(images.flatten(1))


def fussy(shape, classes):
    """A network by the name that a task gives it."""
    return Fussy(classes)


def test_a_network_that_raises_fails_and_a_sweep_of_such_gets_a_sentence(make_task):
    task = make_task(network=f"{__name__}:fussy")
    (result,) = train([CE], task, [0.1], 0)
    assert (result.status, result.reason) == ("failed", "ValueError: too many")
    found = sweep(CE, "cross_entropy", lambda k: task, [0.1, 0.2], [0])
    assert found.trouble == "cross_entropy: no training can be made: ValueError: too many"
    assert [row["status"] for row in found.rows] == ["failed", "failed"]


class Hangs(nn.Module):
    """A loss that never comes back from its third call, and swallows every exception meanwhile."""

    calls = 0

    def forward(self, logits, targets):
        self.calls += 1
        while self.calls == 3:
            try:
                time.sleep(0.01)
            except Exception:
                continue
        return ExpressionLoss(CROSS_ENTROPY)(logits, targets)


def test_a_training_that_hangs_has_failed_and_its_neighbours_go_on(make_task, monkeypatch):
    task = make_task()
    (alone,) = train([CE], task, [0.1], 0)
    monkeypatch.setenv(TRAINING_SECONDS, "2")
    before, hanging, after = train([CE, Hangs(), CE], task, [0.1] * 3, 0)
    assert hanging.status == "failed"
    assert hanging.reason == "took longer than machine.training_seconds, 2"
    assert hanging.validation_accuracy is None
    assert 2 <= hanging.seconds < 10
    assert torch.equal(weights(before), weights(alone))
    assert torch.equal(weights(after), weights(alone))


def test_a_job_whose_training_hangs_in_c_ends_with_a_sentence():
    code = (
        "import ctypes\nfrom evoloss.time_limit import last_resort\n"
        "with last_resort(1, 'it hangs'):\n"
        "    while True: ctypes.CDLL(None).sleep(100)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=50
    )
    assert (answer.returncode, answer.stdout) == (1, "error: it hangs\n")


def test_a_network_whose_weights_are_nan_has_diverged_and_has_no_accuracy(make_task):
    class LastStepPoison(nn.Module):
        """A loss that is finite at the last step, and makes the weights NaN there."""

        calls = 0

        def forward(self, logits, targets):
            self.calls += 1
            value = ExpressionLoss(CROSS_ENTROPY)(logits, targets)
            if self.calls == 8:  # the last step: a finite loss, then weights of nan
                logits.register_hook(lambda g: g * float("nan"))
            return value

    (result,) = train([LastStepPoison()], make_task(), [0.1], 0)
    assert result.status == "diverged"
    assert result.validation_accuracy is None


def test_common_random_numbers_start_all_losses_from_the_same_weights(make_task):
    first, second = (initial_network(make_task(), 3) for _ in range(2))
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_the_optimisers_are_torchs(optimizer, momentum):
    settings = TaskSettings.model_validate(
        {"dataset": "digits", "optimizer": optimizer, "momentum": momentum, "weight_decay": 0.01}
    )
    total, rate = 12, 0.05

    def model():
        """A layer that always starts from the same weights."""
        torch.manual_seed(0)
        return nn.Linear(5, 3)

    ours, theirs = model(), model()
    mine = Optimizer(ours.parameters(), settings, rate, total)
    if optimizer == "sgd":
        reference = torch.optim.SGD(
            theirs.parameters(),
            lr=rate,
            momentum=momentum,
            nesterov=momentum > 0,
            weight_decay=0.01,
        )
    else:
        reference = torch.optim.AdamW(theirs.parameters(), lr=rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        reference, lambda step: rate_multiple(settings, step, total)
    )
    inputs = torch.randn(20, 5)
    for now in mine.rates():
        for network, stepper in ((ours, mine), (theirs, reference)):
            stepper.zero_grad()
            network(inputs).square().mean().backward()
        mine.step(now)
        reference.step()
        schedule.step()
    torch.testing.assert_close(ours.weight, theirs.weight)


def test_schedules_rise_to_one_and_fall_to_zero():
    settings = TaskSettings.model_validate({"dataset": "digits", "warmup_fraction": 0.25})
    multiples = [rate_multiple(settings, step, 100) for step in range(100)]
    assert max(multiples) == pytest.approx(1, abs=0.01)
    assert multiples.index(max(multiples)) in (24, 25)
    assert multiples[0] < 0.05
    assert multiples[-1] < 0.01
    cosine = settings.model_copy(update={"schedule": "cosine"})
    assert rate_multiple(cosine, 0, 100) == 1
    assert rate_multiple(cosine, 50, 100) == pytest.approx(0.5)


def test_a_gpu_that_is_not_there_is_named():
    if torch.cuda.is_available():
        assert choose_device("auto").type == "cuda"
    else:
        assert choose_device("auto").type == "cpu"
        with pytest.raises(UserError, match="no CUDA GPU"):
            choose_device("cuda")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
def test_a_gpu_learns_too(data_folder):
    from evoloss.learning.task import load_task

    settings = TaskSettings.model_validate({"dataset": "digits", "epochs": 6, "batch_size": 64})
    task = load_task("gpu", settings, data_folder, choose_device("cuda"))
    first, again = (train([CE], task, [0.2], 0)[0] for _ in range(2))
    assert first.validation_accuracy > 0.9
    assert first.validation_accuracy == again.validation_accuracy


def test_early_stopping_ends_a_training_and_keeps_its_best_epoch(make_task):
    class Spoilt(nn.Module):
        """A loss that learns for three epochs of four steps, and then unlearns."""

        calls = 0

        def forward(self, logits, targets):
            self.calls += 1
            value = ExpressionLoss(CROSS_ENTROPY)(logits, targets)
            return value if self.calls <= 12 else -value

    settings = {"epochs": 20, "schedule": "cosine"}
    (result,) = train([Spoilt()], make_task(**settings, early_stopping=2), [0.2], 0)
    accuracies = result.validation_accuracies
    best = accuracies.index(max(accuracies)) + 1
    assert result.status == "completed"
    assert len(accuracies) == best + 2 < 20
    assert result.reason == f"stopped after epoch {best + 2}; epoch {best} was best"
    assert result.validation_accuracy == max(accuracies)
    task = make_task(**settings, early_stopping=2)
    assert accuracy(result.network, task.validation) == result.validation_accuracy
    assert result.steps == 4 * (best + 2)
    assert result.validation_samples == (best + 2) * len(task.validation)
    # Without early stopping the last epoch counts.
    (result,) = train([Spoilt()], make_task(**settings), [0.2], 0)
    assert result.steps == 80
    assert result.validation_accuracy < max(accuracies)


def test_input_noise_touches_the_training_images_alone(make_task):
    clean, noisy, again = make_task(), make_task(input_noise=0.5), make_task(input_noise=0.5)
    noise = noisy.train.images - clean.train.images
    assert float(noise.mean()) == pytest.approx(0, abs=0.02)
    assert float(noise.std()) == pytest.approx(0.5, rel=0.02)
    assert torch.equal(noisy.train.images, again.train.images)
    assert torch.equal(noisy.train.labels, clean.train.labels)
    assert torch.equal(noisy.validation.images, clean.validation.images)
    # The zeros that `crop` moves in get no noise.
    cropped = make_task(input_noise=0.5, augmentation=["crop"]).train.images
    assert float(cropped[:, 0].abs().max()) == 0
    assert torch.equal(cropped[:, 1:-1, 1:-1], noisy.train.images)


def test_a_fraction_of_the_images_may_be_asked_for(make_task):
    # There are 898 training images.
    assert len(make_task(training_images=0.5).train) == 449
    assert len(make_task(training_images=None).train) == 898
    assert len(make_task(training_images=1.0).train) == 898
    assert len(make_task(training_images=897).train) == 897


def test_balanced_accuracy_weighs_classes_alike(make_task):
    logits = torch.tensor([[1.0, 0.0, 0.0]] * 10)
    labels = torch.tensor([0] * 8 + [1] * 2)
    assert top1_accuracy(logits, labels) == pytest.approx(0.8)
    assert balanced_accuracy(logits, labels) == pytest.approx(0.5)
    task = make_task(balanced=True)
    (result,) = train([CE], task, [0.2], 0)
    expected = balanced_accuracy(logits_of(result.network, task.validation), task.validation.labels)
    assert result.validation_accuracy == expected


def test_the_margin_of_one_hot_logits_is_one_whatever_their_scale():
    labels = torch.tensor([0, 1, 2, 2])
    logits = 7 * torch.nn.functional.one_hot(labels, 3).double() + labels[:, None]
    assert mean_margin(logits, labels) == pytest.approx(1)
    assert mean_margin(logits, (labels + 1) % 3) == pytest.approx(-1)
    assert mean_margin(torch.tensor([[2.0, 1.0, 0.0]]), torch.tensor([0])) == pytest.approx(
        1 / (2 * 3 / 2) ** 0.5
    )
    # With two classes it is a mean over a root mean square, and not the share of right answers.
    two = torch.tensor([[1.0, 0.0], [0.0, -3.0]])
    assert mean_margin(two, torch.tensor([0, 0])) == pytest.approx(2 / 5**0.5)


def test_too_many_images_are_refused(make_task):
    with pytest.raises(UserError, match="training_images: 2000 is more than the 898"):
        make_task(training_images=2000)
    with pytest.raises(UserError, match="batch_size: 300 is more than the 256"):
        make_task(batch_size=300)
