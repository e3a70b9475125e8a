"""What a training step acts on: one network with its loss, or K small networks side by side."""

import copy
import os
from collections.abc import Callable, Sequence
from typing import Any, Self

import torch
from torch import nn

from evoloss.learning.evaluation import EVALUATION_BATCH, validation_accuracy
from evoloss.learning.network import build
from evoloss.learning.precision import autocast
from evoloss.learning.stacking import keep, stack, state_of
from evoloss.learning.task import Part, Task
from evoloss.losses.slope_table import LossTables
from evoloss.seeds import derive_seed

COMPILE = "EVOLOSS_COMPILE"
"""Environment variable of a job: 1 compiles networks that train alone."""
COMPILER = "inductor"
SMALLEST_CHUNK = 64
"""Fewest images per validation chunk of networks side by side, however many networks there are."""


def initial_network(task: Task, seed: int) -> nn.Module:
    """The task's network with initial weights drawn from `seed`, on the device."""
    with torch.random.fork_rng(devices=[]):
        # torch.manual_seed would also seed the GPUs, where a training may be running.
        torch.default_generator.manual_seed(derive_seed("weights", seed))
        network = build(task.settings.network, task.shape, task.classes)
    return network.to(task.device, memory_format=torch.channels_last)


class Model:
    """A module `network` that holds `members` networks and trains them."""

    network: nn.Module
    members: int
    _compiled: Callable | None = None

    def copy(self) -> Self:
        """A copy with its own networks, not compiled."""
        other = copy.copy(self)
        other.network, other._compiled = copy.deepcopy(self.network), None
        return other


class OneModel(Model):
    """One network and its loss."""

    members = 1

    def __init__(self, network: nn.Module, loss: nn.Module, task: Task) -> None:
        self.network, self._loss, self._task = network, loss, task
        if os.environ.get(COMPILE) == "1":
            self._compiled = torch.compile(network, backend=COMPILER, dynamic=False)

    def forward(self, images: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, Callable]:
        """Logits (n, C), the loss (a scalar), and a function that computes the gradients."""
        with autocast(self._task.settings, self._task.device):
            logits = (self._compiled or self.network)(images)
        value = self._loss(logits, targets)
        return logits, value, value.backward

    def validate(self, part: Part) -> list[float]:
        """The network's accuracy on a part of the validation images."""
        return validation_accuracy(self.network, self._task, part)

    def state(self, number: int) -> dict[str, Any]:
        """Weights and statistics."""
        return {name: table.clone() for name, table in self.network.state_dict().items()}

    def trained(self, number: int, state: dict[str, Any] | None) -> nn.Module:
        """The network, with the weights of `state` if given."""
        if state is not None:
            self.network.load_state_dict(state)
        return self.network


class StackedModel(Model):
    """K networks with the same initial weights side by side, each with its own loss."""

    def __init__(self, losses: Sequence[nn.Module], task: Task, seed: int) -> None:
        self._task, self._seed = task, seed
        self.members = len(losses)
        self.network = stack(initial_network(task, seed), len(losses))
        self._tables = LossTables(losses, task.settings.batch_size, task.device)

    def forward(self, images: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, Callable]:
        """Logits (K, n, C), the losses (K,), and a function that computes the gradients."""
        with autocast(self._task.settings, self._task.device):
            logits = self.network(images)
        with torch.no_grad():
            values, gradient = self._tables.at(logits.detach().float(), targets)
        return logits, values, lambda: logits.backward(gradient.to(logits.dtype))

    def validate(self, part: Part) -> list[float]:
        """The accuracy of each network on a part of the validation images."""
        batch = max(SMALLEST_CHUNK, EVALUATION_BATCH // self.members)
        return validation_accuracy(self.network, self._task, part, batch)

    def keep(self, numbers: Sequence[int]) -> None:
        """Keep only the networks with these numbers."""
        keep(self.network, numbers)
        self._tables.keep(numbers)
        self.members = len(numbers)

    def state(self, number: int) -> dict[str, Any]:
        """Weights and statistics of one network."""
        return state_of(self.network, number)

    def trained(self, number: int, state: dict[str, Any] | None) -> nn.Module:
        """Network `number` as a network of its own, with the weights of `state` if given."""
        network = initial_network(self._task, self._seed)
        network.load_state_dict(state or self.state(number), strict=False)
        return network
