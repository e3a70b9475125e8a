"""At how many learning rates should a search train a candidate? What the default of `search.rates` rests on.

    python tests/benchmarks/rates.py train clean --candidates 250 --output results/rates/clean.parquet
    python tests/benchmarks/rates.py train noisy --candidates 200 --output results/rates/noisy.parquet
    python tests/benchmarks/rates.py read results/rates/clean.parquet results/rates/noisy.parquet

`train`: candidates that pass the functional check, half of them random trees and half bred from those that
trained well. Each is trained at multiples of cross entropy's rate on the search's seed and split: that is
what a search could see. What it is worth is measured apart: its own rate is chosen by the sweep of the final
retraining on a fresh seed and split, and the mean accuracy at it on two more is the truth. `read` prints the
rank correlations with the truth for several choices of rates, and what searches find that may spend equally
many trainings.
"""

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy.stats import spearmanr

from evoloss.expressions.settings import SearchSpace
from evoloss.expressions.tree import Expression
from evoloss.expressions.variation import ramped_half_and_half, subtree_or_one_point_mutation
from evoloss.functional_check.funnel import Funnel
from evoloss.functional_check.settings import FunctionalCheckSettings
from evoloss.learning.preparation import prepare
from evoloss.learning.rate_sweep import sweep
from evoloss.learning.settings import TaskSettings
from evoloss.learning.task import Task, load_task
from evoloss.learning.training import train
from evoloss.losses.expression_loss import CROSS_ENTROPY
from evoloss.losses.gradient_scale import task_loss
from evoloss.search.fitness import GOOD, Reference

TASKS: dict[str, dict[str, Any]] = {
    "clean": {"dataset": "digits", "epochs": 4, "batch_size": 64, "learning_rates": [0.1, 0.2]},
    "noisy": {
        "dataset": "digits",
        "label_noise": 0.4,
        "epochs": 10,
        "batch_size": 64,
        "learning_rates": [0.025, 0.05],
    },
    "pair": {
        "dataset": "digits",
        "label_noise": {"kind": "pair", "share": 0.35},
        "validation": "clean",
        "epochs": 10,
        "batch_size": 64,
        "learning_rates": [0.00625, 0.0125, 0.025, 0.05],
    },
}
MULTIPLES = {
    "clean": (1 / 8, 1 / 4, 1 / 2, 1.0, 2.0, 4.0),
    "noisy": (1 / 8, 1 / 4, 1 / 2, 1.0, 2.0, 4.0),
    "pair": (1 / 2, 1.0, 2.0, 4.0, 8.0, 16.0),
}
SEARCH, CHOOSE, TRUTH = "search", "choose", "truth"
TRUTH_SEEDS = (2, 3)
BOOTSTRAPS = 4000


class Bench:
    """The task on the search's split and on fresh ones, and cross entropy's rate."""

    def __init__(self, name: str, folder: Path) -> None:
        settings, self.multiples = TaskSettings.model_validate(TASKS[name]), MULTIPLES[name]
        prepare(settings.dataset, folder / settings.dataset.name, {})
        cpu = torch.device("cpu")
        splits = {0: None, 1: 1, **{k: k for k in TRUTH_SEEDS}}
        self.tasks = {k: load_task(name, settings, folder, cpu, s) for k, s in splits.items()}
        grid, loss = settings.learning_rates, self.loss(CROSS_ENTROPY)
        self.rate = sweep(loss, "cross_entropy", lambda k: self.tasks[0], grid, [90, 91, 92]).rate
        print(f"{name}: cross entropy's rate is {self.rate:g}", flush=True)

    def loss(self, tree: Expression) -> torch.nn.Module:
        return task_loss(tree, self.tasks[0].classes, True)

    def rows_of(self, tree: Expression) -> Iterator[dict[str, Any]]:
        """Every training of a candidate."""
        for multiple in self.multiples:
            yield self._row(SEARCH, tree, multiple, 0)
        grid = [self.rate * multiple for multiple in self.multiples]
        swept = sweep(self.loss(tree), str(tree), lambda k: self.tasks[1], grid, [1])
        for row in swept.rows:
            multiple, accuracy = row["learning_rate"] / self.rate, row["validation_accuracy"]
            yield {"role": CHOOSE, "multiple": multiple, "seed": 1, "accuracy": accuracy or 0.0}
        for seed in TRUTH_SEEDS:
            yield self._row(TRUTH, tree, swept.rate / self.rate, seed)

    def _row(self, role: str, tree: Expression, multiple: float, seed: int) -> dict[str, Any]:
        task: Task = self.tasks[seed]
        (result,) = train([self.loss(tree)], task, [self.rate * multiple], seed)
        accuracy = result.validation_accuracy or 0.0
        return {"role": role, "multiple": multiple, "seed": seed, "accuracy": accuracy}


def measure(name: str, candidates: int, seed: int, output: Path) -> None:
    """Draw and train; the file is written anew now and then."""
    space, rng = SearchSpace(), np.random.default_rng(seed)
    funnel = Funnel(FunctionalCheckSettings(), space, [10], scale_matched=True)
    rows: list[dict[str, Any]] = []
    parents = [CROSS_ENTROPY]
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(name, Path(folder))
        for number, (origin, tree) in enumerate(drawn(funnel, space, rng, parents, candidates)):
            mine = list(bench.rows_of(tree))
            rows += [
                {"candidate": number, "origin": origin, "expression": str(tree)} | r for r in mine
            ]
            best = max(row["accuracy"] for row in mine if row["role"] == SEARCH)
            if number == 0:
                reference = Reference(0.1, best)
            elif reference.gain(best) >= GOOD:
                parents.append(tree)
            print(
                f"{number:4} {best:.3f} {mine[-1]['multiple']:6g} {mine[-1]['accuracy']:.3f} {tree}",
                flush=True,
            )
            if number % 10 == 0 or number == candidates:
                output.parent.mkdir(parents=True, exist_ok=True)
                pd.DataFrame(rows).assign(task=name).to_parquet(output)


def drawn(
    funnel: Funnel,
    space: SearchSpace,
    rng: np.random.Generator,
    parents: list[Expression],
    candidates: int,
) -> Iterator[tuple[str, Expression]]:
    """Cross entropy, then so many that pass the check: by turns random and bred from `parents`."""
    funnel.check(CROSS_ENTROPY)
    yield "cross_entropy", CROSS_ENTROPY
    passed = {"random": 0, "bred": 0}
    draw = 0
    while sum(passed.values()) < candidates:
        draw += 1
        origin = "random" if passed["random"] <= passed["bred"] else "bred"
        if origin == "random":
            tree = ramped_half_and_half(space, draw, rng)
        else:
            parent = parents[rng.integers(len(parents))]
            tree, _ = subtree_or_one_point_mutation(parent, space, 0.5, rng)
        if funnel.check(tree).passed:
            passed[origin] += 1
            yield origin, tree


CHOICES = (
    (1.0,),
    (1 / 4,),
    (2.0,),
    (1 / 2, 1.0),
    (1.0, 2.0),
    (1 / 4, 1.0),
    (1.0, 4.0),
    (1 / 2, 1.0, 2.0),
    (1 / 4, 1 / 2, 1.0),
    (1.0, 2.0, 4.0),
    (1 / 4, 1.0, 4.0),
    (4.0,),
    (8.0,),
    (1.0, 8.0),
    (4.0, 16.0),
    (1.0, 4.0, 16.0),
)
"""Multiples of cross entropy's rate that a search may train at."""
TRAININGS = 24
"""What a search of the comparison at equal cost may spend."""


def read(files: Sequence[Path]) -> None:
    """Print, for every task and choice of rates, what a search at them knows of a loss at its own rate."""
    for file in files:
        frame = pd.read_parquet(file)
        frame = frame[frame["candidate"] > 0]
        seen = frame[frame["role"] == SEARCH].pivot(
            index="candidate", columns="multiple", values="accuracy"
        )
        truth = frame[frame["role"] == TRUTH].groupby("candidate")["accuracy"].mean()
        seen = seen.loc[truth.index]
        print(
            f"{frame['task'].iloc[0]}: {len(truth)} candidates; truth {truth.mean():.3f} +- {truth.std():.3f}"
        )
        own = frame[frame["role"] == TRUTH].groupby("candidate")["multiple"].first()
        shares = own.value_counts(normalize=True).sort_index()
        print("own rates: " + ", ".join(f"{m:g}: {share:.0%}" for m, share in shares.items()))
        half = truth >= truth.median()
        for choice in [c for c in CHOICES if set(c) <= set(seen.columns)]:
            fitness = seen[list(choice)].max(axis=1)
            found = found_at_equal_cost(fitness, truth, TRAININGS // len(choice))
            print(
                f"  {', '.join(f'{m:g}' for m in choice):>14}  cost {len(choice)}  rank correlation "
                f"{spearmanr(fitness, truth).statistic:.2f}, better half "
                f"{spearmanr(fitness[half], truth[half]).statistic:.2f}; best found for {TRAININGS} trainings "
                f"{found.mean():.4f} +- {found.std() / BOOTSTRAPS**0.5:.4f}"
            )


def found_at_equal_cost(fitness: pd.Series, truth: pd.Series, candidates: int) -> np.ndarray:
    """The truth of the fittest of so many candidates, drawn at random, many times."""
    rng = np.random.default_rng(0)
    values, worth = fitness.to_numpy(), truth.to_numpy()
    draws = rng.integers(len(values), size=(BOOTSTRAPS, candidates))
    return worth[draws[np.arange(BOOTSTRAPS), values[draws].argmax(axis=1)]]


def main() -> None:
    """Train, or read what was trained."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    training = commands.add_parser("train")
    training.add_argument("task", choices=list(TASKS))
    training.add_argument("--candidates", type=int, default=250)
    training.add_argument("--seed", type=int, default=0)
    training.add_argument("--output", type=Path, required=True)
    reading = commands.add_parser("read")
    reading.add_argument("files", type=Path, nargs="+")
    flags = parser.parse_args()
    torch.set_num_threads(1)
    if flags.command == "train":
        measure(flags.task, flags.candidates, flags.seed, flags.output)
    else:
        read(flags.files)


if __name__ == "__main__":
    main()
