"""A task as rule `tune` resolved it (`tasks/<task>.json`): settings, learning rate, reference points."""

import argparse
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evoloss.files import read_json
from evoloss.learning.settings import TaskSettings


@dataclass(frozen=True)
class ResolvedTask:
    """`chance` and `cross_entropy_accuracy` are validation accuracies, shares in [0, 1].

    `chance` is what always naming the most frequent class gives. `learning_rates` are all that were tried;
    `rate_at_edge`: the chosen one is the lowest or highest of them. `changed_labels`: how many of the
    `training_images` labels noise made wrong, on the first tuning seed's split; `labels_digest` is of the file of
    labels, if it has one. `parameters` and `multiply_adds` (of one image's forward pass) are the network's.
    `cross_entropy_curve` is cross entropy's mean accuracy on the training batches, by eighteenths of the steps, and
    `cross_entropy_held_out` on the validation images at their ends (empty where no hurdle asks for it): what a
    hurdle is set by.
    """

    name: str
    settings: TaskSettings
    learning_rate: float
    learning_rates: list[float]
    rate_at_edge: bool
    classes: int
    chance: float
    cross_entropy_accuracy: float
    cross_entropy_curve: list[float]
    cross_entropy_held_out: list[float]
    training_images: int
    changed_labels: int
    labels_digest: str
    parameters: int
    multiply_adds: int

    def as_json(self) -> dict[str, Any]:
        """What is written to `tasks/<task>.json`."""
        return {**vars(self), "settings": self.settings.model_dump(mode="json")}


def read_resolved_tasks(paths: Iterable[str | Path]) -> list[ResolvedTask]:
    """Read resolved tasks, ordered by name."""
    values = [read_json(path) for path in paths]
    tasks = [
        ResolvedTask(**{**value, "settings": TaskSettings.model_validate(value["settings"])})
        for value in values
    ]
    return sorted(tasks, key=lambda task: task.name)


def add_training_flags(parser: argparse.ArgumentParser) -> None:
    """The flags that tell a step where and how to train a search's candidates."""
    parser.add_argument("--tasks", nargs="+", required=True, help="resolved tasks (JSON files)")
    parser.add_argument("--data", required=True, help="folder of the prepared data sets")
    parser.add_argument(
        "--as-written",
        action="store_true",
        help="do not match gradient scales, whatever the tasks say",
    )
    parser.add_argument("--side-by-side", type=int, help="most trainings at once; by the device")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
