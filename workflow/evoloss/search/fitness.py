"""Fitness: the mean over tasks of (accuracy - chance) / (accuracy of cross entropy - chance).

A candidate that is trained at several learning rates (`search.rates`) has the fitness of its best rate. The default is
one rate, cross entropy's, because more rates help little (`tests/benchmarks/rates.py`; what a loss is worth is its
accuracy at its own rate on fresh seeds and splits):

    digits, 140 candidates           rank correlation    best found for 24 trainings
    at 1 x cross entropy's rate      0.66                94.5 %
    at 1 and 2 x                     0.67                94.0 %
    at 1, 2 and 4 x                  0.68                93.7 %

    40 % wrong labels, 70            rank correlation    best found for 24 trainings
    at 1 x cross entropy's rate      0.45                87.0 %
    at 1/2 and 1 x                   0.46                87.7 %
    at 1/4, 1/2 and 1 x              0.46                88.4 %

    35 % labelled as next class, 70  rank correlation    best found for 24 trainings
    at 1 x cross entropy's rate      0.88                85.4 %
    at 1 and 4 x                     0.87                84.2 %
    at 1, 2 and 4 x                  0.87                83.4 %

On the last task a second rate ranks the good candidates better: in the better half the rank correlation is 0.81 at 1
and 4 x, instead of 0.71. A second rate halves the number of candidates that a budget pays for. In a race it costs less,
because the race drops the worse rate early. The default study uses both rates.

Even so the rate matters: three quarters of the candidates on clean labels are best at a lower rate than cross entropy,
and more than half of those on wrong labels at a higher one. So a loss that a search finds is judged at its own rate.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

BASELINE = "cross_entropy"
"""Name of cross entropy as a loss, and its role in the re-scoring."""

GOOD = 0.6
"""A loss with at least this fitness counts as good: the check should not have rejected it."""


@dataclass(frozen=True)
class Reference:
    """The two accuracies that fix the scale of a task: chance (fitness 0) and cross entropy (fitness 1)."""

    chance: float
    cross_entropy: float

    def gain(self, accuracy: float) -> float:
        """An accuracy on the scale chance = 0, cross entropy = 1."""
        return (accuracy - self.chance) / (self.cross_entropy - self.chance)


def references(tasks: Iterable[Mapping[str, Any]]) -> dict[str, Reference]:
    """The references of resolved tasks (`tasks/<task>.json`), by name."""
    return {
        task["name"]: Reference(task["chance"], task["cross_entropy_accuracy"]) for task in tasks
    }


def best_rate(
    rows: Iterable[Mapping[str, Any]], by_task: Mapping[str, Reference]
) -> tuple[float | None, float | None]:
    """The highest fitness that a candidate has at one rate, and the `rate_multiple` of that rate.

    Ties go to the lower rate; (None, None) when no rate has a fitness. All tasks share one multiple; each
    applies it to its own rate of cross entropy. So a race can stop a candidate at a rate on all tasks at once, and the
    maximum is over as few values as possible.
    """
    at: dict[float, list[Mapping[str, Any]]] = {}
    for row in rows:
        at.setdefault(row["rate_multiple"], []).append(row)
    values = {multiple: fitness(some, by_task) for multiple, some in at.items()}
    known = {multiple: value for multiple, value in values.items() if value is not None}
    if not known:
        return None, None
    multiple = min(known, key=lambda m: (-known[m], m))
    return known[multiple], multiple


def rescored_references(
    rows: Iterable[Mapping[str, Any]], by_task: Mapping[str, Reference]
) -> dict[str, Reference]:
    """The references, with cross entropy's accuracy on the fresh seeds and splits of the re-scoring.

    `rows`: a table `rescored` with the rows of the baseline (role `cross_entropy`), whose re-scored fitness is then 1.
    A task on which the baseline never completed keeps its reference.
    """
    measured: dict[str, list[float]] = {name: [] for name in by_task}
    for row in rows:
        if row["role"] == BASELINE and row["validation_accuracy"] is not None:
            measured[row["task"]].append(row["validation_accuracy"])
    return {
        name: Reference(reference.chance, fmean(measured[name])) if measured[name] else reference
        for name, reference in by_task.items()
    }


def fitness(rows: Iterable[Mapping[str, Any]], by_task: Mapping[str, Reference]) -> float | None:
    """The fitness of one candidate from all its trainings at one rate; each task is averaged first.

    None when a training did not complete or a task has no training.
    """
    gains: dict[str, list[float]] = {name: [] for name in by_task}
    for row in rows:
        if row["status"] not in ("completed", "reused") or row["validation_accuracy"] is None:
            return None
        gains[row["task"]].append(by_task[row["task"]].gain(row["validation_accuracy"]))
    if not gains or not all(gains.values()):
        return None
    return fmean(fmean(values) for values in gains.values())


def left_out(
    scores: Mapping[str, Sequence[float]], values: Mapping[str, Sequence[float]]
) -> list[float]:
    """The champion's value in each repeat of the re-scoring, without the bias of choosing the best.

    `scores`: the fitness of each candidate, by repeat; `values`: what to report, likewise. The highest of several noisy
    means is biased upwards. So each repeat is left out once: the other repeats choose a candidate, and its value in the
    repeat left out counts. With one repeat nothing is left out, and the bias stays.
    """
    repeats = range(len(next(iter(scores.values()))))
    totals = {name: sum(of_repeats) for name, of_repeats in scores.items()}
    chosen = []
    for k in repeats:
        others = {n: totals[n] - (scores[n][k] if len(repeats) > 1 else 0) for n in scores}
        chosen.append(values[max(others, key=others.__getitem__)][k])
    return chosen
