"""Is a loss better than cross entropy on my images? Trains with both and prints a verdict with an interval.

    python -m evoloss.compare gce --images pets --network my_network:small
    python -m evoloss.compare "square(p - y) - y * log(p)" --images labels.csv --image-size 64 --epochs 20
    python -m evoloss.compare ngl --task digits_clean

The images are a folder with train/<class>/* (and, if you have it, test/<class>/*), or a CSV file with the columns
image and label; or those of a task of a configuration. Each loss first gets the learning rate that it likes best, from
one grid. Then both are trained from the same weights on the same batches, seed by seed, on fresh splits of training
and validation images; the interval allows for the images that such splits share.
Test images are looked at with --test alone: keep that for the end, for whoever chooses losses by
test images fits the test.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from statistics import fmean

from tqdm import tqdm

from evoloss.compare_options import OPTIONS, arguments, flag_of, parser, task_of, with_flags
from evoloss.errors import UserError
from evoloss.learning.datasets import Images, read_manifest
from evoloss.learning.device import choose_device
from evoloss.learning.evaluation import accuracy
from evoloss.learning.held_out import load_test_split
from evoloss.learning.preparation import prepare
from evoloss.learning.progress import progress
from evoloss.learning.rate_sweep import sweep
from evoloss.learning.settings import DatasetSettings, TaskSettings
from evoloss.learning.source_files import source_state
from evoloss.learning.task import Task, load_task
from evoloss.learning.training import train
from evoloss.losses.expression_loss import CROSS_ENTROPY
from evoloss.losses.formula import loss_from
from evoloss.losses.gradient_scale import task_loss
from evoloss.losses.loss_module import Loss
from evoloss.losses.registry import FUNCTION, formula_of
from evoloss.own_parts import own_part_problem
from evoloss.reporting.settings import ReportSettings
from evoloss.reporting.statistics import (
    FEWEST_RUNS,
    Difference,
    paired_difference,
    standard_deviation,
)
from evoloss.search.fitness import BASELINE
from evoloss.seeds import split_seed, training_seed
from evoloss.settings import load_files


def verdict(
    name: str, ours: list[float], baseline: list[float], confidence: float, overlap: float = 0.0
) -> tuple[Difference, str]:
    """The paired difference of accuracies (shares), and what it allows to say.

    `overlap` as in `paired_difference`.
    """
    difference = paired_difference(ours, baseline, confidence, overlap)
    if ours == baseline:
        return difference, f"{name} has the accuracy of cross entropy on every seed"
    if difference.low == difference.high:
        return difference, "all seeds differ by the same, which says nothing; use more --seeds"
    if difference.low > 0:
        return difference, f"{name} is better than cross entropy"
    if difference.high < 0:
        return difference, f"{name} is worse than cross entropy"
    return difference, f"no difference between {name} and cross entropy is shown"


class Comparison:
    """One loss against cross entropy on one task."""

    def __init__(
        self, text: str, name: str, settings: TaskSettings, device: str, data: Path
    ) -> None:
        self.settings = settings
        self.name, self.data = name, data
        self.device = choose_device(device)
        self.task = self._load()
        matched, classes = self.settings.match_gradient_scale, self.task.classes
        self.losses: dict[str, Loss] = {
            BASELINE: task_loss(CROSS_ENTROPY, classes, matched),
            text: loss_from(formula_of(text), None, classes, matched),
        }
        self.overlap = len(self.task.validation) / len(self.task.train)

    def _load(self, split: int | None = None, draw: int | None = None) -> Task:
        return load_task(self.name, self.settings, self.data, self.device, split, draw)

    def bar(self, seeds: int) -> tqdm:
        """A progress bar over all trainings, as far as they are known: grids may grow."""
        tuning = len(self.settings.learning_rates) * self.settings.tuning_seeds
        return progress(2 * (tuning + seeds), "trainings")

    def choose_rates(self, bar: tqdm) -> list[float]:
        """The learning rate that each loss likes best; cross entropy's grid is the other's too."""
        settings = self.settings
        seeds = [training_seed("rate", 0, self.name, k) for k in range(settings.tuning_seeds)]
        grid, rates = settings.learning_rates, []
        for name, loss in self.losses.items():
            known = [len(grid) * len(seeds)]

            def trained(known: list[int] = known) -> None:
                if known[0]:
                    known[0] -= 1
                else:
                    bar.total += 1
                bar.update()

            def load(k: int) -> Task:
                return self._load(split_seed("rate", 0, self.name, k))

            swept = sweep(loss, name, load, grid, seeds, trained)
            if swept.trouble:
                raise UserError(swept.trouble)
            if name == BASELINE:  # the other loss tries what this grid has grown by
                bar.total += (len(swept.grid) - len(grid)) * len(seeds)
                grid = swept.grid
            best = fmean(row["validation_accuracy"] or 0.0 for row in swept.rows if row["chosen"])
            say(f"{name}: learning rate {swept.rate:g} ({best:.2%} in tuning)")
            if swept.at_edge:
                say(f"{name}: {swept.warning()}")
            rates.append(swept.rate)
        return rates

    def accuracies(
        self, rates: list[float], seeds: int, test: Images | None, bar: tqdm
    ) -> list[list[float]]:
        """Both losses' accuracies, a pair a seed: on fresh validation splits, or on `test`.

        Raises UserError when a training does not complete.
        """
        pairs = []
        for k in range(seeds):
            seed = split_seed("compare", k, self.name)
            task = self._load(draw=seed) if test is not None else self._load(seed)
            part = task.validation if test is None else task.part(test)
            results = train(
                list(self.losses.values()), task, rates, training_seed("compare", k, self.name, 0)
            )
            bar.update(2)
            for name, result in zip(self.losses, results, strict=True):
                if result.network is None:
                    raise UserError(
                        f"{name}, seed {k}: the training {result.status}: {result.reason}"
                    )
            pairs.append(
                [accuracy(r.network, part, self.settings.balanced) for r in results if r.network]
            )
            say(f"seed {k}: {BASELINE} {pairs[-1][0]:.2%}, loss {pairs[-1][1]:.2%}")
        return [list(column) for column in zip(*pairs, strict=True)]


def say(line: str) -> None:
    """Print a line without tearing a progress bar."""
    tqdm.write(line, file=sys.stdout)
    sys.stdout.flush()


def up_to_date(dataset: DatasetSettings, folder: Path) -> bool:
    """Whether `folder` has a copy made with these settings from the files as they are now."""
    if not (folder / "manifest.json").is_file():
        return False
    manifest = read_manifest(folder)
    same = manifest["settings"] == dataset.anywhere().model_dump(mode="json")
    return same and manifest["source_state"] == source_state(dataset, folder)


def main() -> None:
    """Compare and print."""
    try:
        flags = parser(__doc__).parse_args(arguments(sys.argv[1:]))
        flags.loss = flags.loss.strip()
        _run(flags)
    except UserError as error:
        print(f"error: {with_flags(str(error))}")
        sys.exit(1)


def _run(flags: argparse.Namespace) -> None:
    if flags.seeds < FEWEST_RUNS:
        raise UserError(f"--seeds: got {flags.seeds}, but an interval needs at least {FEWEST_RUNS}")
    formula_of(flags.loss)
    if flags.loss == BASELINE:
        raise UserError("cross_entropy is what losses are compared with; name another loss")
    if flags.images is not None:
        if not flags.images.strip():
            raise UserError("--images: the path is empty")
        if flags.configfile:
            raise UserError("--configfile: only --task has one; with --images options are flags")
        study, settings = None, task_of(flags.images, vars(flags))
        for name, part in (("--network", settings.network), ("loss", flags.loss)):
            problem = own_part_problem(part) if FUNCTION.fullmatch(part) else None
            if problem:
                raise UserError(f"{name}: {problem}")
        device, confidence = "auto", ReportSettings().confidence
    else:
        for name in OPTIONS:
            if getattr(flags, name) is not None:
                raise UserError(
                    f"{flag_of(name)}: only --images takes it; a task has it in its configuration"
                )
        config = load_files(flags.configfile)
        if flags.task not in config.tasks:
            raise UserError(
                f"--task: unknown task {flags.task!r}; there are {', '.join(config.tasks)}"
            )
        study, settings = config.study, config.tasks[flags.task]
        device, confidence = config.device, config.report.confidence
    name = flags.task or "images"
    with tempfile.TemporaryDirectory() as scratch:
        data = Path(f"results/{study}/data")
        if study is None or not up_to_date(settings.dataset, data / settings.dataset.name):
            data = Path(scratch)
            prepare(settings.dataset, data / settings.dataset.name, {})
        comparison = Comparison(flags.loss, name, settings, device, data)
        test = load_test_split(data / settings.dataset.name) if flags.test else None
        with comparison.bar(flags.seeds) as bar:
            rates = comparison.choose_rates(bar)
            baseline, ours = comparison.accuracies(rates, flags.seeds, test, bar)
    overlap = 0.0 if flags.test else comparison.overlap
    difference, sentence = verdict(flags.loss, ours, baseline, confidence, overlap)
    what = "balanced accuracy" if settings.balanced else "accuracy"
    where = "test images" if flags.test else "fresh splits of the training part"
    print(f"\n{name}, {what} on {where}, n = {flags.seeds} seeds, mean and s.d.:")
    for loss, values in ((BASELINE, baseline), (flags.loss, ours)):
        print(f"  {loss}: {fmean(values):.2%} ± {standard_deviation(values):.2%}")
    low, high = (f"{100 * end:+.2f}" for end in (difference.low, difference.high))
    print(
        f"Difference {100 * difference.mean:+.2f} points, {confidence:.0%} interval "
        f"[{low}, {high}]: {sentence}."
    )


if __name__ == "__main__":
    main()
