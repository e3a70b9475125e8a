"""Table accuracy: test accuracy of every retrained loss, and its paired difference to cross entropy."""

import math
from collections.abc import Iterator
from textwrap import shorten

import pandas as pd

from evoloss.reporting.differences import accuracy_text, difference_text, few_note, p_note
from evoloss.reporting.latex_table import Dressed, signed
from evoloss.reporting.names import loss_name
from evoloss.reporting.statistics import (
    FEWEST_RUNS,
    SMALLEST_TESTED,
    differing,
    holm,
    paired_difference,
    standard_deviation,
    wilcoxon_p,
)
from evoloss.reporting.study_records import StudyRecords, accuracy_column
from evoloss.search.fitness import BASELINE

OF_ACCURACY = ["test_accuracy", "test_accuracy_sd", "accuracy_of_seeds", "training_seeds"]
INCOMPLETE = "trainings did not complete"
LONGEST_REASON = 120
"""Most characters of the reason that a note quotes."""


def build(records: StudyRecords) -> pd.DataFrame:
    """One row per task and loss. Differences are paired by training seed: same initial weights, same batches.

    A task that is scored by class-balanced accuracy has balanced accuracies here too. Trainings that
    did not complete are left out of the means; `note` gives their number and the first reason.
    """
    rows = []
    for task in records.description["retrain_tasks"]:
        of_task = records.retrained[records.retrained["task"] == task]
        measure = accuracy_column(records.description, task)
        accuracies = {
            loss: of_task[of_task["loss"] == loss].set_index("training_seed")[measure]
            for loss in records.description["losses"]
        }
        baseline = accuracies[BASELINE].dropna()
        task_rows = [
            _row(task, loss, of_task[of_task["loss"] == loss], values, baseline, records.confidence)
            for loss, values in accuracies.items()
        ]
        corrected = holm([row["p_value"] for row in task_rows])
        for row, p in zip(task_rows, corrected, strict=True):
            row["p_value"] = p
        rows += task_rows
    return pd.DataFrame(rows)


def _row(
    task: str,
    loss: str,
    trainings: pd.DataFrame,
    values: pd.Series,
    baseline: pd.Series,
    confidence: float,
) -> dict:
    completed = values.dropna()
    common = completed.index.intersection(baseline.index)
    notes = []
    if len(completed) < len(values):
        (reason, *_) = trainings.loc[trainings["status"] != "completed", "reason"]
        count = f"{len(values) - len(completed)} of {len(values)}"
        notes.append(f"{count} {INCOMPLETE}: {shorten(reason or 'unknown', LONGEST_REASON)}")
    if loss == BASELINE:
        difference, p, sd, count = paired_difference([], [], confidence), math.nan, math.nan, 0
        notes.append("baseline")
    else:
        difference = paired_difference(completed[common], baseline[common], confidence)
        p = wilcoxon_p(completed[common], baseline[common])
        sd = (completed[common] - baseline[common]).std()
        count = differing(completed[common], baseline[common])
        if len(common) > 1 and (completed[common] == baseline[common]).all():
            notes.append("the accuracy of cross entropy on every seed")
        if len(common) < SMALLEST_TESTED:
            notes.append(f"no test below {SMALLEST_TESTED} pairs")
    return {
        "task": task,
        "loss": loss,
        "training_seeds": len(completed),
        "learning_rate": trainings["learning_rate"].iloc[0],
        "rate_at_edge": trainings["rate_at_edge"].iloc[0],
        "test_accuracy": completed.mean() if len(completed) else math.nan,
        "test_accuracy_sd": standard_deviation(completed),
        "accuracy_of_seeds": " ".join(f"{value:.6g}" for value in completed),
        "difference_to_cross_entropy": difference.mean,
        "ci_low": difference.low,
        "ci_high": difference.high,
        "difference_sd": sd,
        "differing_seeds": count,
        "p_value": p,
        "test_nll_scaled": trainings["test_nll_scaled"].mean(),
        "test_ece": trainings["test_ece"].mean(),
        "test_ece_scaled": trainings["test_ece_scaled"].mean(),
        "seconds": trainings["seconds"].mean(),
        "note": "; ".join(notes),
    }


def dress(frame: pd.DataFrame, records: StudyRecords) -> Dressed:
    """Accuracies in percent. A star marks an interval that excludes 0; the best of a task is bold."""
    shown = pd.DataFrame(
        {
            "Task": frame["task"].where(~frame["task"].duplicated(), ""),
            "Loss": frame["loss"].map(loss_name),
            "n": frame["training_seeds"].astype(str),
            "Rate": frame["learning_rate"].map(lambda v: f"{v:g}"),
            "Accuracy (%)": [
                accuracy_text(*values) for values in frame[OF_ACCURACY].itertuples(index=False)
            ],
            "Difference to CE (points)": [
                difference_text(row.difference_to_cross_entropy, row.ci_low, row.ci_high, 2, 100)
                for row in frame.itertuples()
            ],
            "p": frame["p_value"].map(lambda p: "" if pd.isna(p) else f"{p:.3f}"),
            "ECE (%)": frame["test_ece"].map(lambda v: signed(100 * v, 1)),
            "Scaled (%)": frame["test_ece_scaled"].map(lambda v: signed(100 * v, 1)),
        }
    )
    if frame["p_value"].isna().all():
        shown = shown.drop(columns="p")
    if frame["task"].nunique() == 1:
        shown = shown.drop(columns="Task")
    best = frame[frame["training_seeds"] >= FEWEST_RUNS].groupby("task")["test_accuracy"].idxmax()
    bold = frozenset((int(row), "Accuracy (%)") for row in best.dropna())
    return Dressed(shown, bold, tuple(_notes(frame, records)))


def _notes(frame: pd.DataFrame, records: StudyRecords) -> Iterator[str]:
    few, level = frame["training_seeds"].max() < FEWEST_RUNS, f"{100 * records.confidence:g} %"
    if frame["task"].nunique() == 1:
        yield f"Task {frame['task'].iloc[0]}."
    yield (
        "One value per training seed. Differences to cross entropy (CE) are paired by training seed. "
        "ECE: expected calibration error. Scaled: ECE after temperature scaling."
        if few
        else "Mean ± s.d. over n training seeds. A champion represents only its own run. Differences to cross "
        f"entropy (CE) are paired by training seed, with {level} t intervals. *: the interval excludes 0, not "
        "corrected for the number of losses. Intervals cover the training seeds, not the choice of learning rates "
        "or of test images. ECE: expected calibration error. Scaled: ECE after temperature scaling."
    )
    if balanced := records.description["balanced_tasks"]:
        yield f"Class-balanced accuracy: {', '.join(balanced)}."
    at_edge = frame["loss"][frame["rate_at_edge"]].unique()
    if len(at_edge):
        losses = ", ".join(map(loss_name, at_edge))
        yield f"The best learning rate is the lowest or highest tried: {losses}."
    for row in frame[frame["note"].str.contains(INCOMPLETE, regex=False)].itertuples():
        yield f"{loss_name(row.loss)}: {row.note}."
    compared, unit = frame[frame["loss"] != BASELINE], "training seeds"
    if few:
        mean, sd = 100 * frame["difference_to_cross_entropy"], 100 * frame["difference_sd"]
        yield few_note(mean, sd, " points", records.confidence, unit)
    else:
        yield p_note(compared["p_value"], compared["differing_seeds"], unit)
