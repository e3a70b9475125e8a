"""Is a loss better than cross entropy on my images? Trains with both and prints a verdict with an interval.

    python -m evoloss.compare gce --images pets --network my_network:small
    python -m evoloss.compare "square(p - y) - y * log(p)" --images labels.csv --image-size 64 --epochs 20
    python -m evoloss.compare ngl --task digits_clean

The images are a folder with train/<class>/* (and, if you have it, test/<class>/*), a CSV file with the columns image
and label, or the images of a task of a configuration. First the best learning rate of each loss is chosen from one
grid. Then, for each seed, both losses train from the same weights on the same batches, with a fresh split into
training and validation images. The interval takes into account that these splits share images.
Test images are used with --test only. Keep that for the end: a loss that is chosen by test images overfits them.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from evoloss.compare.comparison import Comparison, up_to_date, verdict
from evoloss.compare.options import OPTIONS, arguments, flag_of, parser, task_of, with_flags
from evoloss.errors import UserError
from evoloss.learning.held_out import load_test_split
from evoloss.learning.preparation import prepare
from evoloss.learning.settings import TaskSettings
from evoloss.losses.registry import FUNCTION, formula_of
from evoloss.reporting.settings import ReportSettings
from evoloss.reporting.statistics import FEWEST_RUNS, standard_deviation
from evoloss.search.fitness import BASELINE
from evoloss.study.configuration import load_files
from evoloss.study.own_parts import own_part_problem


def main() -> None:
    """Compare the losses and print the verdict."""
    try:
        flags = parser(__doc__).parse_args(arguments(sys.argv[1:]))
        flags.loss = flags.loss.strip()
        _check(flags)
        _run(flags, _own_images(flags) if flags.images is not None else _of_a_study(flags))
    except UserError as error:
        print(f"error: {with_flags(str(error))}")
        sys.exit(1)


class Where(NamedTuple):
    """The task that the losses are compared on, and the study that may have prepared its images already."""

    name: str
    settings: TaskSettings
    device: str
    confidence: float
    study: str | None = None


def _check(flags: argparse.Namespace) -> None:
    if flags.seeds < FEWEST_RUNS:
        raise UserError(f"--seeds: got {flags.seeds}, but an interval needs at least {FEWEST_RUNS}")
    formula_of(flags.loss)
    if flags.loss == BASELINE:
        raise UserError("cross_entropy is what losses are compared with; name another loss")


def _own_images(flags: argparse.Namespace) -> Where:
    if not flags.images.strip():
        raise UserError("--images: the path is empty")
    if flags.configfile:
        raise UserError("--configfile goes with --task only; with --images, the options are flags")
    settings = task_of(flags.images, vars(flags))
    for name, part in (("--network", settings.network), ("loss", flags.loss)):
        problem = own_part_problem(part) if FUNCTION.fullmatch(part) else None
        if problem:
            raise UserError(f"{name}: {problem}")
    return Where("images", settings, "auto", ReportSettings().confidence)


def _of_a_study(flags: argparse.Namespace) -> Where:
    for name in OPTIONS:
        if getattr(flags, name) is not None:
            raise UserError(
                f"{flag_of(name)}: only --images takes it; a task has it in its configuration"
            )
    config = load_files(flags.configfile)
    if flags.task not in config.tasks:
        raise UserError(f"--task: unknown task {flags.task!r}; there are {', '.join(config.tasks)}")
    task, level = config.tasks[flags.task], config.report.confidence
    return Where(flags.task, task, config.device, level, config.study)


def _run(flags: argparse.Namespace, where: Where) -> None:
    dataset = where.settings.dataset
    with tempfile.TemporaryDirectory() as scratch:
        data = Path(f"results/{where.study}/data")
        if where.study is None or not up_to_date(dataset, data / dataset.name):
            data = Path(scratch)
            prepare(dataset, data / dataset.name, {})
        comparison = Comparison(flags.loss, where.name, where.settings, where.device, data)
        test = load_test_split(data / dataset.name) if flags.test else None
        with comparison.bar(flags.seeds) as bar:
            rates = comparison.choose_rates(bar)
            baseline, ours = comparison.accuracies(rates, flags.seeds, test, bar)
    overlap = 0.0 if flags.test else comparison.overlap
    difference, sentence = verdict(flags.loss, ours, baseline, where.confidence, overlap)
    what = "balanced accuracy" if where.settings.balanced else "accuracy"
    images = "test images" if flags.test else "fresh splits of the training part"
    print(f"\n{where.name}, {what} on {images}, n = {flags.seeds} seeds, mean and s.d.:")
    for loss, values in ((BASELINE, baseline), (flags.loss, ours)):
        print(f"  {loss}: {fmean(values):.2%} ± {standard_deviation(values):.2%}")
    low, high = (f"{100 * end:+.2f}" for end in (difference.low, difference.high))
    print(
        f"Difference {100 * difference.mean:+.2f} points, {where.confidence:.0%} interval "
        f"[{low}, {high}]: {sentence}."
    )


if __name__ == "__main__":
    main()
