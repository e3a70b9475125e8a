"""Losses and correct predictions of trainings that advance together, kept until a segment or an epoch ends."""

from collections.abc import Sequence

import torch

from evoloss.learning.accuracy import share_right


class TrainingCurves:
    """Losses and correct predictions so far; the trainings (members) are numbered from 0."""

    def __init__(self) -> None:
        self._segment: list[tuple[torch.Tensor, torch.Tensor]] = []  # correct or not; targets
        self._epoch: list[tuple[torch.Tensor, torch.Tensor]] = []  # losses; correct counts

    def add_step(self, right: torch.Tensor, targets: torch.Tensor) -> None:
        """Add a step to this segment: whether each member (rows) was right on each image (columns), and the labels."""
        self._segment.append((right, targets))

    def add_steps(self, losses: torch.Tensor, right: torch.Tensor) -> None:
        """Add steps to this epoch: losses (steps, members), and correct or not (steps, members, images)."""
        self._epoch.append((losses.double(), right.sum(dim=2)))

    def keep(self, members: Sequence[int]) -> None:
        """Drop all other members, and number these from 0."""
        self._segment = [(right[members], targets) for right, targets in self._segment]
        self._epoch = [(losses[:, members], hits[:, members]) for losses, hits in self._epoch]

    def accuracies(self, balanced: bool) -> list[float]:
        """Each member's accuracy over the steps of this segment so far."""
        rights, targets = (torch.stack(parts) for parts in zip(*self._segment, strict=True))
        return [
            share_right(right.flatten(), targets.flatten(), balanced)
            for right in rights.unbind(dim=1)
        ]

    def end_segment(self) -> None:
        """Begin a new segment with the next step."""
        self._segment.clear()

    def end_epoch(self) -> tuple[list[float], list[int]]:
        """Each member's mean loss and number of correct predictions in this epoch; the next step begins a new epoch."""
        losses, hits = (torch.cat(parts) for parts in zip(*self._epoch, strict=True))
        self._epoch.clear()
        means = [float(losses[:, k].mean()) for k in range(losses.shape[1])]
        return means, hits.sum(dim=0).tolist()
