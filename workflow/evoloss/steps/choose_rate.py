"""Rule choose_rate: the learning rate that one loss likes best, from the task's grid, which may grow.

Every loss of the final retraining, cross entropy included, gets its own rate this way, on tuning
seeds that no reported training uses, each with a split of its own.
"""

import argparse
from pathlib import Path

from evoloss.command_line import Flags, run_step
from evoloss.learning.device import choose_device
from evoloss.learning.rate_sweep import sweep
from evoloss.learning.records import LEARNING_RATES
from evoloss.learning.resolved_task import read_resolved_tasks
from evoloss.learning.task import Task, load_task
from evoloss.losses.formula import loss_or_refusal
from evoloss.parquet import write
from evoloss.provenance import record
from evoloss.seeds import split_seed, training_seed


def main(flags: Flags) -> None:
    """Sweep the grid with one loss and record it."""
    (resolved,) = read_resolved_tasks([flags.task])
    device = choose_device(flags.device)
    name, settings = resolved.name, resolved.settings

    def load(repeat: int) -> Task:
        split = split_seed("rate", 0, name, repeat)
        return load_task(name, settings, Path(flags.data), device, split)

    loss = loss_or_refusal(
        flags.formula, flags.champion, resolved.classes, settings.match_gradient_scale
    )
    seeds = [training_seed("rate", 0, name, repeat) for repeat in range(settings.tuning_seeds)]
    swept = sweep(loss, flags.loss, load, resolved.learning_rates, seeds)
    print(f"{flags.loss} on {name}: rate {swept.rate:g}")
    if swept.trouble:  # the final trainings fail too; what trains is reported without them
        print(f"warning: {swept.trouble}")
    elif swept.at_edge:
        print(f"{flags.loss} on {name}: {swept.warning()}")
    metadata = record(
        flags,
        "choose_rate",
        task=name,
        loss=flags.loss,
        expression=loss.text,
        seeds=seeds,
        settings=settings.model_dump(mode="json"),
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
