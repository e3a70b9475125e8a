"""Networks by name, and a user's own as `some.module:function`."""

import importlib
from collections.abc import Callable

import torch
from torch import nn

from evoloss.errors import UserError

Shape = tuple[int, int, int]
"""Channels, height, width."""


def convnet(shape: Shape, classes: int) -> nn.Module:
    """A small network for CPUs: three 3x3 convolutions of 8, 16 and 32 channels, each with batch
    norm and ReLU, max pooling after the first two, global average pooling and a linear layer."""
    layers: list[nn.Module] = []
    channels = shape[0]
    for width, pool in ((8, True), (16, True), (32, False)):
        layers += [
            nn.Conv2d(channels, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
        ]
        if pool:
            layers.append(nn.MaxPool2d(2, ceil_mode=True))
        channels = width
    return nn.Sequential(
        *layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes)
    )


NETWORKS: dict[str, Callable[[Shape, int], nn.Module]] = {"convnet": convnet}


def build(name: str, shape: Shape, classes: int) -> nn.Module:
    """A freshly initialised network that maps images (n, *shape) to logits (n, classes).

    `name` is one of NETWORKS or `module:function`. Raises UserError when it cannot be imported or
    gives something else than logits of the right shape.
    """
    network = (NETWORKS.get(name) or _imported(name))(shape, classes)
    if name not in NETWORKS:
        _test_shape(name, network, shape, classes)
    return network


def _imported(name: str) -> Callable[[Shape, int], nn.Module]:
    module, _, function = name.partition(":")
    if not function:
        raise UserError(
            f"unknown network {name!r}; there are {', '.join(NETWORKS)}, or write module:function"
        )
    try:
        return getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, SyntaxError) as error:
        raise UserError(f"network {name!r} cannot be imported: {error}") from None


def _test_shape(name: str, network: object, shape: Shape, classes: int) -> None:
    if not isinstance(network, nn.Module):
        raise UserError(
            f"network {name!r} must return a torch.nn.Module, got {type(network).__name__}"
        )
    was_training = network.training
    network.to(memory_format=torch.channels_last).eval()
    try:
        with torch.no_grad():
            logits = network(torch.zeros(2, *shape).to(memory_format=torch.channels_last))
    except Exception as error:
        raise UserError(
            f"network {name!r} fails on images (2, {', '.join(map(str, shape))}) in channels-last "
            f"order: {type(error).__name__}: {str(error).splitlines()[0]}"
        ) from error
    network.train(was_training)
    if tuple(logits.shape) != (2, classes):
        raise UserError(
            f"network {name!r} must map images (2, {', '.join(map(str, shape))}) to logits "
            f"(2, {classes}), got {tuple(logits.shape)}"
        )
