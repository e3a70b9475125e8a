"""Table label_noise: test accuracy of every loss by the share of wrong training labels."""

import pandas as pd

from evoloss.reporting.conditions import outcomes
from evoloss.reporting.differences import star
from evoloss.reporting.latex_table import Dressed, plus_minus
from evoloss.reporting.names import loss_name
from evoloss.reporting.statistics import FEWEST_RUNS
from evoloss.reporting.study_records import StudyRecords

SETTING = "label_noise"


def build(records: StudyRecords) -> pd.DataFrame:
    """The rows of table `published_losses` whose tasks differ in label noise, one per condition, task and loss.
    `first` is the first task of the condition."""
    frame = outcomes(records)
    parts = [
        frame[frame["task"].isin(condition["tasks"])].assign(first=condition["tasks"][0])
        for condition in records.description["conditions"]
        if condition["setting"] == SETTING
    ]
    columns = [
        *("first", "task", "loss", "label_noise", "classes", "completed", "learning_rate"),
        *("test_accuracy", "test_accuracy_sd", "difference_to_cross_entropy", "ci_low", "ci_high"),
    ]
    return pd.concat(parts, ignore_index=True)[columns]


def dress(frame: pd.DataFrame, records: StudyRecords) -> Dressed:
    """One row per loss, one column per share of wrong labels; a star where the interval of the difference excludes 0."""
    shares = sorted(frame["label_noise"].unique())
    rows, bold = [], set()
    for _, part in frame.groupby("first", sort=False):
        cells = part.set_index(["loss", "label_noise"])
        best = {
            share: mine.loc[mine["test_accuracy"].idxmax(), "loss"]
            for share, mine in part.groupby("label_noise")
            if mine["completed"].max() >= FEWEST_RUNS
        }
        for number, loss in enumerate(part["loss"].unique()):
            row = {
                "Classes": str(part["classes"].iloc[0]) if number == 0 else "",
                "Loss": loss_name(loss),
            }
            for share in shares:
                name = f"{100 * share:g} % wrong"
                row[name] = "–"
                if (loss, share) in cells.index:
                    row[name] = _accuracy(cells.loc[(loss, share)])
                    if best.get(share) == loss:
                        bold.add((len(rows), name))
            rows.append(row)
    level = f"{100 * records.confidence:g} %"
    notes = (
        "Test accuracy in percent: mean ± s.d. over training seeds, each loss at its own learning rate. Test labels are "
        f"clean. *: the {level} t interval of the difference to cross entropy, paired by training seed, excludes 0, not "
        "corrected for the number of losses and tasks. Bold: the highest mean; this is no significance test.",
    )
    return Dressed(pd.DataFrame(rows), frozenset(bold), notes)


def _accuracy(row: pd.Series) -> str:
    text = plus_minus(row["test_accuracy"], row["test_accuracy_sd"], 2, 100) or "failed"
    return text + star(row["ci_low"], row["ci_high"])
