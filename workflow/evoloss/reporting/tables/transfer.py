"""Table transfer: how good losses are on tasks other than the one they were found on."""

import math

import pandas as pd

from evoloss.reporting.differences import STAR_NOTE, difference_text, p_text
from evoloss.reporting.latex_table import Dressed
from evoloss.reporting.names import loss_name, method_name
from evoloss.reporting.statistics import (
    FEWEST_RUNS,
    SMALLEST_TESTED,
    Difference,
    crossed_mean,
    holm,
    paired_difference,
    wilcoxon_p,
)
from evoloss.reporting.study_records import StudyRecords, accuracy_column
from evoloss.search.fitness import BASELINE

COLUMNS = [
    "task",
    "loss",
    "champions",
    "n",
    "test_accuracy",
    "difference_to_cross_entropy",
    "cross_entropy_ci_low",
    "cross_entropy_ci_high",
    "cross_entropy_p_value",
    "best_published",
    "difference_to_best",
    "best_ci_low",
    "best_ci_high",
    "best_p_value",
]


def build(records: StudyRecords) -> pd.DataFrame:
    """One row per task and configured loss, and one per task and method for its champions together.

    The best published loss of a task is the one, other than cross entropy, with the highest mean test accuracy there.
    This choice favours it. A configured loss is paired with cross entropy and with the best by training seed (`n`).
    For champions the unit is the run: differences are means over runs and training seeds, with an interval that covers
    both, and p-values come from the runs' mean differences. p-values: Wilcoxon's test, Holm-corrected over the rows of
    a task, separately for the two comparisons. A loss with an incomplete training has no difference.
    """
    rows: list[dict] = []
    for task in records.description["retrain_tasks"]:
        rows += _of_task(task, records)
    return pd.DataFrame(rows, columns=COLUMNS)


def _of_task(task: str, records: StudyRecords) -> list[dict]:
    measure = accuracy_column(records.description, task)
    mine = records.retrained[records.retrained["task"] == task]
    accuracy = mine.pivot(index="training_seed", columns="loss", values=measure)
    champions = pd.DataFrame(records.description["champions"], columns=["loss", "method"])
    published = [loss for loss in records.description["published"] if loss in accuracy]
    complete = accuracy[published].dropna(axis=1).mean().drop(BASELINE, errors="ignore")
    best = complete.idxmax() if len(complete) else None
    configured = [
        loss
        for loss in records.description["losses"]
        if loss in accuracy and loss not in set(champions["loss"])
    ]
    rows = [_row(task, loss, [loss], accuracy, best, records, False) for loss in configured]
    rows += [
        _row(task, method, list(group["loss"]), accuracy, best, records, True)
        for method, group in champions.groupby("method", sort=False)
    ]
    for column in ("cross_entropy_p_value", "best_p_value"):
        for row, p in zip(rows, holm([row[column] for row in rows]), strict=True):
            row[column] = p
    return rows


def _row(
    task: str,
    name: str,
    losses: list[str],
    accuracy: pd.DataFrame,
    best: str | None,
    records: StudyRecords,
    bred: bool,
) -> dict:
    cells = accuracy[losses].dropna(axis=1)
    baseline = None if name == BASELINE else accuracy.get(BASELINE)
    to_baseline, baseline_p = _against(cells, baseline, bred, records.confidence)
    rival = None if best is None or name == best else accuracy[best]
    to_best, best_p = _against(cells, rival, bred, records.confidence)
    return {
        "task": task,
        "loss": name,
        "champions": len(cells.columns) if bred else 0,
        "n": len(cells.columns) if bred else len(cells) if len(cells.columns) else 0,
        "test_accuracy": cells.to_numpy().mean() if cells.size else math.nan,
        "difference_to_cross_entropy": to_baseline.mean,
        "cross_entropy_ci_low": to_baseline.low,
        "cross_entropy_ci_high": to_baseline.high,
        "cross_entropy_p_value": baseline_p,
        "best_published": best,
        "difference_to_best": to_best.mean,
        "best_ci_low": to_best.low,
        "best_ci_high": to_best.high,
        "best_p_value": best_p,
    }


def _against(
    cells: pd.DataFrame, rival: pd.Series | None, bred: bool, confidence: float
) -> tuple[Difference, float]:
    """The difference of the losses in `cells` (training seeds x losses) to a rival's trainings, and its p-value."""
    if rival is None or rival.isna().any() or not cells.size:
        return Difference(math.nan, math.nan, math.nan, 0), math.nan
    if not bred:
        (loss,) = cells
        return paired_difference(cells[loss], rival, confidence), wilcoxon_p(cells[loss], rival)
    gains = cells.sub(rival, axis=0)
    of_runs = gains.mean()
    return crossed_mean(gains.T.to_numpy(), confidence), wilcoxon_p(of_runs, of_runs * 0)


def dress(frame: pd.DataFrame, records: StudyRecords) -> Dressed:
    """One block per task; the best published loss is in bold."""
    methods = {entry["method"] for entry in records.description["champions"]}
    shown = pd.DataFrame(
        {
            "Task": frame["task"].where(~frame["task"].duplicated(), ""),
            "Loss": [
                f"{method_name(name)} ({n} champions)" if name in methods else loss_name(name)
                for name, n in zip(frame["loss"], frame["champions"], strict=True)
            ],
            "n": frame["n"].astype(str),
            "Accuracy (%)": frame["test_accuracy"].map(
                lambda v: "failed" if pd.isna(v) else f"{100 * v:.2f}"
            ),
            "To CE (points)": _differences(
                frame,
                "difference_to_cross_entropy",
                "cross_entropy_ci_low",
                "cross_entropy_ci_high",
            ),
            "p": frame["cross_entropy_p_value"].map(p_text),
            "To best published": _differences(
                frame, "difference_to_best", "best_ci_low", "best_ci_high"
            ),
            "p ": frame["best_p_value"].map(p_text),
        }
    )
    bold = frozenset(
        (row, "Accuracy (%)")
        for row, (loss, best) in enumerate(zip(frame["loss"], frame["best_published"], strict=True))
        if loss == best
    )
    tested = [column for column in ("p", "p ") if (shown[column] != "").any()]
    shown = shown.drop(columns=[column for column in ("p", "p ") if column not in tested])
    return Dressed(shown, bold, _notes(records, bool(methods), bool(tested)))


def _notes(records: StudyRecords, bred: bool, tested: bool) -> tuple[str, ...]:
    level = f"{100 * records.confidence:g} %"
    return (
        "Mean test accuracy on each task, each loss at its own learning rate. Bold: the best published loss, which is "
        "the one, other than cross entropy (CE), with the highest mean there. It is chosen by these same test "
        "accuracies, and this favours it.",
        f"n: number of training seeds; differences are paired by training seed, with {level} t intervals."
        + (
            " For champions, n is the number of runs, and intervals cover both runs and training seeds."
            if bred
            else ""
        )
        + f" Below n = {FEWEST_RUNS} there is no interval. {STAR_NOTE}",
        "p: Wilcoxon's test, Holm-corrected over the rows of a task, separately for the two comparisons."
        if tested
        else f"No p-values: a test needs n = {SMALLEST_TESTED} or more.",
    )


def _differences(frame: pd.DataFrame, mean: str, low: str, high: str) -> list[str]:
    return [
        difference_text(*values, 2, 100)
        for values in zip(frame[mean], frame[low], frame[high], strict=True)
    ]
