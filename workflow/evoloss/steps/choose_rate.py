"""Rule choose_rate: find the best learning rate of one loss on the task's grid, which may grow.

Every loss of the final retraining, cross entropy included, gets its own rate this way. No reported
training uses a tuning seed, and every tuning seed has its own split.
"""

import argparse
from pathlib import Path

from evoloss.command_line import Flags, run_step
from evoloss.learning.device import choose_device
from evoloss.learning.rate_sweep import sweep, tuning
from evoloss.learning.records import LEARNING_RATES
from evoloss.learning.resolved_task import read_resolved_tasks
from evoloss.losses.formula import add_loss_flags, loss_or_refusal
from evoloss.parquet import write
from evoloss.provenance import record


def main(flags: Flags) -> None:
    """Sweep the grid with one loss and record it."""
    (resolved,) = read_resolved_tasks([flags.task])
    device = choose_device(flags.device)
    name, settings = resolved.name, resolved.settings
    matched = settings.match_gradient_scale
    loss = loss_or_refusal(flags.formula, flags.champion, resolved.classes, matched)
    load, seeds = tuning("rate", name, settings, Path(flags.data), device)
    swept = sweep(loss, flags.loss, load, resolved.learning_rates, seeds)
    print(f"{flags.loss} on {name}: rate {swept.rate:g}")
    if swept.trouble:  # its final trainings will fail too; the report leaves them out
        print(f"warning: {swept.trouble}")
    elif swept.at_edge:
        print(f"{flags.loss} on {name}: {swept.warning()}")
    metadata = record(
        flags, "choose_rate", task=name, expression=loss.text, seeds=seeds, settings=settings
    )
    write(flags.output, swept.rows, LEARNING_RATES, metadata)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    add_loss_flags(parser)
    parser.add_argument("--output", required=True, help="Parquet file to write")
    run_step(main, parser)
