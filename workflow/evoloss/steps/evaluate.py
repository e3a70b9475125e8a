"""Rule evaluate: train a network with each candidate of one batch, on every search task."""

import argparse
from pathlib import Path
from typing import Any

from evoloss.command_line import Flags, run_step
from evoloss.learning.records import EVALUATIONS
from evoloss.learning.resolved_task import read_resolved_tasks
from evoloss.parquet import read, write
from evoloss.provenance import record
from evoloss.search.records import CANDIDATES
from evoloss.seeds import training_seed


def main(flags: Flags) -> None:
    """Write one row a training. A batch without candidates costs no start-up of torch."""
    start = flags.batch * flags.batch_size
    planned = read(flags.candidates, CANDIDATES)[start : start + flags.batch_size]
    candidates = [row for row in planned if row["purpose"] != "reused"]
    tasks = read_resolved_tasks(flags.tasks)
    rows = trainings(candidates, tasks, flags) if candidates else []
    metadata = record(
        flags.study,
        "evaluate",
        run_seed=flags.run_seed,
        batch=flags.batch,
        settings=[task.as_json() for task in tasks],
    )
    write(flags.output, rows, EVALUATIONS, metadata)


def trainings(candidates: list[dict], tasks: list, flags: Flags) -> list[dict[str, Any]]:
    """Train every candidate on every task."""
    from evoloss.expressions.parsing import parse
    from evoloss.learning.task import load_task
    from evoloss.learning.training import TrainingResult, choose_device, device_name, train
    from evoloss.losses.gradient_scale import LossError, task_loss

    device = choose_device(flags.device)
    rows = []
    for resolved in tasks:
        task = load_task(resolved.name, resolved.settings, Path(flags.data), device)
        matched = task.settings.match_gradient_scale and not flags.as_written
        for candidate in candidates:
            seed = training_seed("search", flags.run_seed, task.name, candidate["repeat"])
            try:
                loss = task_loss(parse(candidate["expression"]), task.classes, matched)
                (result,) = train([loss], task, [resolved.learning_rate], seed)
            except LossError as error:  # a loss that cannot be scaled, from an unchecked pool
                result = TrainingResult("failed", str(error), 0, 0, 0, 0.0, 0.0, None, None)
            print(
                f"{candidate['candidate_id']} {task.name} {result.status} "
                f"accuracy {result.validation_accuracy} in {result.seconds:.2f} s: "
                f"{candidate['expression']}",
                flush=True,
            )
            rows.append(
                {
                    "candidate_id": candidate["candidate_id"],
                    "task": task.name,
                    "training_seed": seed,
                    "validation_accuracy": result.validation_accuracy,
                    "status": result.status,
                    "reason": result.reason,
                    "steps": result.steps,
                    "training_samples": result.training_samples,
                    "validation_samples": result.validation_samples,
                    "seconds": result.seconds,
                    "validation_seconds": result.validation_seconds,
                    "device": device_name(device),
                    "peak_memory_bytes": result.peak_memory_bytes,
                }
            )
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--candidates", required=True, help="Parquet file with the plan")
    parser.add_argument("--tasks", nargs="+", required=True, help="resolved tasks (JSON files)")
    parser.add_argument("--data", required=True, help="folder of the prepared data sets")
    parser.add_argument("--run-seed", type=int, required=True)
    parser.add_argument("--batch", type=int, required=True, help="which batch of the plan, from 0")
    parser.add_argument("--batch-size", type=int, required=True, help="candidates a batch")
    parser.add_argument(
        "--as-written",
        action="store_true",
        help="do not match gradient scales, whatever the tasks say",
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    parser.add_argument("--output", required=True, help="Parquet file to write")
    run_step(main, parser)
