"""Figure test_accuracy: test accuracy of all published losses and of each method's champions, one panel per task."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from evoloss.reporting.names import loss_name, method_name
from evoloss.reporting.study_records import StudyRecords, accuracy_column
from evoloss.reporting.style import looks, panels
from evoloss.search.fitness import BASELINE

PUBLISHED, CROSS_ENTROPY = "#777777", "#111111"
WIDE = 3
"""The most panels in a row."""


def rows_of(records: StudyRecords, task: str) -> list[tuple[str, str, np.ndarray]]:
    """Name, colour and values (in percent) of the rows, from the top. A published loss has one value per training; a
    method has one per champion, its mean over training seeds. Trainings without a test accuracy are left out."""
    description = records.description
    measure = accuracy_column(description, task)
    mine = records.retrained[records.retrained["task"] == task].dropna(subset=[measure])
    method_of = {entry["loss"]: entry["method"] for entry in description["champions"]}
    look_of = looks(records.methods)
    found = [
        (
            loss_name(loss),
            CROSS_ENTROPY if loss == BASELINE else PUBLISHED,
            100 * mine.loc[mine["loss"] == loss, measure].to_numpy(),
        )
        for loss in description["losses"]
        if loss not in method_of
    ]
    champions = mine[mine["loss"].isin(method_of)]
    means = 100 * champions.groupby("loss")[measure].mean()
    for method in dict.fromkeys(method_of.values()):
        values = means[[method_of[loss] == method for loss in means.index]]
        found.append((f"Bred: {method_name(method)}", look_of[method].colour, values.to_numpy()))
    return found


def draw(records: StudyRecords) -> Figure:
    """A dot per training or champion, a bar at the mean, and a line at the mean of cross entropy.

    An arrow at the left means that dots lie outside the panel.
    """
    tasks = records.description["retrain_tasks"]
    of_tasks = [rows_of(records, task) for task in tasks]
    row_height = 0.85 + 0.19 * len(of_tasks[0])
    figure, axes = panels(len(tasks), WIDE, row_height, margin=0.3, sharex=False)
    for axis, task, rows in zip(axes, tasks, of_tasks, strict=True):
        _panel(axis, rows)
        noise = records.description["label_noise"].get(task)
        title = f"wrong: {noise}" if noise else "unchanged labels"
        axis.set_title(f"{task}\n{title}", loc="left", fontsize=8)
    figure.supxlabel(
        "Test accuracy (%), every loss at its own learning rate (line: cross entropy)", fontsize=9
    )
    return figure


def _panel(axis: Axes, rows: list[tuple[str, str, np.ndarray]]) -> None:
    for place, (_, colour, values) in enumerate(rows):
        axis.plot(values, np.full(len(values), place), "o", color=colour, markersize=2.5, alpha=0.6)
        if len(values):
            axis.plot([values.mean()], [place], "|", color=colour, markersize=9, markeredgewidth=2)
    baseline = next((v for name, _, v in rows if name == loss_name(BASELINE)), np.array([]))
    if len(baseline):
        axis.axvline(baseline.mean(), color=CROSS_ENTROPY, linewidth=0.8, zorder=0)
    axis.set_yticks(range(len(rows)), [name for name, _, _ in rows], fontsize=7)
    axis.set_ylim(len(rows) - 0.4, -0.6)
    axis.tick_params(axis="x", labelsize=7)
    everything = pd.Series(np.concatenate([values for _, _, values in rows]))
    if len(everything):
        low, high = _shown(everything)
        axis.set_xlim(low, high)
        for place, (_, colour, values) in enumerate(rows):
            if (values < low).any():  # an arrow for dots to the left of the panel
                axis.plot([low], [place], "<", color=colour, markersize=5, clip_on=False)


def _shown(values: pd.Series) -> tuple[float, float]:
    """The ends of the axis; values lower than median - 6 * max(1 point, interquartile range) are cut off."""
    spread = max(1.0, float(values.quantile(0.75) - values.quantile(0.25)))
    return max(values.min(), values.median() - 6 * spread) - 0.5, values.max() + 0.5
