"""Trainings side by side give what each of them gives alone, to within rounding."""

import pytest
import torch
from torch import nn

from evoloss.expressions.parsing import parse
from evoloss.learning.expression_training import expression_training
from evoloss.learning.models import initial_network
from evoloss.learning.network import build
from evoloss.learning.stacking import NotStackable, keep, stack, state_of
from evoloss.learning.training import Training, side_by_side
from evoloss.losses.expression_loss import ExpressionLoss
from evoloss.losses.slope_table import LossTables
from evoloss.seeds import derive_seed

TEXTS = [
    "-(y * log(p))",
    "square(p - y)",
    "abs(p - y)",
    "exp(y - p) * (1 - p)",
    "-log(1.5 * p) * (y + 0.01 * p)",
    "cos(p) * y + 2 * square(p - y)",
    "sqrt(aq(1 - p, p)) * y",
]


def trainings(task, texts=TEXTS, seed=1):
    """A training of each expression on the task, from the same seed."""
    return [expression_training(text, task, 0.1, seed) for text in texts]


def finished(members):
    """Train all to the end."""
    return [member.finish() for member in members]


def plain(shape, classes):
    """A convolutional network without batch norm, of a user's own."""
    side = (shape[1] + 1) // 2 * ((shape[2] + 1) // 2)
    return nn.Sequential(
        nn.Conv2d(shape[0], 4, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2, ceil_mode=True),
        nn.Flatten(),
        nn.Linear(4 * side, 16),
        nn.ReLU(),
        nn.Linear(16, classes),
    )


def test_two_losses_train_side_by_side(make_task):
    members = trainings(make_task(), ["-(y * log(p))", "square(p - y)"])
    assert side_by_side(members, 16) == 2
    for result in finished(members):
        assert (result.status, result.steps) == ("completed", 8)


@pytest.mark.parametrize(
    "changes",
    [
        {"network": "convnet"},
        {"network": "mlp"},
        {"network": "convnet", "optimizer": "adamw", "learning_rates": [0.01]},
        {"network": f"{__name__}:plain", "augmentation": ["crop", "flip"]},
        {"network": "convnet", "epochs": 6, "early_stopping": 1, "balanced": True},
        {"network": "convnet", "training_images": 64, "epochs": 40, "early_stopping": 1},
    ],
    ids=["sgd", "mlp", "adamw", "own network", "early stopping", "stopping within a segment"],
)
def test_trainings_side_by_side_end_as_they_do_one_by_one(make_task, changes):
    task = make_task(**changes)
    alone, together = finished(trainings(task)), trainings(task)
    assert side_by_side(together, 16) == len(TEXTS)
    validation = len(task.validation)
    for one, other in zip(alone, finished(together), strict=True):
        assert (one.status, one.steps) == (other.status, other.steps)
        assert one.reason == other.reason
        assert one.validation_samples == other.validation_samples
        assert other.validation_accuracy == pytest.approx(
            one.validation_accuracy, abs=4 / validation
        )
        assert other.curve == pytest.approx(one.curve, abs=0.03)
        assert other.training_loss == pytest.approx(one.training_loss, rel=0.01, abs=0.002)
        for name, value in one.network.state_dict().items():
            own = other.network.state_dict()[name]
            if value.is_floating_point():
                torch.testing.assert_close(own, value, atol=0.02, rtol=0.02)


def test_a_race_stops_some_and_leaves_the_others_alone(make_task):
    task = make_task(epochs=4)
    alone, together = trainings(task), trainings(task)
    side_by_side(together, 16)
    for members in (alone, together):
        for segments, stopped in ((3, [1, 4]), (6, [0]), (9, [5])):
            for member in members:
                member.advance(segments)
            for number in stopped:
                members[number].stop("lost")
    for one, other in zip(finished(alone), finished(together), strict=True):
        assert (one.status, one.reason, one.steps) == (other.status, other.reason, other.steps)
        assert len(one.curve) == len(other.curve)
        assert other.curve == pytest.approx(one.curve, abs=0.05)
        assert (one.validation_accuracy is None) == (other.validation_accuracy is None)
        if one.validation_accuracy is not None:
            assert other.validation_accuracy == pytest.approx(one.validation_accuracy, abs=0.02)


def test_a_training_that_diverges_takes_no_other_along(make_task):
    task = make_task(epochs=3)
    texts = [TEXTS[0], "-(y * log(p))", TEXTS[1]]
    alone, together = trainings(task, texts), trainings(task, texts)
    for members in (alone, together):
        members[1].loss.factor = float("inf")
    assert side_by_side(together, 3) == 3
    for one, other in zip(finished(alone), finished(together), strict=True):
        assert (one.status, one.reason, one.steps) == (other.status, other.reason, other.steps)
    assert [member.result.status for member in together] == ["completed", "diverged", "completed"]


def test_only_what_is_alike_trains_side_by_side_and_no_more_than_asked(make_task):
    task = make_task()
    members = trainings(task)
    assert side_by_side(members, 3) == 3
    assert len({id(member.together) for member in members}) == 3  # of seven: 3, 3 and 1
    others = [*trainings(task, TEXTS[:2], seed=1), *trainings(task, TEXTS[:2], seed=2)]
    side_by_side(others, 16)
    assert len({id(member.together) for member in others}) == 2

    class Own(nn.Module):
        """A loss that is no expression."""

        def forward(self, logits, targets):
            return nn.functional.cross_entropy(logits, targets)

    assert side_by_side([Training(Own(), task, 0.1, 1) for _ in range(2)], 16) == 1
    deep = make_task(network="mobilenet_v3_small")
    assert side_by_side(trainings(deep, TEXTS[:2]), 16) == 1
    assert side_by_side(trainings(task), 1) == 1


def test_what_trainings_side_by_side_take_is_shared_out(make_task):
    task = make_task()
    together = trainings(task)
    side_by_side(together, 16)
    seconds = [result.seconds for result in finished(together)]
    assert seconds == pytest.approx([seconds[0]] * len(seconds), rel=0.05)


@pytest.mark.parametrize("name", ["convnet", "resnet9"])
def test_stacked_networks_compute_what_each_computes_alone(name):
    torch.manual_seed(0)
    networks = [build(name, (3, 12, 12), 5) for _ in range(3)]
    stacked = stack(networks[0], 3)
    with torch.no_grad():
        for number, network in enumerate(networks):
            for key, value in stacked.state_dict().items():
                value[number] = network.state_dict()[key]
    images = torch.randn(6, 3, 12, 12)
    for _ in range(2):  # the second time with other statistics
        for mode in (True, False):
            stacked.train(mode)
            logits = stacked(images)
            for number, network in enumerate(networks):
                network.train(mode)
                torch.testing.assert_close(logits[number], network(images), atol=1e-4, rtol=1e-4)
    for key, value in state_of(stacked, 2).items():
        torch.testing.assert_close(value, networks[2].state_dict()[key])
    keep(stacked, [0, 2])
    torch.testing.assert_close(stacked(images)[1], networks[2](images), atol=1e-4, rtol=1e-4)
    assert stacked(images).shape == (2, 6, 5)


def test_a_layer_of_another_kind_cannot_be_stacked():
    for layer in (nn.Dropout(0.5), nn.GroupNorm(2, 4), nn.Conv2d(4, 4, 3, groups=2)):
        with pytest.raises(NotStackable):
            stack(nn.Sequential(nn.Conv2d(1, 4, 3), layer), 2)


def test_losses_from_a_table_have_the_values_and_gradients_of_the_losses():
    losses = [ExpressionLoss(parse(text), factor=0.5 + k) for k, text in enumerate(TEXTS)]
    source = torch.Generator().manual_seed(derive_seed("tables"))
    logits = 3 * torch.randn(len(losses), 64, 10, generator=source)
    targets = torch.arange(64) % 10
    tables = LossTables(losses, 64, torch.device("cpu"))
    values, gradients = tables.at(logits, targets)
    for k, loss in enumerate(losses):
        own = logits[k].clone().requires_grad_()
        value = loss(own, targets)
        value.backward()
        torch.testing.assert_close(values[k], value.detach(), rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(gradients[k], own.grad, rtol=1e-3, atol=1e-6)
    tables.keep([1, 3])
    again, _ = tables.at(logits[[1, 3]], targets)
    torch.testing.assert_close(again, values[[1, 3]])
    logits[0, 0, 0] = float("nan")
    assert not bool(
        LossTables(losses, 64, torch.device("cpu")).at(logits, targets)[0][0].isfinite()
    )


def test_losses_from_a_table_go_on_beyond_its_end():
    """The table ends at log p = -32, and cross entropy's slope goes on."""
    losses = [ExpressionLoss(parse(text)) for text in ("-(y * log(p))", "abs(p - y)")]
    logits = (1e4 * torch.eye(10)[:2]).expand(2, 2, 10)
    targets = torch.tensor([1, 1])
    values, gradients = LossTables(losses, 2, torch.device("cpu")).at(logits, targets)
    for k, loss in enumerate(losses):
        own = logits[k].clone().requires_grad_()
        value = loss(own, targets)
        value.backward()
        torch.testing.assert_close(values[k], value.detach(), rtol=1e-6, atol=1e-4)
        torch.testing.assert_close(gradients[k], own.grad, rtol=1e-6, atol=1e-6)


def test_networks_side_by_side_start_from_the_seeds_weights(make_task):
    task = make_task()
    stacked = stack(initial_network(task, 3), 4)
    for number in range(4):
        for key, value in state_of(stacked, number).items():
            assert torch.equal(value, initial_network(task, 3).state_dict()[key])
