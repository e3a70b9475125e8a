"""Early stopping: end a training that no longer improves, and keep its best epoch (off by default)."""

import copy
from typing import Any

from torch import nn


class BestEpoch:
    """The best epoch so far. Without `patience` (epochs) it remembers nothing and never stops."""

    def __init__(self, patience: int | None) -> None:
        self.patience = patience
        self.epoch = 0
        self._seen = 0
        self._accuracy = -1.0
        self._state: dict[str, Any] | None = None

    def see(self, accuracy: float, network: nn.Module) -> None:
        """Take note of an epoch's validation accuracy; of equals the earlier stays."""
        self._seen += 1
        if self.patience and accuracy > self._accuracy:
            self.epoch, self._accuracy = self._seen, accuracy
            self._state = copy.deepcopy(network.state_dict())

    def is_over(self) -> bool:
        """Whether `patience` epochs have passed without a better one."""
        return bool(self.patience) and self._seen - self.epoch >= self.patience

    def restore(self, network: nn.Module) -> None:
        """Give the network the weights of its best epoch."""
        if self._state is not None:
            network.load_state_dict(self._state)
