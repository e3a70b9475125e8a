"""A loss on one-hot labels, looked up in a table instead of computed.

With one-hot y a loss is two functions of log p, one for y = 0 and one for y = 1. One backward pass through the
expression tabulates the slopes of both; training steps need no further one.
"""

from collections.abc import Sequence
from functools import lru_cache

import torch
from torch.nn import functional

from evoloss.losses.expression_loss import ExpressionLoss

POINTS, FARTHEST = 8193, 32.0
"""A loss is tabulated at POINTS evenly spaced log-odds of p from -FARTHEST to FARTHEST, far beyond the cliffs that
the guards of primitives (1e-7) make. Beyond the table, a loss continues with the slope at the table's end."""


@lru_cache(maxsize=1)
def tabulated() -> tuple[torch.Tensor, torch.Tensor]:
    """The log p and y (2, POINTS) at which a loss is tabulated."""
    log_p = functional.logsigmoid(torch.linspace(-FARTHEST, FARTHEST, POINTS)).repeat(2, 1)
    return log_p, torch.tensor([[0.0], [1.0]]).expand_as(log_p)


def places(log_p: torch.Tensor, p: torch.Tensor) -> torch.Tensor:
    """The fractional index of log p in the table; below 0 or above POINTS - 1 outside the table.

    It is infinite for p = 1.
    """
    log_odds = log_p - torch.log1p(-p)
    return log_odds.mul_((POINTS - 1) / (2 * FARTHEST)).add_((POINTS - 1) / 2)


class LossTables:
    """K losses on batches of n samples, one for each of K networks, interpolated linearly in the table.

    Away from poles and cliffs, values and slopes are within 1e-5 of the exact ones.
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
        """Keep only the losses with these indices."""
        chosen = torch.tensor(members, device=self._values.device)
        self._values, self._slopes = self._values[chosen], self._slopes[chosen]
        self._starts = self._starts[: len(members)]

    def at(self, logits: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The mean losses (K,) of logits (K, n, C) with targets (n,), and their gradients (K, n, C).

        Logits that are not finite give a loss that is not finite.
        """
        log_p = torch.log_softmax(logits, dim=2)
        p = log_p.exp()
        # A nan may get any place, because `0 * p` below makes its loss nan again.
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
        # Below log p = -FARTHEST, where the table begins, a loss continues as a straight line.
        values = values + self._n * slopes * (log_p + FARTHEST).clamp_max_(0)
        gradient = slopes - p * slopes.sum(dim=2, keepdim=True)
        return (values + 0 * p).sum(dim=2).mean(dim=1), gradient
