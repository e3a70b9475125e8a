"""The sweep over learning rates, recorded training by training."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from torch import nn

from evoloss.learning.task import Task
from evoloss.learning.training import train

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
    means: dict[float, float] = {}
    rows: list[dict[str, Any]] = []
    reasons: list[str | None] = []

    def measure(new: Sequence[float]) -> None:
        scores: dict[float, list[float]] = {rate: [] for rate in new}
        for repeat, seed in enumerate(seeds):
            task = load(repeat)
            for rate in new:
                (result,) = train([loss], task, [rate], seed)
                trained()
                reasons.append(result.reason)
                scores[rate].append(result.validation_accuracy or 0.0)
                rows.append(
                    {
                        "loss": loss_name,
                        "learning_rate": rate,
                        "training_seed": seed,
                        "validation_accuracy": result.validation_accuracy,
                        "status": result.status,
                        "training_samples": result.training_samples,
                        "seconds": result.seconds,
                        "curve": result.curve,
                    }
                )
        means.update({rate: fmean(values) for rate, values in scores.items()})

    def best() -> float:
        return min(means, key=lambda rate: (-means[rate], rate))

    measure(rates)
    none = all(row["status"] == "failed" for row in rows)
    chance = 1 / load(0).classes
    smallest = chance + LEARNT * (1 - chance)
    left = dict.fromkeys(("down", "up"), 0 if none else MOST_EXTENSIONS)
    while True:
        chosen, low, high = best(), min(means), max(means)
        lost = means[chosen] < smallest
        further = {
            "down": low / 2 if lost or chosen == low else None,
            "up": high * 2 if (lost or chosen == high) and means[high] > 0 else None,
        }
        further = {side: rate for side, rate in further.items() if rate and left[side]}
        if not further:
            break
        measure(list(further.values()))
        for side in further:
            left[side] -= 1
    at_edge = not none and chosen in (low, high)
    marked = [{**r, "chosen": r["learning_rate"] == chosen, "at_edge": at_edge} for r in rows]
    trouble = f"{loss_name}: no training can be made: {reasons[-1]}" if none else None
    return Sweep(chosen, sorted(means), at_edge, marked, trouble)
