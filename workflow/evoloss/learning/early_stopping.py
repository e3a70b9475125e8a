"""Early stopping (off by default): end a training that no longer improves, and keep its best epoch."""

from collections.abc import Callable
from typing import Any


class BestEpoch:
    """The best epoch so far. Without `patience` (epochs) it remembers nothing and never stops."""

    def __init__(self, patience: int | None) -> None:
        self.patience = patience
        self.epoch = 0
        self._seen = 0
        self._accuracy = -1.0
        self.state: dict[str, Any] | None = None
        """The weights and statistics of the best epoch; None without `patience`."""

    def see(self, accuracy: float, state: Callable[[], dict[str, Any]]) -> None:
        """Note an epoch's validation accuracy, and its state if it is the best so far; ties keep the earlier epoch."""
        self._seen += 1
        if self.patience and accuracy > self._accuracy:
            self.epoch, self._accuracy = self._seen, accuracy
            self.state = state()

    def is_over(self) -> bool:
        """Whether `patience` epochs have passed without a better one."""
        return bool(self.patience) and self._seen - self.epoch >= self.patience
