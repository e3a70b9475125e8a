"""Compares a loss with cross entropy on one task: best learning rates, paired trainings, and a verdict."""

import sys
from pathlib import Path
from statistics import fmean

from tqdm import tqdm

from evoloss.errors import UserError
from evoloss.learning.datasets import Images, read_manifest
from evoloss.learning.device import choose_device
from evoloss.learning.evaluation import accuracy
from evoloss.learning.progress import progress
from evoloss.learning.rate_sweep import sweep, tuning
from evoloss.learning.settings import DatasetSettings, TaskSettings
from evoloss.learning.source_files import source_state
from evoloss.learning.task import Task, load_task
from evoloss.learning.training import train
from evoloss.losses.expression_loss import CROSS_ENTROPY
from evoloss.losses.formula import loss_from
from evoloss.losses.gradient_scale import task_loss
from evoloss.losses.loss_module import Loss
from evoloss.losses.registry import formula_of
from evoloss.reporting.statistics import Difference, paired_difference
from evoloss.search.fitness import BASELINE
from evoloss.seeds import split_seed, training_seed


def verdict(
    name: str, ours: list[float], baseline: list[float], confidence: float, overlap: float = 0.0
) -> tuple[Difference, str]:
    """The paired difference of accuracies (in [0, 1]), and a sentence on it. `overlap`: see `paired_difference`."""
    difference = paired_difference(ours, baseline, confidence, overlap)
    if ours == baseline:
        return difference, f"{name} has the accuracy of cross entropy on every seed"
    if difference.low == difference.high:
        return (
            difference,
            "the difference is the same for all seeds, so it has no interval; use more --seeds",
        )
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
        """A progress bar over all trainings that are known so far; grids may grow."""
        of_tuning = len(self.settings.learning_rates) * self.settings.tuning_seeds
        return progress(2 * (of_tuning + seeds), "trainings")

    def choose_rates(self, bar: tqdm) -> list[float]:
        """The best learning rate of each loss; the other loss starts with cross entropy's grown grid."""
        load, seeds = tuning("rate", self.name, self.settings, self.data, self.device)
        grid, rates = self.settings.learning_rates, []
        for name, loss in self.losses.items():
            known = [len(grid) * len(seeds)]

            def trained(known: list[int] = known) -> None:
                if known[0]:
                    known[0] -= 1
                else:
                    bar.total += 1
                bar.update()

            swept = sweep(loss, name, load, grid, seeds, trained)
            if swept.trouble:
                raise UserError(swept.trouble)
            if name == BASELINE:  # the other loss also tries the rates by which this grid has grown
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
        """Each loss's accuracies, one per seed: on fresh validation splits, or on `test`.

        Raises UserError if a training does not complete.
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
    """Print a line without breaking a progress bar."""
    tqdm.write(line, file=sys.stdout)
    sys.stdout.flush()


def up_to_date(dataset: DatasetSettings, folder: Path) -> bool:
    """Whether `folder` has a copy made with these settings from the files as they are now."""
    if not (folder / "manifest.json").is_file():
        return False
    manifest = read_manifest(folder)
    same = manifest["settings"] == dataset.anywhere().model_dump(mode="json")
    return same and manifest["source_state"] == source_state(dataset, folder)
