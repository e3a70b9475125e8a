"""Builds a network by its name (a module of `networks/`), or a user's own network from `some.module:function`."""

import importlib
from collections.abc import Callable

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from evoloss.errors import UserError
from evoloss.learning.settings import NETWORK_NAMES

Shape = tuple[int, int, int]
"""Channels, height, width."""


def build(name: str, shape: Shape, classes: int) -> nn.Module:
    """A freshly initialised network that maps images (n, *shape) to logits (n, classes).

    `name` is one of NETWORK_NAMES or `module:function`. Raises UserError when it cannot be imported, fails, has no
    parameters, or does not give logits of the right shape.
    """
    if name in NETWORK_NAMES:
        return importlib.import_module(f"evoloss.learning.networks.{name}").build(shape, classes)
    function = _imported(name)
    try:
        network = function(shape, classes)
    except Exception as error:  # whatever a user's function may raise
        raise UserError(f"network {name!r} fails on shape {shape}: {_told(error)}") from error
    _test_shape(name, network, shape, classes)
    return network


def size_of(network: nn.Module, shape: Shape) -> tuple[int, int]:
    """The number of trainable parameters, and of multiply-adds in one image's forward pass (half of the floating-point
    operations that torch counts, in convolutions and matrix products)."""
    parameters = sum(p.numel() for p in network.parameters() if p.requires_grad)
    device = next((p.device for p in network.parameters()), torch.device("cpu"))
    was_training = network.training
    network.eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, *shape, device=device))
    network.train(was_training)
    return parameters, counter.get_total_flops() // 2


def _imported(name: str) -> Callable[[Shape, int], nn.Module]:
    module, _, function = name.partition(":")
    if not function:
        raise UserError(
            f"unknown network {name!r}; there are {', '.join(NETWORK_NAMES)}, or write module:function"
        )
    try:
        return getattr(importlib.import_module(module), function)
    except Exception as error:  # a user's module may raise anything
        raise UserError(f"network {name!r} cannot be imported: {_told(error)}") from None


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]


def _test_shape(name: str, network: object, shape: Shape, classes: int) -> None:
    if not isinstance(network, nn.Module):
        raise UserError(
            f"network {name!r} must return a torch.nn.Module, got {type(network).__name__}"
        )
    if not any(p.requires_grad for p in network.parameters()):
        raise UserError(f"network {name!r} has no parameters to train")
    was_training = network.training
    network.to(memory_format=torch.channels_last).eval()
    try:
        with torch.no_grad():
            logits = network(torch.zeros(2, *shape).to(memory_format=torch.channels_last))
    except Exception as error:
        raise UserError(
            f"network {name!r} fails on images (2, {', '.join(map(str, shape))}) in channels-last "
            f"order: {_told(error)}"
        ) from error
    network.train(was_training)
    if tuple(logits.shape) != (2, classes):
        raise UserError(
            f"network {name!r} must map images (2, {', '.join(map(str, shape))}) to logits "
            f"(2, {classes}), got {tuple(logits.shape)}"
        )
