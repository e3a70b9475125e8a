"""Do losses for wrong labels work with a hundred classes? Pairs of digits from 00 to 99, by share of wrong labels.

    python tests/benchmarks/many_classes.py

Training images show other digits than validation images. Wrong labels are any other class; validation labels are
right. Every loss at its own rate, chosen on two seeds; then validation accuracy on five fresh ones, and the paired
difference to cross entropy with its 95 % interval (one draw of the pairs, so it knows nothing of other images).
Thirteen minutes on a core.
"""

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import numpy as np
import torch
from labelled import TASKS, relabelled

from evoloss.learning.label_noise import LabelNoise
from evoloss.learning.preparation import prepare
from evoloss.learning.rate_sweep import sweep
from evoloss.learning.settings import TaskSettings
from evoloss.learning.task import Part, Task, load_task
from evoloss.learning.training import train
from evoloss.losses.formula import loss_from
from evoloss.losses.registry import formula_of
from evoloss.reporting.statistics import paired_difference

LOSSES = ["cross_entropy", "gce", "sce", "nce_mae", "nfl_mae", "evoloss_loglog", "evoloss_ratio"]
RATES = [0.025, 0.1, 0.4, 1.6]
CLASSES = 100


def with_wrong_labels(task: Task, share: float, seed: int) -> Task:
    """The task with a share of its training labels moved to any other class."""
    labels = task.train.labels.numpy()
    noise = LabelNoise(kind="symmetric", share=share)
    drawn = noise.applied(labels, np.arange(len(labels)), CLASSES, seed)
    return replace(task, train=Part(task.train.images, torch.from_numpy(drawn)))


def accuracies(name: str, task: Task, share: float, seeds: int) -> list[float]:
    """Validation accuracy of a loss at its own rate, one a seed; 0 where a training does not complete."""
    loss = loss_from(formula_of(name), None, CLASSES, True)
    chosen = sweep(loss, name, lambda k: with_wrong_labels(task, share, 100 + k), RATES, [100, 101])
    results = [
        train([loss], with_wrong_labels(task, share, seed), [chosen.rate], seed)[0]
        for seed in range(seeds)
    ]
    print(f"{share:.0%} {name}: rate {chosen.rate:g}", flush=True)
    return [result.validation_accuracy or 0.0 for result in results]


def main() -> None:
    """Train and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shares", type=float, nargs="+", default=[0.0, 0.4])
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=5)
    flags = parser.parse_args()
    torch.set_num_threads(1)
    settings = TaskSettings.model_validate(TASKS["pairs"] | {"epochs": flags.epochs})
    with tempfile.TemporaryDirectory() as folder:
        prepare(settings.dataset, Path(folder) / settings.dataset.name, {})
        task = relabelled(load_task("pairs", settings, Path(folder), torch.device("cpu")))
    for share in flags.shares:
        found = {name: accuracies(name, task, share, flags.seeds) for name in LOSSES}
        for name, values in found.items():
            line = f"{share:.0%} wrong, {name}: {fmean(values):.1%}"
            if name != "cross_entropy":
                to = paired_difference(values, found["cross_entropy"], 0.95)
                line += f", {100 * to.mean:+.1f} [{100 * to.low:+.1f}, {100 * to.high:+.1f}]"
            print(line, flush=True)


if __name__ == "__main__":
    main()
