"""Fitness: the mean over tasks of the gain over chance, in units of cross entropy's gain.

Of a candidate that is trained at several learning rates (`search.rates`) it is the best of them. One rate, cross
entropy's, is the default, for more buy little (`tests/benchmarks/rates.py`; what a loss is worth is its
accuracy at its own rate on fresh seeds and splits):

    digits, 140 candidates           rank correlation    best found for 24 trainings
    at 1 x cross entropy's rate      0.66                94.5 %
    at 1 and 2 x                     0.67                94.0 %
    at 1, 2 and 4 x                  0.68                93.7 %

    40 % wrong labels, 70            rank correlation    best found for 24 trainings
    at 1 x cross entropy's rate      0.45                87.0 %
    at 1/2 and 1 x                   0.46                87.7 %
    at 1/4, 1/2 and 1 x              0.46                88.4 %

    35 % of the next class, 70       rank correlation    best found for 24 trainings
    at 1 x cross entropy's rate      0.88                85.4 %
    at 1 and 4 x                     0.87                84.2 %
    at 1, 2 and 4 x                  0.87                83.4 %

What a second rate buys on the last is order among the good: in the better half of the candidates the rank
correlation is 0.81 at 1 and 4 x instead of 0.71. It costs half of the candidates, but less in a race, which drops the
worse rate early. The default study has both.

Even so a rate decides much: three quarters of the candidates on clean labels like a lower rate than cross entropy,
more than half of those on wrong labels a higher one. So what a search finds is judged at its own rate.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

BASELINE = "cross_entropy"
"""Name of cross entropy as a loss, and its role among the re-scored."""

GOOD = 0.6
"""The fitness from which on a loss counts as a good one, that a check should not have rejected."""


@dataclass(frozen=True)
class Reference:
    """A task's two fixed points: accuracy by chance (fitness 0) and of cross entropy (fitness 1)."""

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
    """The highest fitness that one rate gives a candidate on all tasks, and its `rate_multiple`.

    Of equals the lower rate; (None, None) when no rate has a fitness. One multiple for all tasks, each of
    which has cross entropy's rate of its own: then a candidate at a rate is what a race lets go on or
    stops, and the maximum is over as few values as can be.
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
    """The references with cross entropy's accuracy as re-scored: on the same fresh seeds and splits.

    `rows` are of a `rescored` table, the baseline's among them (role `cross_entropy`), so that its
    own re-scored fitness is 1. A task whose baseline did not complete keeps its reference.
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
    """The fitness of one candidate from all its trainings at one rate, averaged within a task first.

    None when a training did not complete or a task is missing: such a candidate has no fitness.
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
    """The champion's value in each repeat of the re-scoring, freed of the luck of being chosen.

    `scores`: each candidate's fitness by repeat. The best of several noisy means is a lucky one. So each
    repeat is left out once, and the candidate that the others choose counts with its value there. With one
    repeat there is nothing to leave out.
    """
    repeats = range(len(next(iter(scores.values()))))
    totals = {name: sum(of_repeats) for name, of_repeats in scores.items()}
    chosen = []
    for k in repeats:
        others = {n: totals[n] - (scores[n][k] if len(repeats) > 1 else 0) for n in scores}
        chosen.append(values[max(others, key=others.__getitem__)][k])
    return chosen
