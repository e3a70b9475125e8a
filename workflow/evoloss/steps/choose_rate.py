"""Rule choose_rate: the learning rate that one loss likes best, from the task's grid, which may grow.

Every loss of the final retraining, cross entropy included, gets its own rate this way, on tuning
seeds that no reported training uses.
"""

import argparse
from pathlib import Path

from evoloss.command_line import Flags, run_step
from evoloss.learning.device import choose_device
from evoloss.learning.rate_sweep import sweep
from evoloss.learning.records import LEARNING_RATES
from evoloss.learning.resolved_task import read_resolved_tasks
from evoloss.learning.task import load_task
from evoloss.losses.formula import loss_from
from evoloss.parquet import write
from evoloss.provenance import record
from evoloss.seeds import training_seed


def main(flags: Flags) -> None:
    """Sweep the grid with one loss and record it."""
    (resolved,) = read_resolved_tasks([flags.task])
    device = choose_device(flags.device)
    task = load_task(resolved.name, resolved.settings, Path(flags.data), device)
    matched = task.settings.match_gradient_scale
    loss = loss_from(flags.formula, flags.champion, task.classes, matched)
    seeds = [
        training_seed("rate", 0, task.name, repeat) for repeat in range(task.settings.tuning_seeds)
    ]
    swept = sweep(loss, flags.loss, task, resolved.learning_rates, seeds)
    print(f"{flags.loss} on {task.name}: rate {swept.rate:g}")
    if swept.at_edge:
        print(f"{flags.loss} on {task.name}: {swept.warning()}")
    metadata = record(
        flags.study,
        "choose_rate",
        task=task.name,
        loss=flags.loss,
        expression=loss.text,
        seeds=seeds,
        settings=task.settings.model_dump(mode="json"),
    )
    write(flags.output, swept.rows, LEARNING_RATES, metadata)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loss", required=True, help="name of the loss")
    parser.add_argument("--formula", help="its expression, or module:function; or")
    parser.add_argument("--champion", help="a champion.json that holds it")
    parser.add_argument("--task", required=True, help="resolved task (JSON file)")
    parser.add_argument("--data", required=True, help="folder of the prepared data sets")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    parser.add_argument("--output", required=True, help="Parquet file to write")
    run_step(main, parser)
