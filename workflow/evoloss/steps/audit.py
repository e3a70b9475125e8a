"""Rule audit: fully train some expressions that a run rejected or stopped; the run is not charged."""

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from evoloss.command_line import Flags, run_step
from evoloss.functional_check.settings import STAGES
from evoloss.learning.device import choose_device
from evoloss.learning.expression_training import train_expressions
from evoloss.learning.resolved_task import ResolvedTask, add_training_flags, read_resolved_tasks
from evoloss.learning.task import Task, load_task
from evoloss.parquet import write
from evoloss.provenance import record
from evoloss.search.records import AUDIT, STOPPED
from evoloss.search.run_folder import RunFolder, add_run_flags
from evoloss.seeds import generator, split_seed, training_seed

AUDITED = ("method", *(stage for stage in STAGES if stage != "novel"), STOPPED)
"""The stages that are audited. Not `novel`: the search keeps the other twin of what that stage rejects."""


def main(flags: Flags) -> None:
    """Draw rejected and stopped expressions, train each as the search would have, and record it."""
    drawn = draw(rejected(RunFolder.of(flags)), flags.trainings, flags.method, flags.run_seed)
    device = choose_device(flags.device)
    rows = []
    for resolved in read_resolved_tasks(flags.tasks):
        split = split_seed("search", flags.run_seed, resolved.name)
        task = load_task(resolved.name, resolved.settings, Path(flags.data), device, split)
        for multiple in json.loads(flags.rates):
            trained = full_trainings(drawn, task, resolved, multiple, flags)
            rows += [
                {"slot": slot, **row, **training}
                for slot, (row, training) in enumerate(zip(drawn, trained, strict=True))
            ]
    metadata = record(flags, "audit", settings={"trainings": flags.trainings})
    write(flags.output, rows, AUDIT, metadata)


def rejected(folder: RunFolder) -> dict[str, list[dict[str, Any]]]:
    """The expressions that each stage rejected, in order and without duplicates."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for generation in range(len(folder.batches)):
        candidates, proposals, evaluations = folder.generation(generation)
        for row in proposals:
            if row["rejected_by"] in AUDITED:
                found[row["rejected_by"]].setdefault(row["expression"], generation)
        stopped = {e["candidate_id"] for e in evaluations if e["status"] == "stopped_early"}
        # A candidate that completed at another rate was not lost.
        stopped -= {e["candidate_id"] for e in evaluations if e["status"] == "completed"}
        for row in candidates:
            if row["candidate_id"] in stopped and row["purpose"] == "new":
                found[STOPPED].setdefault(row["expression"], generation)
    return {
        stage: [
            {"stage": stage, "stage_total": len(found[stage]), "generation": g, "expression": text}
            for text, g in found[stage].items()
        ]
        for stage in AUDITED
    }


def draw(
    by_stage: dict[str, list[dict[str, Any]]], trainings: int, method: str, run_seed: int
) -> list[dict[str, Any]]:
    """Draw `trainings` rows, or all if there are fewer, from each stage in turn, without replacement.

    The latest stages come first, because what they reject got furthest.
    """
    queues = []
    for stage, rows in reversed(by_stage.items()):
        order = generator("audit", method, run_seed, stage).permutation(len(rows))
        queues.append([rows[i] for i in order])
    rounds = range(max(map(len, queues), default=0))
    turns = [queue[turn] for turn in rounds for queue in queues if turn < len(queue)]
    return turns[:trainings]


def full_trainings(
    rows: Sequence[dict[str, Any]],
    task: Task,
    resolved: ResolvedTask,
    multiple: float,
    flags: Flags,
) -> Iterator[dict[str, Any]]:
    """The trainings that the search did not make or finish, on its seed and split, at one of its rates."""
    seed = training_seed("search", flags.run_seed, task.name, 0)
    rate = resolved.learning_rate * multiple
    losses = [row["expression"] for row in rows]
    results = train_expressions(
        losses, task, [rate] * len(rows), seed, flags.as_written, flags.side_by_side
    )
    for row, result in zip(rows, results, strict=True):
        accuracy = result.validation_accuracy
        print(f"{row['stage']}: {result.status}, accuracy {accuracy}: {row['expression']}")
        yield {
            "task": task.name,
            "training_seed": seed,
            "rate_multiple": multiple,
            **result.columns("validation_accuracy", "status", "reason"),
            **result.columns("training_samples", "seconds"),
        }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trainings", type=int, required=True, help="how many to train")
    parser.add_argument(
        "--rates", default="[1.0]", help="multiples of cross entropy's rate, as a JSON list"
    )
    add_run_flags(parser)
    add_training_flags(parser)
    parser.add_argument("--output", required=True, help="Parquet file to write")
    run_step(main, parser)
