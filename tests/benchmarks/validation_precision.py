"""Whether validation in mixed precision (bfloat16) finds the accuracy that float32 finds.

Trains on Fashion-MNIST with a few losses and seeds in mixed precision, and validates every network both
ways: the difference in points of accuracy, a row a network. Two minutes a core for `convnet`.
"""

import argparse
import tempfile
from pathlib import Path
from statistics import mean

import torch
from reporting import show, tell

from evoloss.expressions.parsing import parse
from evoloss.learning.accuracy import top1_accuracy
from evoloss.learning.device import choose_device
from evoloss.learning.evaluation import logits_of, validation_accuracy
from evoloss.learning.preparation import prepare
from evoloss.learning.settings import TaskSettings
from evoloss.learning.task import load_task
from evoloss.learning.training import train
from evoloss.losses.gradient_scale import task_loss
from evoloss.losses.registry import formula_of

LOSSES = ("cross_entropy", "ngl", "mae")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", default="data")
    parser.add_argument("--network", default="convnet")
    parser.add_argument("--images", type=int, default=8192)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--device", default="auto")
    flags = parser.parse_args()
    settings = TaskSettings.model_validate(
        {
            "dataset": {"source": "fashion_mnist", "root": flags.root, "validation_fraction": 0.1},
            "training_images": flags.images,
            "network": flags.network,
            "epochs": 3,
            "batch_size": 64,
            "precision": "bfloat16",
        }
    )
    rows, differences = [], []
    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder) / settings.dataset.name
        prepare(settings.dataset, prepared, {})
        task = load_task("precision", settings, Path(folder), choose_device(flags.device))
    for name in LOSSES:
        for seed in range(flags.seeds):
            loss = task_loss(parse(formula_of(name), 10), 10, True)
            (result,) = train([loss], task, [0.1], seed)
            if result.network is None:
                continue
            with torch.inference_mode():
                (mixed,) = validation_accuracy(result.network, task)
                single = top1_accuracy(
                    logits_of(result.network, task.validation), task.validation.labels
                )
            differences.append(100 * (mixed - single))
            rows.append([f"{name}, seed {seed}", 100 * single, 100 * mixed, differences[-1]])
    show(["network", "float32, %", "bfloat16, %", "difference, points"], rows)
    sizes = [abs(difference) for difference in differences]
    tell(
        "validation_precision",
        {"largest_points": max(sizes), "mean_points": mean(differences), "n": len(sizes)},
    )


if __name__ == "__main__":
    main()
