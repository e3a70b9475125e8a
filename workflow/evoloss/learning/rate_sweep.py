"""The sweep over learning rates, recorded training by training."""

from collections.abc import Callable, Sequence
from statistics import fmean
from typing import Any

from torch import nn

from evoloss.learning.task import Task
from evoloss.learning.training import train

MOST_EXTENSIONS = 8


def sweep(
    loss: nn.Module,
    loss_name: str,
    load: Callable[[int], Task],
    rates: Sequence[float],
    seeds: Sequence[int],
    extend: bool,
) -> tuple[float, list[float], list[dict[str, Any]]]:
    """Train with every rate on every seed; returns the best rate, the final grid and the rows.

    `load(k)` gives the task with the split and the noise of the k-th seed, the same for all rates.
    Best by mean validation accuracy (a training that did not complete counts as 0), of equals the
    lower rate. With `extend` the grid grows by a factor of 2 while the best rate lies at its edge.
    """
    means: dict[float, float] = {}
    rows: list[dict[str, Any]] = []

    def measure(new: Sequence[float]) -> None:
        scores: dict[float, list[float]] = {rate: [] for rate in new}
        for repeat, seed in enumerate(seeds):
            task = load(repeat)
            for rate in new:
                (result,) = train([loss], task, [rate], seed)
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
    for _ in range(MOST_EXTENSIONS if extend else 0):
        if best() == max(means):
            measure([best() * 2])
        elif best() == min(means):
            measure([best() / 2])
        else:
            break
    chosen = best()
    return (
        chosen,
        sorted(means),
        [{**row, "chosen": row["learning_rate"] == chosen} for row in rows],
    )
