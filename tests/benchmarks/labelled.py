"""Candidates with the fitness that their full training gives: what checks and races are calibrated on.

    python tests/benchmarks/labelled.py --data fashion_gentle --seed 0 --candidates 260 \
        --output results/labels/gentle0.parquet

Every second expression is a random tree, the others are bred: mutants of cross entropy and of what trained
well so far. All that pass the stages structure, finite, gradient (its range alone) and novel are trained;
of those that these reject every twelfth, and of random trees that a direct descent of the logits
clearly rejects every third, with weights that say so. Four seconds a candidate on Fashion-MNIST, on a
core; half as much again with `--shorter`, which trains each on shorter schedules as well (for `racing.py`).
"""

import argparse
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from predictors import descent

from evoloss.expressions.settings import SearchSpace
from evoloss.expressions.tree import Expression
from evoloss.expressions.variation import ramped_half_and_half, subtree_or_one_point_mutation
from evoloss.functional_check import finite, gradient, novel, structure
from evoloss.functional_check.settings import FunctionalCheckSettings
from evoloss.learning.expression_training import expression_training
from evoloss.learning.preparation import prepare
from evoloss.learning.settings import TaskSettings
from evoloss.learning.task import Part, Task, load_task
from evoloss.learning.training_result import TrainingResult
from evoloss.losses.expression_loss import CROSS_ENTROPY, ExpressionLoss
from evoloss.search.fitness import GOOD, Reference

FASHION = {"source": "fashion_mnist", "validation_fraction": 0.1}
TASKS: dict[str, dict[str, Any]] = {
    "digits": {"dataset": "digits", "epochs": 4, "batch_size": 128},
    "fashion_mnist": {
        "dataset": FASHION,
        "training_images": 8192,
        "epochs": 2,
        "batch_size": 128,
    },
    "fashion_gentle": {
        "dataset": FASHION,
        "training_images": 8192,
        "epochs": 2,
        "batch_size": 64,
    },
}
"""The search tasks of the default study, of fashion_rivals.yaml and of fashion_racing.yaml."""
RATES = {"digits": 0.4, "fashion_mnist": 0.8, "fashion_gentle": 0.4}
"""The rates that cross entropy likes best there."""
SHORTER = {"ninth": 1 / 9, "third": 1 / 3}
LOOSE = FunctionalCheckSettings(smallest_alignment=-1)
EVERY_REJECTED, EVERY_HOPELESS, HOPELESS = 12, 3, 0.5


class Bench:
    """A task, its shorter versions, and cross entropy's accuracies on all of them."""

    def __init__(self, name: str, folder: Path, shorter: bool) -> None:
        self.rate = RATES[name]
        settings = TaskSettings.model_validate(TASKS[name])
        prepare(settings.dataset, folder / settings.dataset.name, {})
        self.task = load_task(name, settings, folder, torch.device("cpu"))
        order = torch.randperm(len(self.task.train), generator=torch.Generator().manual_seed(1))
        shares = SHORTER if shorter else {}
        self.shorter = {key: self._shorter(share, order) for key, share in shares.items()}
        result = self.train(CROSS_ENTROPY, 0)
        self.reference = Reference(1 / self.task.classes, result.validation_accuracy)
        self.curve = result.curve

    def _shorter(self, share: float, order: torch.Tensor) -> Task:
        """The task with a share of its steps, as a schedule of its own of one epoch."""
        size, epochs = self.task.settings.batch_size, self.task.settings.epochs
        steps = len(self.task.train) // size * epochs
        chosen = order.repeat(epochs)[: max(2, round(steps * share)) * size]
        images = Part(self.task.train.images[chosen], self.task.train.labels[chosen])
        some = Part(self.task.validation.images[:2000], self.task.validation.labels[:2000])
        once = self.task.settings.model_copy(update={"epochs": 1})
        return replace(self.task, train=images, validation=some, settings=once)

    def train(self, tree: Expression, seed: int, task: Task | None = None) -> TrainingResult:
        """One training on the task or a shorter one; without a gradient to scale it fails."""
        return expression_training(str(tree), task or self.task, self.rate, seed).finish()

    def fitness(self, result: TrainingResult) -> float:
        """The fitness of a training; 0 of one that did not complete."""
        accuracy = result.validation_accuracy
        return 0.0 if accuracy is None else self.reference.gain(accuracy)


def label(bench: Bench, seed: int, candidates: int) -> pd.DataFrame:
    """Draw until so many candidates are trained; one row an expression, fitness nan if not trained."""
    space, rng = SearchSpace(), np.random.default_rng(100 + seed)
    parents, seen, rows = [CROSS_ENTROPY], [], []
    met: Counter[tuple] = Counter()
    draw = trained = good = 0
    while trained < candidates:
        draw += 1
        if draw % 2:
            tree, origin = ramped_half_and_half(space, draw, rng), "random"
        else:
            parent = parents[rng.integers(len(parents))]
            tree, _ = subtree_or_one_point_mutation(parent, space, 0.5, rng)
            origin = "bred"
        row = {"expression": str(tree), "origin": origin, "weight": 0}
        rows.append(row)
        row["rejected_by"] = early_stage(tree, space, seen)
        if row["rejected_by"] in ("structure", "novel"):
            continue
        loss = ExpressionLoss(tree)
        hopeless = row["rejected_by"] is None and descent(loss, 10) < HOPELESS
        kind = (row["rejected_by"], origin, hopeless)
        met[kind] += 1
        thinned = EVERY_HOPELESS if hopeless and origin == "random" else 1
        every = EVERY_REJECTED if row["rejected_by"] else thinned
        if met[kind] % every:
            continue
        trained += 1
        result = bench.train(tree, 0)
        row |= {
            "weight": every,
            "fitness": bench.fitness(result),
            "curve": result.curve,
            "seconds": result.seconds + result.validation_seconds,
        }
        for key, task in bench.shorter.items():
            row[key] = bench.fitness(bench.train(tree, 0, task))
        if row["fitness"] >= GOOD:
            parents.append(tree)
            if good % 4 == 0:
                row["fitness_again"] = bench.fitness(bench.train(tree, 1))
            good += 1
        print(f"{trained:4} {row['fitness']:6.3f} {tree}", flush=True)
    return pd.DataFrame(rows)


def early_stage(tree, space: SearchSpace, seen: list) -> str | None:
    """The stage before `learns` that rejects a tree; what passes is remembered as seen."""
    loss = ExpressionLoss(tree)
    if structure.problem(tree, space):
        return "structure"
    if finite.problem(loss, 10):
        return "finite"
    if gradient.problem(loss, 10, LOOSE):
        return "gradient"
    mark = novel.fingerprint(loss, [10], scale_matched=True)
    if mark is None or novel.known(mark, seen) is not None:
        return "novel"
    seen.append(mark)
    return None


def main() -> None:
    """Draw, train and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", choices=list(TASKS), default="digits")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--candidates", type=int, default=400)
    parser.add_argument("--shorter", action="store_true", help="on shorter schedules as well")
    parser.add_argument("--output", type=Path, required=True)
    flags = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(flags.data, Path(folder), flags.shorter)
        frame = label(bench, flags.seed, flags.candidates)
    flags.output.parent.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(flags.output)


if __name__ == "__main__":
    main()
