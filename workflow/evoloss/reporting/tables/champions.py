"""Table champions: test accuracy of the runs' champions, summarised by method."""

import math

import pandas as pd

from evoloss.reporting.differences import (
    STAR_NOTE,
    accuracy_text,
    breakable,
    compare,
    difference_text,
    few_note,
    p_note,
    p_text,
)
from evoloss.reporting.latex_table import Dressed
from evoloss.reporting.names import method_name
from evoloss.reporting.statistics import (
    FEWEST_RUNS,
    crossed_mean,
    paired_difference,
    standard_deviation,
)
from evoloss.reporting.study_records import StudyRecords, accuracy_column
from evoloss.search.fitness import BASELINE

COLUMNS = [
    "task",
    "method",
    "runs",
    "run_seeds",
    "trainings",
    "failed_trainings",
    "test_accuracy",
    "test_accuracy_sd",
    "accuracy_of_runs",
    "difference_to_cross_entropy",
    "cross_entropy_ci_low",
    "cross_entropy_ci_high",
    "below_cross_entropy",
    "distinct",
    "difference_to_reference",
    "reference_ci_low",
    "reference_ci_high",
    "reference_pairs",
    "reference_sd",
    "differing_runs",
    "p_value",
]

POOLED = "all"
"""Stands for a method's name in the row on all champions of a task together."""
OF_ACCURACY = ["test_accuracy", "test_accuracy_sd", "accuracy_of_runs", "runs"]


def build(records: StudyRecords) -> pd.DataFrame:
    """One row per task and method, and one for all champions of a task (`method` is "all").

    The run is the unit: a run's accuracy is its champion's mean over training seeds. The difference to cross entropy
    is a mean over run seeds and training seeds. Its interval covers both (`crossed_mean`), because all champions are
    compared with the same few trainings of cross entropy. The champions of one run seed share data and are often the
    same loss. So the pooled row takes the run seed as its unit, and the mean of its champions as the value. Below
    FEWEST_RUNS run seeds the pooled interval covers only the training seeds, for these champions. A champion with an
    incomplete training is left out of this difference, of `below_cross_entropy` (how many champions have a lower mean
    accuracy than cross entropy) and of `distinct` (how many train differently). The difference to the reference
    method and its p-value (Holm over the methods of a task) are paired by run seed. `failed_trainings` counts
    trainings that did not complete; no mean includes them. Balanced tasks are scored by class-balanced accuracy.
    """
    if not records.description["champions"]:
        return pd.DataFrame(columns=COLUMNS)
    rows = []
    for task in records.description["retrain_tasks"]:
        measure = accuracy_column(records.description, task)
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
    gains = accuracy.sub(accuracy[BASELINE], axis=0)
    by_run = champions.pivot(index="run_seed", columns="method", values="accuracy")
    differences = compare(by_run, records.description["reference_method"], records.confidence)
    rows = []
    for method, mine in champions.groupby("method", sort=False):
        to_reference = differences.loc[method]
        rows.append(
            {
                **_against_baseline(task, method, mine, accuracy, gains, records.confidence),
                "difference_to_reference": to_reference["difference"],
                "reference_ci_low": to_reference["ci_low"],
                "reference_ci_high": to_reference["ci_high"],
                "reference_pairs": int(to_reference["pairs"]),
                "reference_sd": to_reference["sd"],
                "differing_runs": int(to_reference["differing"]),
                "p_value": to_reference["p_value"],
            }
        )
    if len(rows) > 1:
        pooled = _against_baseline(task, POOLED, champions, accuracy, gains, records.confidence)
        rows.append(pooled)
    return rows


def _against_baseline(
    task: str,
    method: str,
    mine: pd.DataFrame,
    accuracy: pd.DataFrame,
    gains: pd.DataFrame,
    confidence: float,
) -> dict:
    """The columns on the accuracy of the champions `mine` and on their difference to cross entropy."""
    trainings, completed = accuracy[mine["loss"]], mine["accuracy"].dropna()
    known = gains[BASELINE].notna()
    cells = gains.loc[known, mine["loss"]].T.dropna()
    of_seeds = cells.groupby(mine.set_index("loss")["run_seed"]).mean().to_numpy()
    to_baseline = crossed_mean(of_seeds, confidence)
    if method == POOLED and 0 < len(of_seeds) < FEWEST_RUNS:
        to_baseline = paired_difference(of_seeds.mean(axis=0), 0, confidence)
    return {
        "task": task,
        "method": method,
        "runs": len(completed),
        "run_seeds": len(of_seeds),
        "trainings": trainings.size,
        "failed_trainings": int(trainings.isna().sum().sum()),
        "test_accuracy": completed.mean() if len(completed) else math.nan,
        "test_accuracy_sd": standard_deviation(completed),
        "accuracy_of_runs": " ".join(f"{value:.6g}" for value in completed),
        "difference_to_cross_entropy": to_baseline.mean,
        "cross_entropy_ci_low": to_baseline.low,
        "cross_entropy_ci_high": to_baseline.high,
        "below_cross_entropy": int((cells.mean(axis=1) < 0).sum()),
        "distinct": len(cells.drop_duplicates()),
        "reference_pairs": 0,
    }


def dress(frame: pd.DataFrame, records: StudyRecords) -> Dressed:
    """Accuracies in percent, differences in points, the best of a task in bold."""
    shown = pd.DataFrame(
        {
            "Task": frame["task"].where(~frame["task"].duplicated(), ""),
            "Method": frame["method"].map(
                lambda m: "All methods" if m == POOLED else method_name(m)
            ),
            "n": frame["runs"].astype(str),
            "Accuracy (%)": [
                breakable(accuracy_text(*values))
                for values in frame[OF_ACCURACY].itertuples(index=False)
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
    notes = _notes(frame, records)
    if frame["p_value"].isna().all():
        shown = shown.drop(columns="p")
    if frame["task"].nunique() == 1:
        notes.insert(0, f"Task {frame['task'].iloc[0]}.")
        shown = shown.drop(columns="Task")
    candidates = frame[(frame["method"] != POOLED) & (frame["runs"] >= FEWEST_RUNS)]
    best = candidates.groupby("task")["test_accuracy"].apply(
        lambda values: values.idxmax() if values.notna().any() else None
    )
    bold = frozenset((int(row), "Accuracy (%)") for row in best.dropna())
    return Dressed(shown, bold, tuple(notes))


def _pooled_notes(frame: pd.DataFrame) -> list[str]:
    """For each task, all its champions against cross entropy."""
    notes = []
    for row in frame[frame["method"] == POOLED].itertuples():
        text = difference_text(
            row.difference_to_cross_entropy,
            row.cross_entropy_ci_low,
            row.cross_entropy_ci_high,
            2,
            100,
        )
        covered = (
            "with the run seed as the unit, since champions of one run seed share data"
            if row.run_seeds >= FEWEST_RUNS
            else f"with an interval for these champions only: it covers training seeds, not the {row.run_seeds} run seeds"
        )
        notes.append(
            f"{row.task}: {row.below_cross_entropy} of {row.runs} champions lie below cross entropy; {row.distinct} "
            f"of the {row.runs} train differently from one another. Pooled difference: {text} points, {covered}."
        )
    return notes


def _notes(frame: pd.DataFrame, records: StudyRecords) -> list[str]:
    reference = method_name(records.description["reference_method"])
    level = f"{100 * records.confidence:g} %"
    notes = [
        f"Test accuracy of the runs' champions: mean ± s.d. over n runs (below {FEWEST_RUNS} runs: one value per "
        "run). A run's value is its champion's mean over training seeds. Differences to cross entropy (CE): "
        f"{level} intervals cover both runs and training seeds (two-way random effects). Differences to "
        f"{reference}: paired by run seed, with {level} t intervals over runs. {STAR_NOTE}",
        *_pooled_notes(frame),
        "The intervals do not cover the choice of learning rates or of test images.",
    ]
    first = frame[(frame["task"] == frame["task"].iloc[0]) & (frame["method"] != POOLED)]
    notes.append(
        few_note(
            100 * first["difference_to_reference"],
            100 * first["reference_sd"],
            " points",
            records.confidence,
        )
        if first["runs"].max() < FEWEST_RUNS
        else p_note(first["p_value"], first["differing_runs"])
    )
    if records.description["balanced_tasks"]:
        notes.append(
            f"Class-balanced accuracy: {', '.join(records.description['balanced_tasks'])}."
        )
    notes += [
        f"{row.task}, {method_name(row.method)}: {row.failed_trainings} of {row.trainings} trainings did "
        "not complete and are left out."
        for row in frame.itertuples()
        if row.failed_trainings and row.method != POOLED
    ]
    return notes
