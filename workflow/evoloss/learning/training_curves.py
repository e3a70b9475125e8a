"""What the steps of trainings that advance together gave, until a segment or an epoch ends."""

from collections.abc import Sequence

import torch

from evoloss.learning.accuracy import share_right


class TrainingCurves:
    """Losses and hits of the steps so far; members of a batch of trainings are numbered from 0."""

    def __init__(self) -> None:
        self._segment: list[
            tuple[torch.Tensor, torch.Tensor]
        ] = []  # who was right, and the targets
        self._epoch: list[tuple[torch.Tensor, torch.Tensor]] = []  # losses, and hits

    def add_step(self, right: torch.Tensor, targets: torch.Tensor) -> None:
        """A step of this segment: whether each member (rows) was right on each image, and the labels."""
        self._segment.append((right, targets))

    def add_steps(self, losses: torch.Tensor, right: torch.Tensor) -> None:
        """Steps of this epoch: losses (steps, members), and hits (steps, members, images)."""
        self._epoch.append((losses.double(), right.sum(dim=2)))

    def keep(self, members: Sequence[int]) -> None:
        """Forget all others, and number these anew."""
        self._segment = [(right[members], targets) for right, targets in self._segment]
        self._epoch = [(losses[:, members], hits[:, members]) for losses, hits in self._epoch]

    def accuracies(self, balanced: bool) -> list[float]:
        """Every member's accuracy in the steps of this segment so far."""
        rights, targets = (torch.stack(parts) for parts in zip(*self._segment, strict=True))
        return [
            share_right(right.flatten(), targets.flatten(), balanced)
            for right in rights.unbind(dim=1)
        ]

    def end_segment(self) -> None:
        """The next step begins another segment."""
        self._segment.clear()

    def end_epoch(self) -> tuple[list[float], list[int]]:
        """Every member's mean loss and number of hits in this epoch; the next step begins another."""
        losses, hits = (torch.cat(parts) for parts in zip(*self._epoch, strict=True))
        self._epoch.clear()
        means = [float(losses[:, k].mean()) for k in range(losses.shape[1])]
        return means, hits.sum(dim=0).tolist()
