"""The choice of a learning rate: a sweep over a grid that grows, with a record of every training."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from torch import nn

from evoloss.learning.settings import TaskSettings
from evoloss.learning.task import Task, load_task
from evoloss.learning.training import train
from evoloss.seeds import split_seed, training_seed

OF_A_RESULT = ("validation_accuracy", "status", "training_samples", "seconds", "curve")
MOST_EXTENSIONS = 10
"""Most times that a grid grows in each direction: a factor of 2 ** 10 = 1024 in all."""
LEARNT = 0.1
"""A rate has taught the network nothing if its accuracy is below chance + LEARNT * (1 - chance), chance = 1 / classes.
If no rate has, the grid does not show in which direction to look."""


@dataclass(frozen=True)
class Sweep:
    """What a sweep found: the best rate, the rates tried, and one row per training.

    `at_edge`: the best rate is the lowest or highest tried, and the grid may not grow further.
    `trouble`: the reason if every training failed; then `rate` is the lowest rate and has no meaning.
    """

    rate: float
    grid: list[float]
    at_edge: bool
    rows: list[dict[str, Any]]
    trouble: str | None = None

    def warning(self) -> str:
        """A sentence if the best rate lies at the edge; otherwise empty."""
        if not self.at_edge:
            return ""
        low, high = self.grid[0], self.grid[-1]
        return f"the best rate, {self.rate:g}, lies at the edge of all that were tried, {low:g} to {high:g}"


def tuning(
    purpose: str, name: str, settings: TaskSettings, data: Path, device: torch.device
) -> tuple[Callable[[int], Task], list[int]]:
    """The arguments `load` and `seeds` of a sweep on a task; every tuning seed has its own validation split.

    Seeds and splits are derived from `purpose`, so that no other training uses them.
    """

    def load(repeat: int) -> Task:
        return load_task(name, settings, data, device, split_seed(purpose, 0, name, repeat))

    repeats = range(settings.tuning_seeds)
    return load, [training_seed(purpose, 0, name, repeat) for repeat in repeats]


def sweep(
    loss: nn.Module,
    loss_name: str,
    load: Callable[[int], Task],
    rates: Sequence[float],
    seeds: Sequence[int],
    trained: Callable[[], None] = lambda: None,
) -> Sweep:
    """Train with every rate on every seed; try further rates while the best one lies at the edge of the grid.

    `load(k)` gives the task with the split and the noise of the k-th seed, the same for all rates. `trained` is called
    after every training. The best rate has the highest mean validation accuracy (a training that did not complete
    counts as 0); ties go to the lower rate. The grid grows by factors of 2, at most MOST_EXTENSIONS times per side: on
    the side of the best rate; on both sides while no rate has taught anything; never upwards from a rate at which no
    training completed. If every training fails, for example because the network raises, the grid does not grow.
    """
    grid = _Grid(loss, loss_name, load, seeds, trained)
    grid.measure(rates)
    failed = all(row["status"] == "failed" for row in grid.rows)
    left = dict.fromkeys(("down", "up"), 0 if failed else MOST_EXTENSIONS)
    while further := {side: rate for side, rate in grid.further() if left[side]}:
        grid.measure(list(further.values()))
        for side in further:
            left[side] -= 1
    chosen = grid.best()
    at_edge = not failed and chosen in (min(grid.means), max(grid.means))
    rows = [{**r, "chosen": r["learning_rate"] == chosen, "at_edge": at_edge} for r in grid.rows]
    trouble = f"{loss_name}: no training can be made: {grid.last_reason}" if failed else None
    return Sweep(chosen, sorted(grid.means), at_edge, rows, trouble)


class _Grid:
    """The mean validation accuracy of each rate tried so far, and one row per training."""

    def __init__(
        self,
        loss: nn.Module,
        loss_name: str,
        load: Callable[[int], Task],
        seeds: Sequence[int],
        trained: Callable[[], None],
    ) -> None:
        self._loss, self._loss_name = loss, loss_name
        self._load, self._seeds, self._trained = load, seeds, trained
        self.means: dict[float, float] = {}
        self.rows: list[dict[str, Any]] = []
        self.last_reason: str | None = None

    def measure(self, rates: Sequence[float]) -> None:
        """Train with new rates: all rates on one seed, then all on the next."""
        scores: dict[float, list[float]] = {rate: [] for rate in rates}
        for repeat, seed in enumerate(self._seeds):
            task = self._load(repeat)
            self._chance = 1 / task.classes
            for rate in rates:
                (result,) = train([self._loss], task, [rate], seed)
                self._trained()
                self.last_reason = result.reason
                scores[rate].append(result.validation_accuracy or 0.0)
                row = {"loss": self._loss_name, "learning_rate": rate, "training_seed": seed}
                self.rows.append(row | result.columns(*OF_A_RESULT))
        self.means.update({rate: fmean(values) for rate, values in scores.items()})

    def best(self) -> float:
        """The rate with the highest mean; ties go to the lowest rate."""
        return min(self.means, key=lambda rate: (-self.means[rate], rate))

    def further(self) -> Iterator[tuple[str, float]]:
        """The sides on which the grid should grow, each with its next rate."""
        best, low, high = self.best(), min(self.means), max(self.means)
        lost = self.means[best] < self._chance + LEARNT * (1 - self._chance)
        if lost or best == low:
            yield "down", low / 2
        if (lost or best == high) and self.means[high] > 0:
            yield "up", high * 2
