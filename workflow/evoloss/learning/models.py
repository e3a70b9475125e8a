"""What takes a training step: one network with its loss, or K small ones side by side."""

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
"""Environment variable of a job: 1 where networks that train alone are to be compiled."""
COMPILER = "inductor"
SMALLEST_CHUNK = 64
"""Images that networks side by side are shown at once in validation, however many they are."""


def initial_network(task: Task, seed: int) -> nn.Module:
    """The task's network with the weights that `seed` decides, on the device."""
    with torch.random.fork_rng(devices=[]):
        # Not torch.manual_seed, which would seed GPUs too: a training may be under way there.
        torch.default_generator.manual_seed(derive_seed("weights", seed))
        network = build(task.settings.network, task.shape, task.classes)
    return network.to(task.device, memory_format=torch.channels_last)


class Model:
    """What trains: a module `network` of `members` networks."""

    network: nn.Module
    members: int
    _compiled: Callable | None = None

    def copy(self) -> Self:
        """The same with networks of its own, not compiled."""
        other = copy.copy(self)
        other.network, other._compiled = copy.deepcopy(self.network), None
        return other


class OneModel(Model):
    """A network and its loss."""

    members = 1

    def __init__(self, network: nn.Module, loss: nn.Module, task: Task) -> None:
        self.network, self._loss, self._task = network, loss, task
        if os.environ.get(COMPILE) == "1":
            self._compiled = torch.compile(network, backend=COMPILER, dynamic=False)

    def forward(self, images: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, Callable]:
        """Logits (n, C), the loss (), and what computes the gradients."""
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
        """The network, with other weights where a state is given."""
        if state is not None:
            self.network.load_state_dict(state)
        return self.network


class StackedModel(Model):
    """K networks of the same first weights side by side, each with its own loss."""

    def __init__(self, losses: Sequence[nn.Module], task: Task, seed: int) -> None:
        self._task, self._seed = task, seed
        self.members = len(losses)
        self.network = stack(initial_network(task, seed), len(losses))
        self._tables = LossTables(losses, task.settings.batch_size, task.device)

    def forward(self, images: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, Callable]:
        """Logits (K, n, C), the losses (K,), and what computes the gradients."""
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
        """Go on with these networks alone."""
        keep(self.network, numbers)
        self._tables.keep(numbers)
        self.members = len(numbers)

    def state(self, number: int) -> dict[str, Any]:
        """Weights and statistics of one network."""
        return state_of(self.network, number)

    def trained(self, number: int, state: dict[str, Any] | None) -> nn.Module:
        """One network by itself, with other weights where a state is given."""
        network = initial_network(self._task, self._seed)
        network.load_state_dict(state or self.state(number), strict=False)
        return network
