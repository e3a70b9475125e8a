"""Rule retrain: final trainings of one loss on a block of seeds, and the only look at the test split.

A training seed draws the initial weights and the batches and, if the task has them, the sample of training images and
the noise on them. These are the same for all losses. The split is the data set's own; the test split is not changed.
"""

import argparse
from pathlib import Path
from typing import Any

from evoloss.command_line import Flags, run_step
from evoloss.learning.accuracy import mean_margin
from evoloss.learning.calibration import calibration
from evoloss.learning.datasets import Images
from evoloss.learning.device import choose_device, device_name
from evoloss.learning.evaluation import logits_of
from evoloss.learning.held_out import load_test_split
from evoloss.learning.records import LEARNING_RATES, RETRAININGS
from evoloss.learning.resolved_task import ResolvedTask, read_resolved_tasks
from evoloss.learning.task import Part, Task, load_task
from evoloss.learning.training import train
from evoloss.learning.training_result import TrainingResult
from evoloss.losses.formula import add_loss_flags, loss_or_refusal
from evoloss.losses.loss_module import Loss
from evoloss.parquet import read, write
from evoloss.provenance import record
from evoloss.seeds import derive_seed, training_seed

OF_TEST = [name for name in RETRAININGS.names if name.startswith(("test_", "temperature"))]
"""Columns that are null for a training that did not complete."""


def main(flags: Flags) -> None:
    """Train with the loss's own rate and record curves, test accuracy and calibration."""
    (resolved,) = read_resolved_tasks([flags.task])
    matched = resolved.settings.match_gradient_scale
    loss = loss_or_refusal(flags.formula, flags.champion, resolved.classes, matched)
    sweep = read(flags.learning_rate, LEARNING_RATES)
    chosen = next(row for row in sweep if row["chosen"])
    test = load_test_split(Path(flags.data) / resolved.settings.dataset.name)
    rows = [
        training(number, resolved, loss, chosen, test, flags) for number in flags.training_seeds
    ]
    metadata = record(
        flags, "retrain", task=resolved.name, expression=loss.text, settings=resolved.settings
    )
    write(flags.output, rows, RETRAININGS, metadata)


def training(
    number: int,
    resolved: ResolvedTask,
    loss: Loss,
    chosen: dict[str, Any],
    test: Images,
    flags: Flags,
) -> dict[str, Any]:
    """The row of one training seed; `chosen` is a training of the sweep at the chosen rate."""
    rate = chosen["learning_rate"]
    draw = derive_seed("retrain draw", number, resolved.name)
    device = choose_device(flags.device)
    task = load_task(resolved.name, resolved.settings, Path(flags.data), device, draw_seed=draw)
    seed = training_seed("retrain", number, task.name, 0)
    (result,) = train([loss], task, [rate], seed, per_epoch=True)
    row = {
        "task": task.name,
        "loss": flags.loss,
        "training_seed": number,
        "learning_rate": rate,
        "rate_at_edge": chosen["at_edge"],
        "factor": loss.factor,
        "device": device_name(device),
        "validation_accuracy": result.validation_accuracies,
        **result.columns("status", "reason", "training_loss", "training_accuracy", "steps"),
        **result.columns("training_samples", "seconds", "peak_memory_bytes"),
        **tested(result, task, task.part(test)),
    }
    print(f"seed {number}: {result.status}, test accuracy {row['test_accuracy']}", flush=True)
    return row


def tested(result: TrainingResult, task: Task, test: Part) -> dict[str, Any]:
    """Test accuracy, margin, NLL and ECE; the last two raw and with the temperature chosen on validation images."""
    if result.network is None:
        return dict.fromkeys(OF_TEST)
    logits, held_out = logits_of(result.network, test), task.validation
    calibrated = calibration(
        logits_of(result.network, held_out), held_out.labels, logits, test.labels
    )
    return {"test_margin": mean_margin(logits, test.labels), **calibrated}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    add_loss_flags(parser)
    parser.add_argument("--learning-rate", required=True, help="Parquet file of the loss's sweep")
    parser.add_argument("--training-seeds", nargs="+", type=int, required=True)
    parser.add_argument("--output", required=True, help="Parquet file to write")
    run_step(main, parser)
