"""Figure training_curves: validation accuracy and training loss, epoch by epoch."""

from itertools import zip_longest

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from evoloss.reporting.names import loss_name, method_name
from evoloss.reporting.study_records import StudyRecords
from evoloss.reporting.style import colour_of, new_figure


def groups(records: StudyRecords) -> dict[str, list[str]]:
    """What is drawn as one line: a curve loss alone, all champions of a method together."""
    shown = {loss: [loss] for loss in records.description["curve_losses"]}
    for champion in records.description["champions"]:
        shown.setdefault(champion["method"], []).append(champion["loss"])
    return shown


def per_epoch(trainings: pd.DataFrame, column: str) -> np.ndarray:
    """A list column of completed trainings as an array (trainings x epochs).

    nan after the last epoch of a training that early stopping ended.
    """
    done = trainings[trainings["status"] == "completed"]
    by_epoch = zip_longest(*done[column], fillvalue=np.nan)
    return np.array(list(by_epoch), dtype=float).T


def draw(records: StudyRecords) -> Figure:
    """One row a task: validation accuracy on the left, training accuracy on the right; band of 1 s.d."""
    tasks = records.description["retrain_tasks"]
    figure, axes = new_figure(columns=2, rows=len(tasks), height=0.5 + 2.7 * len(tasks))
    for row, task in enumerate(tasks):
        of_task = records.retrained[records.retrained["task"] == task]
        balanced = ", balanced" if task in records.description["balanced_tasks"] else ""
        panels = (
            ("validation_accuracy", f"Validation{balanced}"),
            ("training_accuracy", "Training"),
        )
        for axis, (column, title) in zip(axes[row], panels, strict=True):
            for name, losses in groups(records).items():
                lines = per_epoch(of_task[of_task["loss"].isin(losses)], column)
                if len(lines):
                    _line(axis, name, 100 * lines, champion=losses != [name])
            axis.set_title(f"{title}, {task}")
            axis.set_xlabel("Epoch")
            axis.set_ylabel("Accuracy (%)")
            axis.xaxis.get_major_locator().set_params(integer=True)
    handles = axes[0][0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=2)
    return figure


def _line(axis, name: str, lines: np.ndarray, champion: bool) -> None:
    epochs = np.arange(1, lines.shape[1] + 1)
    mean = np.nanmean(lines, axis=0)
    title = f"{method_name(name)} champions" if champion else loss_name(name)
    colour = colour_of(name)
    axis.plot(epochs, mean, color=colour, label=f"{title} (n = {len(lines)})", linewidth=1.4)
    if len(lines) > 1:
        sd = pd.DataFrame(lines).std().to_numpy()  # of the trainings that got so far
        axis.fill_between(epochs, mean - sd, mean + sd, color=colour, alpha=0.15, linewidth=0)
