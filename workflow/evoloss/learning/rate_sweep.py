"""The sweep over learning rates, recorded training by training."""

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

MOST_EXTENSIONS = 10
"""How often a grid grows in each direction: a factor of 1024 in all."""
LEARNT = 0.1
"""Share of the way from chance to 1 below which a rate has taught nothing: then nobody knows which way is up."""


@dataclass(frozen=True)
class Sweep:
    """What a sweep found: the best rate, the rates tried, and one row a training.

    `at_edge`: the best rate is the lowest or the highest tried, since the grid had grown as often as it may.
    `trouble`: why every training failed, if all did; then the rate is the lowest and means nothing.
    """

    rate: float
    grid: list[float]
    at_edge: bool
    rows: list[dict[str, Any]]
    trouble: str | None = None

    def warning(self) -> str:
        """A sentence on a rate that lies at the edge; empty otherwise."""
        if not self.at_edge:
            return ""
        low, high = self.grid[0], self.grid[-1]
        return f"the best rate, {self.rate:g}, lies at the edge of all that were tried, {low:g} to {high:g}"


def tuning(
    purpose: str, name: str, settings: TaskSettings, data: Path, device: torch.device
) -> tuple[Callable[[int], Task], list[int]]:
    """`load` and `seeds` of a sweep on a task: every tuning seed has a split of its own.

    `purpose` names the streams of both, so that no other training uses them.
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
    """Train with every rate on every seed, and with more rates while the best lies at the edge.

    `load(k)` gives the task with the split and the noise of the k-th seed, the same for all rates; `trained` is
    called after every training.
    Best by mean validation accuracy (a training that did not complete counts as 0), of equals the lower rate.
    The grid grows by factors of 2: on the side where the best rate lies; on both while no rate has taught
    anything; never upwards from a rate at which no training completed. At most MOST_EXTENSIONS times a side.
    Where every training fails, as with a network that raises, the grid does not grow.
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
    """The rates tried so far, by mean validation accuracy, and a row a training."""

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
        """Train with new rates, all on one seed before the next."""
        scores: dict[float, list[float]] = {rate: [] for rate in rates}
        for repeat, seed in enumerate(self._seeds):
            task = self._load(repeat)
            self._chance = 1 / task.classes
            for rate in rates:
                (result,) = train([self._loss], task, [rate], seed)
                self._trained()
                self.last_reason = result.reason
                scores[rate].append(result.validation_accuracy or 0.0)
                self.rows.append(
                    {"loss": self._loss_name, "learning_rate": rate, "training_seed": seed}
                    | result.columns(
                        *("validation_accuracy", "status", "training_samples", "seconds", "curve")
                    )
                )
        self.means.update({rate: fmean(values) for rate, values in scores.items()})

    def best(self) -> float:
        """The rate of the highest mean; of equals the lowest."""
        return min(self.means, key=lambda rate: (-self.means[rate], rate))

    def further(self) -> Iterator[tuple[str, float]]:
        """The sides on which the grid should grow, with the next rate there."""
        best, low, high = self.best(), min(self.means), max(self.means)
        lost = self.means[best] < self._chance + LEARNT * (1 - self._chance)
        if lost or best == low:
            yield "down", low / 2
        if (lost or best == high) and self.means[high] > 0:
            yield "up", high * 2
