"""Is a loss better than cross entropy on a task? Trains both and prints a verdict with an interval.

    python -m evoloss.compare ngl --task digits_clean
    python -m evoloss.compare "square(p - y) - y * log(p)" --task fashion_full --configfile config/mine.yaml

Each loss first gets the learning rate that it likes best, from one grid. Then both are trained from
the same weights on the same batches, seed by seed, on fresh splits of training and validation images;
the interval allows for the images that such splits share.
Test images are looked at with --test alone: keep that for the end, for whoever chooses losses by
test images fits the test.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from statistics import fmean

from evoloss.errors import UserError
from evoloss.learning.datasets import Images, read_manifest
from evoloss.learning.device import choose_device
from evoloss.learning.evaluation import accuracy
from evoloss.learning.held_out import load_test_split
from evoloss.learning.preparation import prepare
from evoloss.learning.rate_sweep import sweep
from evoloss.learning.settings import DatasetSettings
from evoloss.learning.source_files import source_state
from evoloss.learning.task import Task, load_task
from evoloss.learning.training import train
from evoloss.losses.expression_loss import CROSS_ENTROPY
from evoloss.losses.formula import loss_from
from evoloss.losses.gradient_scale import task_loss
from evoloss.losses.loss_module import Loss
from evoloss.losses.registry import formula_of
from evoloss.reporting.statistics import (
    FEWEST_RUNS,
    Difference,
    paired_difference,
    standard_deviation,
)
from evoloss.search.fitness import BASELINE
from evoloss.seeds import split_seed, training_seed
from evoloss.settings import Config, load_files


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
    """One loss against cross entropy on one task of a configuration."""

    def __init__(self, text: str, task: str, config: Config, device: str, data: Path) -> None:
        if task not in config.tasks:
            raise UserError(f"--task: unknown task {task!r}; there are {', '.join(config.tasks)}")
        self.settings = config.tasks[task]
        self.name, self.data = task, data
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

    def choose_rates(self) -> list[float]:
        """The learning rate that each loss likes best; cross entropy's grid is the other's too."""
        settings = self.settings
        seeds = [training_seed("rate", 0, self.name, k) for k in range(settings.tuning_seeds)]
        grid, rates = settings.learning_rates, []
        for name, loss in self.losses.items():
            swept = sweep(
                loss, name, lambda k: self._load(split_seed("rate", 0, self.name, k)), grid, seeds
            )
            grid = swept.grid if name == BASELINE else grid
            best = fmean(row["validation_accuracy"] or 0.0 for row in swept.rows if row["chosen"])
            print(f"{name}: learning rate {swept.rate:g} ({best:.2%} in tuning)", flush=True)
            if swept.at_edge:
                print(f"{name}: {swept.warning()}", flush=True)
            rates.append(swept.rate)
        return rates

    def accuracies(self, rates: list[float], seeds: int, test: Images | None) -> list[list[float]]:
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
            for name, result in zip(self.losses, results, strict=True):
                if result.network is None:
                    raise UserError(
                        f"{name}, seed {k}: the training {result.status}: {result.reason}"
                    )
            pairs.append(
                [accuracy(r.network, part, self.settings.balanced) for r in results if r.network]
            )
            print(f"seed {k}: {BASELINE} {pairs[-1][0]:.2%}, loss {pairs[-1][1]:.2%}", flush=True)
        return [list(column) for column in zip(*pairs, strict=True)]


def up_to_date(dataset: DatasetSettings, folder: Path) -> bool:
    """Whether `folder` has a copy made with these settings from the files as they are now."""
    if not (folder / "manifest.json").is_file():
        return False
    manifest = read_manifest(folder)
    same = manifest["settings"] == dataset.anywhere().model_dump(mode="json")
    return same and manifest["source_state"] == source_state(dataset, folder)


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("loss", help="catalogue name, expression over p and y, or module:function")
    parser.add_argument("--task", required=True, help="a task of the configuration")
    parser.add_argument("--configfile", nargs="+", default=[], help="YAML files over the default")
    parser.add_argument("--seeds", type=int, default=5, help="pairs of trainings (default 5)")
    parser.add_argument("--test", action="store_true", help="score on the test images")
    flags = parser.parse_args()
    try:
        _run(flags)
    except UserError as error:
        print(f"error: {error}")
        sys.exit(1)


def _run(flags: argparse.Namespace) -> None:
    if flags.seeds < FEWEST_RUNS:
        raise UserError(f"--seeds: got {flags.seeds}, but an interval needs at least {FEWEST_RUNS}")
    config = load_files(flags.configfile)
    formula_of(flags.loss)
    if flags.loss == BASELINE:
        raise UserError("cross_entropy is what losses are compared with; name another loss")
    with tempfile.TemporaryDirectory() as scratch:
        data = Path(f"results/{config.study}/data")
        if flags.task in config.tasks:
            dataset = config.tasks[flags.task].dataset
            if not up_to_date(dataset, data / dataset.name):
                data = Path(scratch)
                prepare(dataset, data / dataset.name, {})
        comparison = Comparison(flags.loss, flags.task, config, config.device, data)
        test = None
        if flags.test:
            test = load_test_split(data / comparison.settings.dataset.name)
        rates = comparison.choose_rates()
        baseline, ours = comparison.accuracies(rates, flags.seeds, test)
    overlap = 0.0 if flags.test else comparison.overlap
    difference, sentence = verdict(flags.loss, ours, baseline, config.report.confidence, overlap)
    what = "balanced accuracy" if comparison.settings.balanced else "accuracy"
    where = "test images" if flags.test else "fresh splits of the training part"
    print(f"\n{flags.task}, {what} on {where}, n = {flags.seeds} seeds, mean and s.d.:")
    for name, values in ((BASELINE, baseline), (flags.loss, ours)):
        print(f"  {name}: {fmean(values):.2%} ± {standard_deviation(values):.2%}")
    low, high = (f"{100 * end:+.2f}" for end in (difference.low, difference.high))
    print(
        f"Difference {100 * difference.mean:+.2f} points, {config.report.confidence:.0%} interval "
        f"[{low}, {high}]: {sentence}."
    )


if __name__ == "__main__":
    main()
