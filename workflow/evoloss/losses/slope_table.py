"""A loss on one-hot labels, looked up in a table instead of computed.

With one-hot y a loss is two functions of log p, for y = 0 and for y = 1. One backward pass through the
expression tabulates the slopes of both, and no step needs another.
"""

from collections.abc import Sequence
from functools import lru_cache

import torch
from torch.nn import functional

from evoloss.losses.expression_loss import ExpressionLoss

POINTS, FARTHEST = 8193, 32.0
"""A loss is tabulated at so many log-odds of p, even between this one and its negative: far beyond
where the guards of primitives (1e-7) make cliffs. Beyond the table a loss goes on with the slope of its end."""


@lru_cache(maxsize=1)
def tabulated() -> tuple[torch.Tensor, torch.Tensor]:
    """The log p and y (2, POINTS) at which a loss is tabulated."""
    log_p = functional.logsigmoid(torch.linspace(-FARTHEST, FARTHEST, POINTS)).repeat(2, 1)
    return log_p, torch.tensor([[0.0], [1.0]]).expand_as(log_p)


def places(log_p: torch.Tensor, p: torch.Tensor) -> torch.Tensor:
    """Where log p lies in the table, between its points; below 0 and above POINTS - 1 outside of it.

    The log-odds of p = 1 are infinite.
    """
    log_odds = log_p - torch.log1p(-p)
    return log_odds.mul_((POINTS - 1) / (2 * FARTHEST)).add_((POINTS - 1) / 2)


class LossTables:
    """K losses of batches of n samples on the logits of K networks at once, between two points of the
    table on a straight line.

    Away from poles and cliffs that is within 1e-5 of the loss and its slope.
    """

    def __init__(self, losses: Sequence[ExpressionLoss], n: int, device: torch.device) -> None:
        log_p, y = tabulated()
        with torch.no_grad():
            values = torch.stack([loss.factor * loss.elementwise(log_p, y) for loss in losses])
        slopes = torch.stack([loss.slope(log_p, y, loss.factor / n) for loss in losses])
        self._values, self._slopes = values.to(device), slopes.to(device)
        self._n = n
        first = torch.arange(len(losses), device=device)[:, None, None]
        self._starts = first * 2 * POINTS

    def keep(self, members: Sequence[int]) -> None:
        """Forget all losses but those with these numbers."""
        chosen = torch.tensor(members, device=self._values.device)
        self._values, self._slopes = self._values[chosen], self._slopes[chosen]
        self._starts = self._starts[: len(members)]

    def at(self, logits: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The mean losses (K,) of logits (K, n, C) with targets (n,), and their gradients (K, n, C).

        Logits that are not finite have a loss that is not.
        """
        log_p = torch.log_softmax(logits, dim=2)
        p = log_p.exp()
        # The place of nan is any, since it comes back with p.
        place = places(log_p, p).clamp_(0, POINTS - 1).nan_to_num_(0)
        below = place.floor().clamp_(max=POINTS - 2)
        share = place - below
        classes = torch.arange(logits.shape[2], device=logits.device)
        own = (targets[:, None] == classes) * POINTS
        index = below.long().add_(self._starts).add_(own)
        values, slopes = (
            torch.lerp(table.take(index), table.take(index + 1), share)
            for table in (self._values, self._slopes)
        )
        # The table begins at log p = -FARTHEST.
        values = values + self._n * slopes * (log_p + FARTHEST).clamp_max_(0)
        gradient = slopes - p * slopes.sum(dim=2, keepdim=True)
        return (values + 0 * p).sum(dim=2).mean(dim=1), gradient
