"""Accuracy, speed and margin of every retrained loss, on tasks that differ in one setting."""

import math
from typing import Any

import pandas as pd

from evoloss.reporting.statistics import FEWEST_RUNS, paired_difference, standard_deviation
from evoloss.reporting.study_records import StudyRecords, accuracy_column
from evoloss.search.fitness import BASELINE

TARGET = 0.9
"""The target of `epochs_to_target`, as a share of the gain over chance, in validation accuracy, that cross entropy
ends with on the task at its own learning rate."""


def outcomes(records: StudyRecords) -> pd.DataFrame:
    """One row per task and loss; each task stands once, in the order of the conditions.

    Differences are paired by training seed: a pair has the same initial weights, batches, sample of images and noise.
    A training that did not complete counts in `training_seeds` alone, and as one that does not reach the target.
    """
    settings = {task["name"]: task for task in records.all_tasks}
    names = dict.fromkeys(
        task for condition in records.description["conditions"] for task in condition["tasks"]
    )
    return pd.DataFrame(row for name in names for row in _of_task(settings[name], records))


def _of_task(task: dict[str, Any], records: StudyRecords) -> list[dict[str, Any]]:
    mine = records.retrained[records.retrained["task"] == task["name"]]
    settings = task["settings"]
    of_task = {
        "task": task["name"],
        "dataset": settings["dataset"]["name"],
        "classes": task["classes"],
        "training_images": task["training_images"],
        "label_noise": settings["label_noise"]["share"],
        "input_noise": settings["input_noise"],
        "epochs": settings["epochs"],
    }
    by_loss = {
        loss: mine[mine["loss"] == loss].set_index("training_seed")
        for loss in records.description["losses"]
    }
    baseline = _completed(by_loss[BASELINE])
    target = math.nan
    if len(baseline):
        end = baseline["validation_accuracy"].map(lambda curve: curve[-1]).mean()
        target = task["chance"] + TARGET * (end - task["chance"])
    measure = accuracy_column(records.description, task["name"])
    rows = []
    for loss, trainings in by_loss.items():
        done = _completed(trainings)
        rows.append(
            {
                **of_task,
                "loss": loss,
                "learning_rate": trainings["learning_rate"].iloc[0],
                "training_seeds": len(trainings),
                **_accuracy(loss, done[measure], baseline[measure], records.confidence),
                **_speed(done["validation_accuracy"], len(trainings), target),
                "test_margin": done["test_margin"].mean(),
                "test_margin_sd": standard_deviation(done["test_margin"]),
            }
        )
    return rows


def _accuracy(loss: str, done: pd.Series, baseline: pd.Series, level: float) -> dict[str, Any]:
    common = done.index.intersection(baseline.index)
    difference = paired_difference(done[common], baseline[common], level)
    shown = loss != BASELINE
    known = shown and difference.pairs >= FEWEST_RUNS
    return {
        "completed": len(done),
        "test_accuracy": done.mean(),
        "test_accuracy_sd": standard_deviation(done),
        "difference_to_cross_entropy": difference.mean if shown else math.nan,
        "ci_low": difference.low if known else math.nan,
        "ci_high": difference.high if known else math.nan,
    }


def _speed(curves: pd.Series, trainings: int, target: float) -> dict[str, Any]:
    epochs = [epochs_to(curve, target) for curve in curves]
    reached = [number for number in epochs if math.isfinite(number)]
    by_all = len(reached) == trainings
    return {
        "target": target,
        "reached": len(reached),
        "epochs_to_target": pd.Series(reached, dtype=float).mean() if by_all else math.inf,
        "epochs_to_target_sd": standard_deviation(reached) if by_all else math.nan,
    }


def _completed(trainings: pd.DataFrame) -> pd.DataFrame:
    return trainings[trainings["status"] == "completed"]


def epochs_to(curve: list[float], target: float) -> float:
    """The first epoch (from 1) whose accuracy reaches the target; infinity if none does."""
    reached = (epoch for epoch, accuracy in enumerate(curve, start=1) if accuracy >= target)
    return next(reached, math.inf)
