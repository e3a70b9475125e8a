"""Networks by name and of a user's own, their sizes, and what is wrong with those that do not fit."""

import pkgutil

import pytest
import torch
from torch import nn
from toy_losses import CE

from evoloss.errors import UserError
from evoloss.learning import networks
from evoloss.learning.network import build, size_of
from evoloss.learning.settings import NETWORK_NAMES
from evoloss.learning.training import train

SMALL, LARGE = (3, 32, 32), (3, 96, 96)


def test_a_network_is_built_by_name_and_maps_images_to_logits():
    network = build("convnet", (1, 28, 28), classes=10)
    images = torch.randn(2, 1, 28, 28)
    assert network(images).shape == (2, 10)


def test_named_networks_are_the_modules_there_are():
    assert set(NETWORK_NAMES) == {module.name for module in pkgutil.iter_modules(networks.__path__)}


@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 28), SMALL, LARGE])
@pytest.mark.parametrize("name", NETWORK_NAMES)
def test_every_network_takes_every_shape_and_learns(name, shape):
    network = build(name, shape, 7).to(memory_format=torch.channels_last)
    images = torch.randn(2, *shape).to(memory_format=torch.channels_last)
    logits = network(images)
    assert logits.shape == (2, 7)
    logits.square().sum().backward()
    assert all(p.grad is not None for p in network.parameters())


@pytest.mark.parametrize(
    ("name", "parameters", "multiply_adds"),
    [
        # 3 * 9 * 8 + 8 * 9 * 16 + 16 * 9 * 32 weights, 2 * 56 of batch norm, 33 * 10 of the linear
        # layer; and 216 * 1024 + 1152 * 256 + 4608 * 64 + 320 products.
        ("convnet", 6_418, 811_328),
        # 864 + 18,432 + 73,728 weights, 2 * 224 of batch norm and 129 * 10; at 1024, 256 and 64 places.
        ("convnet_wide", 94_762, 884_736 + 4_718_592 + 4_718_592 + 1_280),
        # Two linear layers with biases.
        ("mlp", 3_072 * 128 + 128 + 1_290, 3_072 * 128 + 1_280),
        # The speed-runs' "6.57M parameters"; and kuangliu's pytorch-cifar: 11.17M, 0.56G.
        ("resnet9", 6_573_120, 379_261_952),
        ("resnet18", 11_173_962, 555_422_720),
        # torchvision's with 1000 classes, less 990 classes' weights (and a smaller first kernel).
        ("mobilenet_v3_small", 2_542_856 - 990 * 1025, None),
        ("googlenet", 6_624_904 - 990 * 1025 - 64 * 3 * (49 - 9), None),
    ],
)
def test_sizes_are_the_published_ones(name, parameters, multiply_adds):
    found = size_of(build(name, SMALL, 10), SMALL)
    assert found[0] == parameters
    assert multiply_adds in (None, found[1])


def own_network(shape, classes):
    """A network that fits."""
    return nn.Sequential(nn.Flatten(), nn.Linear(shape[0] * shape[1] * shape[2], classes))


def viewing_network(shape, classes):
    """A network that raises on images in channels-last order."""

    class Viewing(nn.Module):
        """A convolution whose outputs are viewed as rows, as much code does it."""

        def __init__(self):
            super().__init__()
            self.convolution = nn.Conv2d(shape[0], 4, 3)
            self.linear = nn.Linear(4 * 6 * 6, classes)

        def forward(self, images):
            return self.linear(self.convolution(images).view(len(images), -1))

    return Viewing()


def asserting_network(shape, classes):
    """A network that is made for three classes only."""
    assert classes == 3


def empty_network(shape, classes):
    """A network without parameters."""
    return nn.Flatten()


def wrong_network(shape, classes):
    """A network that gives one logit too many."""
    return nn.Sequential(nn.Flatten(), nn.Linear(shape[0] * shape[1] * shape[2], classes + 1))


def test_a_network_of_ones_own_trains_and_one_that_does_not_fit_gets_a_sentence(make_task):
    name = f"{__name__}:own_network"
    (result,) = train([CE], make_task(network=name), [0.1], 0)
    assert result.validation_accuracy > 0.3
    with pytest.raises(UserError, match=r"must map images \(2, 1, 8, 8\) to logits \(2, 10\)"):
        build(f"{__name__}:wrong_network", (1, 8, 8), 10)
    with pytest.raises(UserError, match="in channels-last order: RuntimeError: view size"):
        build(f"{__name__}:viewing_network", (1, 8, 8), 10)
    with pytest.raises(UserError, match="cannot be imported"):
        build(f"{__name__}:no_network", (1, 8, 8), 10)
    with pytest.raises(UserError, match=r"fails on shape \(1, 8, 8\): AssertionError"):
        build(f"{__name__}:asserting_network", (1, 8, 8), 10)
    with pytest.raises(UserError, match="has no parameters to train"):
        build(f"{__name__}:empty_network", (1, 8, 8), 10)
