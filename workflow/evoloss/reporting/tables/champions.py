"""Table champions: test accuracy of the runs' champions, summarised by method."""

import math

import pandas as pd

from evoloss.reporting.latex_table import Dressed
from evoloss.reporting.method_comparison import (
    STAR_NOTE,
    compare,
    difference_text,
    p_note,
    p_text,
    spread_text,
)
from evoloss.reporting.names import method_name
from evoloss.reporting.statistics import paired_difference, standard_deviation
from evoloss.reporting.study_records import StudyRecords
from evoloss.search.fitness import BASELINE

COLUMNS = [
    "task",
    "method",
    "runs",
    "trainings",
    "failed_trainings",
    "test_accuracy",
    "test_accuracy_sd",
    "difference_to_cross_entropy",
    "cross_entropy_ci_low",
    "cross_entropy_ci_high",
    "difference_to_reference",
    "reference_ci_low",
    "reference_ci_high",
    "reference_pairs",
    "p_value",
]


WIDTHS = {
    "Task": 0.14,
    "Method": 0.12,
    "Accuracy (%)": 0.1,
    "To CE (points)": 0.15,
    "To reference (points)": 0.15,
}
"""Shares of the text's width."""


def build(records: StudyRecords) -> pd.DataFrame:
    """One row a task and method. The run is the unit: a run's accuracy is its champion's mean over seeds.

    Cross entropy is the same for all runs, so that difference varies with the runs alone; it is taken
    over the training seeds that both completed. The difference to the reference method, and its p-value
    (Holm over the methods of a task), is paired by run seed. A training that did not complete is in
    `failed_trainings` and in no mean. Balanced tasks are scored by class-balanced accuracy.
    """
    if not records.description["champions"]:
        return pd.DataFrame(columns=COLUMNS)
    rows = []
    for task in records.description["retrain_tasks"]:
        balanced = task in records.description["balanced_tasks"]
        measure = "test_balanced_accuracy" if balanced else "test_accuracy"
        of_task = records.retrained[records.retrained["task"] == task]
        # Training seeds x losses; nan where a training did not complete.
        rows += _rows(
            task, of_task.pivot(index="training_seed", columns="loss", values=measure), records
        )
    return pd.DataFrame(rows, columns=COLUMNS)


def _rows(task: str, accuracy: pd.DataFrame, records: StudyRecords) -> list[dict]:
    champions = pd.DataFrame(records.description["champions"], columns=["loss", "method"])
    champions["run_seed"] = champions["loss"].str.rpartition("_seed")[2].astype(int)
    # Means skip nan.
    champions["accuracy"] = champions["loss"].map(accuracy.mean())
    gains = accuracy.sub(accuracy[BASELINE], axis=0).mean()
    champions["gain"] = champions["loss"].map(gains)
    by_run = champions.pivot(index="run_seed", columns="method", values="accuracy")
    differences = compare(by_run, records.description["reference_method"], records.confidence)
    rows = []
    for method, mine in champions.groupby("method", sort=False):
        trainings, completed = accuracy[mine["loss"]], mine["accuracy"].dropna()
        gain = mine["gain"].dropna()
        to_baseline = paired_difference(gain, [0.0] * len(gain), records.confidence)
        to_reference = differences.loc[method]
        rows.append(
            {
                "task": task,
                "method": method,
                "runs": len(completed),
                "trainings": trainings.size,
                "failed_trainings": int(trainings.isna().sum().sum()),
                "test_accuracy": completed.mean() if len(completed) else math.nan,
                "test_accuracy_sd": standard_deviation(completed),
                "difference_to_cross_entropy": to_baseline.mean,
                "cross_entropy_ci_low": to_baseline.low,
                "cross_entropy_ci_high": to_baseline.high,
                "difference_to_reference": to_reference["difference"],
                "reference_ci_low": to_reference["ci_low"],
                "reference_ci_high": to_reference["ci_high"],
                "reference_pairs": int(to_reference["pairs"]),
                "p_value": to_reference["p_value"],
            }
        )
    return rows


def dress(frame: pd.DataFrame, records: StudyRecords) -> Dressed:
    """Accuracies in percent, differences in points, the best of a task in bold."""
    shown = pd.DataFrame(
        {
            "Task": frame["task"].where(~frame["task"].duplicated(), ""),
            "Method": frame["method"].map(method_name),
            "n": frame["runs"].astype(str),
            "Accuracy (%)": [
                spread_text(row.test_accuracy, row.test_accuracy_sd, 2, 100) or "failed"
                for row in frame.itertuples()
            ],
            "To CE (points)": [
                difference_text(
                    row.difference_to_cross_entropy,
                    row.cross_entropy_ci_low,
                    row.cross_entropy_ci_high,
                    2,
                    100,
                )
                for row in frame.itertuples()
            ],
            "To reference (points)": [
                difference_text(
                    row.difference_to_reference, row.reference_ci_low, row.reference_ci_high, 2, 100
                )
                for row in frame.itertuples()
            ],
            "p": frame["p_value"].map(p_text),
        }
    )
    if frame.empty:
        return Dressed(shown, notes=("No champion was retrained.",))
    notes, widths = _notes(frame, records), WIDTHS
    if frame["p_value"].isna().all():
        shown = shown.drop(columns="p")
    if frame["task"].nunique() == 1:
        notes.insert(0, f"Task {frame['task'].iloc[0]}.")
        # Without this column no other needs to break its lines.
        shown, widths = shown.drop(columns="Task"), {}
    best = frame.groupby("task")["test_accuracy"].apply(
        lambda values: values.idxmax() if values.notna().any() else None
    )
    bold = frozenset((int(row), "Accuracy (%)") for row in best.dropna())
    return Dressed(shown, bold, tuple(notes), widths=widths)


def _notes(frame: pd.DataFrame, records: StudyRecords) -> list[str]:
    reference = method_name(records.description["reference_method"])
    level = f"{100 * records.confidence:g} %"
    notes = [
        "Test accuracy of the runs' champions: mean ± s.d. over n runs, each run the mean of its "
        f"champion's training seeds. Differences to cross entropy (CE) and, paired by run seed, to "
        f"{reference}, with {level} t intervals over runs. {STAR_NOTE}",
        "The intervals cover the runs; not the choice of learning rates or of test images.",
    ]
    first = frame[frame["task"] == frame["task"].iloc[0]]
    notes.append(p_note(first["p_value"], first["reference_pairs"]))
    if records.description["balanced_tasks"]:
        notes.append(
            f"Class-balanced accuracy: {', '.join(records.description['balanced_tasks'])}."
        )
    notes += [
        f"{row.task}, {method_name(row.method)}: {row.failed_trainings} of {row.trainings} trainings did "
        "not complete and are left out."
        for row in frame.itertuples()
        if row.failed_trainings
    ]
    return notes
