"""Table epochs_to_target: how long a training takes to reach cross entropy's final validation accuracy.

The draft's "time required to train the model". Validation accuracy, because it is known after every epoch.
"""

import math

import pandas as pd

from evoloss.reporting.conditions import epochs_to
from evoloss.reporting.epochs import per_epoch
from evoloss.reporting.latex_table import Dressed
from evoloss.reporting.names import loss_name
from evoloss.reporting.study_records import StudyRecords
from evoloss.search.fitness import BASELINE


def build(records: StudyRecords) -> pd.DataFrame:
    """One row per task and loss, over completed trainings.

    `target`: the mean final validation accuracy of cross entropy at its own learning rate. `epochs`: the first epoch
    that reaches it, median over trainings; infinite where at least half never reach it. `seconds`: the time of that
    many epochs. `reached`: how many trainings reach it. `relative`: `epochs` divided by cross entropy's `epochs`.
    """
    rows = []
    for task in records.description["retrain_tasks"]:
        of_task = records.retrained[records.retrained["task"] == task]
        ends = per_epoch(of_task[of_task["loss"] == BASELINE], "validation_accuracy")
        if not len(ends):
            continue
        target = pd.DataFrame(ends).ffill(axis=1).iloc[:, -1].mean()
        known = {loss: _row(task, loss, of_task, target) for loss in records.description["losses"]}
        own = known[BASELINE]["epochs"]
        rows += [row | {"relative": _ratio(row["epochs"], own)} for row in known.values()]
    columns = ["task", "loss", "trainings", "target", "reached", "epochs", "seconds", "relative"]
    return pd.DataFrame(rows, columns=columns)


def _row(task: str, loss: str, of_task: pd.DataFrame, target: float) -> dict:
    trainings = of_task[of_task["loss"] == loss]
    curves = per_epoch(trainings, "validation_accuracy")
    first = [epochs_to(curve, target) for curve in curves]
    epochs = sorted(first)[len(first) // 2] if first else math.nan
    completed = trainings[trainings["status"] == "completed"]
    lengths = completed["validation_accuracy"].map(len)
    seconds = (completed["seconds"] / lengths).mean() * epochs if len(completed) else math.nan
    return {
        "task": task,
        "loss": loss,
        "trainings": len(first),
        "target": target,
        "reached": sum(epoch < math.inf for epoch in first),
        "epochs": epochs,
        "seconds": seconds,
    }


def _ratio(epochs: float, own: float) -> float:
    return epochs / own if 0 < own < math.inf else math.nan


def dress(frame: pd.DataFrame, records: StudyRecords) -> Dressed:
    """Epochs and seconds; ∞ where at least half of the trainings never reach the target."""

    def shown(value: float, digits: int) -> str:
        return "" if math.isnan(value) else "∞" if math.isinf(value) else f"{value:.{digits}f}"

    table = pd.DataFrame(
        {
            "Task": frame["task"].where(~frame["task"].duplicated(), ""),
            "Loss": frame["loss"].map(loss_name),
            "Reached": [f"{row.reached}/{row.trainings}" for row in frame.itertuples()],
            "Epochs": frame["epochs"].map(lambda v: shown(v, 0)),
            "Relative": frame["relative"].map(lambda v: shown(v, 2)),
            "Seconds": frame["seconds"].map(lambda v: shown(v, 1)),
        }
    )
    targets = frame.drop_duplicates("task")
    levels = ", ".join(f"{row.task} {100 * row.target:.1f} %" for row in targets.itertuples())
    notes = (
        f"Level: the final validation accuracy of cross entropy at its own learning rate ({levels}). Epochs: the "
        "first that reaches it, median over completed trainings; ∞: at least half never reach it. If the learning rate "
        "falls to zero, accuracy rises late, so few trainings reach the level early. No significance test was made.",
    )
    return Dressed(table, notes=notes)
