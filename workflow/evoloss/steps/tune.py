"""Rule tune: find cross entropy's best learning rate on a task, and its accuracy there.

Every tuning seed has a split of its own, so that rate and accuracy belong to the task and to no run seed.
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean

from torch import nn

from evoloss.command_line import Flags, parse_settings, run_step
from evoloss.errors import UserError
from evoloss.files import write_json
from evoloss.learning.device import choose_device
from evoloss.learning.models import initial_network
from evoloss.learning.network import size_of
from evoloss.learning.rate_sweep import Sweep, sweep, tuning
from evoloss.learning.records import LEARNING_RATES
from evoloss.learning.resolved_task import ResolvedTask
from evoloss.learning.schedule import SEGMENTS
from evoloss.learning.settings import TaskSettings
from evoloss.learning.task import Task
from evoloss.learning.training import Training
from evoloss.losses.expression_loss import CROSS_ENTROPY
from evoloss.losses.gradient_scale import task_loss
from evoloss.parquet import write
from evoloss.provenance import record


def main(flags: Flags) -> None:
    """Sweep the task's learning rates with cross entropy and write the task as resolved."""
    settings = parse_settings(TaskSettings, flags.settings)
    device = choose_device(flags.device)
    load, seeds = tuning("tune", flags.task, settings, Path(flags.data), device)
    task = load(0)
    loss = task_loss(CROSS_ENTROPY, task.classes, settings.match_gradient_scale)
    swept = sweep(loss, "cross_entropy", load, settings.learning_rates, seeds)
    if swept.trouble:
        raise UserError(swept.trouble)
    looks = held_out_curve(loss, load, swept.rate, seeds) if flags.held_out_curve else []
    resolved = resolve(task, swept, looks, flags.labels)
    print(
        f"{flags.task}: rate {swept.rate:g}, cross entropy {resolved.cross_entropy_accuracy:.4f}, "
        f"grid {swept.grid}"
    )
    if swept.at_edge:
        print(f"{flags.task}: {swept.warning()}; give the task learning_rates nearer to it")
    if resolved.cross_entropy_accuracy <= resolved.chance:
        raise UserError(
            f"tasks.{flags.task}: cross entropy does not beat chance ({resolved.chance:.3f}) at any "
            f"rate of {swept.grid}; train longer (epochs) or try other learning_rates"
        )
    metadata = record(flags, "tune", settings=settings, seeds=seeds)
    write(flags.sweep, swept.rows, LEARNING_RATES, metadata)
    write_json(flags.output, resolved.as_json())


def resolve(task: Task, swept: Sweep, looks: list[float], labels: str) -> ResolvedTask:
    """The task with what the sweep found; `looks` is cross entropy's curve on validation images."""
    chosen = [row for row in swept.rows if row["chosen"]]
    curves = [row["curve"] for row in chosen if row["status"] == "completed"]
    parameters, multiply_adds = size_of(initial_network(task, 0), task.shape)
    return ResolvedTask(
        name=task.name,
        settings=task.settings,
        learning_rate=swept.rate,
        learning_rates=swept.grid,
        rate_at_edge=swept.at_edge,
        classes=task.classes,
        chance=chance(task),
        cross_entropy_accuracy=fmean(row["validation_accuracy"] or 0.0 for row in chosen),
        cross_entropy_curve=mean_curve(curves),
        training_images=len(task.train),
        changed_labels=task.changed_labels,
        labels_digest=labels,
        cross_entropy_held_out=looks,
        parameters=parameters,
        multiply_adds=multiply_adds,
    )


def held_out_curve(
    loss: nn.Module, load: Callable[[int], Task], rate: float, seeds: Sequence[int]
) -> list[float]:
    """The mean validation accuracy at the end of each segment of the trainings at a rate, one per seed."""
    curves = []
    for repeat, seed in enumerate(seeds):
        training, curve = Training(loss, load(repeat), rate, seed), []
        for segment in range(1, SEGMENTS + 1):
            training.advance(segment)
            curve.append(training.held_out_accuracy())
        curves.append(curve)
    return mean_curve(curves)


def mean_curve(curves: list[list[float]]) -> list[float]:
    """The mean of the curves; a curve that early stopping ended keeps its last value."""
    longest = max(map(len, curves), default=0)
    padded = [curve + curve[-1:] * (longest - len(curve)) for curve in curves]
    return [fmean(values) for values in zip(*padded, strict=True)]


def chance(task: Task) -> float:
    """The validation accuracy of always predicting the most frequent class."""
    if task.settings.balanced:
        return 1 / task.classes
    return float(task.validation.labels.bincount().max() / len(task.validation))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", required=True, help="name of the task")
    parser.add_argument("--settings", required=True, help="task settings as JSON")
    parser.add_argument("--labels", default="", help="digest of the task's file of labels")
    parser.add_argument("--data", required=True, help="folder of the prepared data sets")
    parser.add_argument(
        "--held-out-curve",
        action="store_true",
        help="also record cross entropy's curve on validation images, for hurdles",
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    parser.add_argument("--sweep", required=True, help="Parquet file for the sweep")
    parser.add_argument("--output", required=True, help="JSON file for the resolved task")
    run_step(main, parser)
