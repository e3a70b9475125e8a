"""A task as resolved by rule `tune` (`tasks/<task>.json`): its settings, learning rate and reference accuracies."""

import argparse
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evoloss.files import read_json
from evoloss.learning.settings import TaskSettings


@dataclass(frozen=True)
class ResolvedTask:
    """`chance` and `cross_entropy_accuracy` are validation accuracies in [0, 1].

    `chance` is the accuracy of always predicting the most frequent class. `learning_rates` are all rates tried;
    `rate_at_edge`: the chosen rate is the lowest or highest of them. `changed_labels`: how many of the
    `training_images` labels the label noise changed, on the first tuning seed's split. `labels_digest`: digest of the
    task's file of labels, if any. `parameters` and `multiply_adds` (of one image's forward pass) are the network's.
    A hurdle compares candidates with one of two cross entropy curves (means over seeds, one value per eighteenth of
    the steps): `cross_entropy_curve` is the accuracy on the training batches of each eighteenth;
    `cross_entropy_held_out` is the accuracy on validation images at its end (empty if no hurdle needs it).
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
        """The content of `tasks/<task>.json`."""
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
    """Add the flags that say where and how a step trains the candidates of a search."""
    parser.add_argument("--tasks", nargs="+", required=True, help="resolved tasks (JSON files)")
    parser.add_argument("--data", required=True, help="folder of the prepared data sets")
    parser.add_argument(
        "--as-written",
        action="store_true",
        help="do not match gradient scales, even if a task asks for it",
    )
    parser.add_argument("--side-by-side", type=int, help="trainings at once; default by device")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
