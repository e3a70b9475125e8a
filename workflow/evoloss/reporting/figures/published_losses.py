"""Figure published_losses: every loss compared with cross entropy, as one setting of the task changes."""

import math

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from evoloss.reporting.conditions import TARGET, outcomes
from evoloss.reporting.names import loss_name
from evoloss.reporting.study_records import StudyRecords
from evoloss.reporting.style import panels
from evoloss.search.fitness import BASELINE

TITLES = {
    "training_images": "Training images",
    "label_noise": "Label noise",
    "input_noise": "Input noise (s.d.)",
    "epochs": "Epochs",
}
COLUMNS = 3
LINEAR_UP_TO = 1.0
"""The axis of differences is linear up to this many points of accuracy, then logarithmic."""


def draw(records: StudyRecords) -> Figure:
    """One panel per condition with the differences in test accuracy; then epochs to the target, and the margin.

    The last two panels show the task that most conditions share. Losses are ordered by their mean difference to
    cross entropy over all tasks.
    """
    frame = outcomes(records)
    conditions = records.description["conditions"]
    others = frame[frame["loss"] != BASELINE]
    means = others.groupby("loss")["difference_to_cross_entropy"].mean()
    losses = [BASELINE, *means.sort_values(ascending=False, na_position="last").index]
    places = {loss: -number for number, loss in enumerate(losses)}
    row_height = 0.65 + 0.15 * len(losses)
    figure, axes = panels(
        len(conditions) + 2, COLUMNS, row_height, margin=0.2, sharex=False, sharey=True
    )
    for axis, condition in zip(axes, conditions, strict=False):
        _differences(axis, condition, frame, places)
    named = [task for condition in conditions for task in condition["tasks"]]
    base = max(dict.fromkeys(named), key=named.count)
    _single(axes[-2], frame[frame["task"] == base], places, "epochs_to_target")
    axes[-2].set_title(f"Epochs to {TARGET:.0%} of CE's gain", fontsize=8)
    _single(axes[-1], frame[frame["task"] == base], places, "test_margin")
    axes[-1].set_title("Margin on test images", fontsize=8)
    for axis in axes[-2:]:
        axis.set_xlabel(f"Task {base}", fontsize=8)
    for axis in axes:
        axis.set_yticks(list(places.values()), [loss_name(loss) for loss in places])
        axis.tick_params(labelsize=7)
        axis.set_ylim(-len(places) + 0.4, 0.9)
    return figure


def _differences(axis: Axes, condition: dict, frame: pd.DataFrame, places: dict[str, int]) -> None:
    """Differences to cross entropy with their intervals, one colour per value of the setting."""
    setting, tasks = condition["setting"], condition["tasks"]
    colours = sns.color_palette("flare", len(tasks))
    offsets = np.linspace(0.27, -0.27, len(tasks))
    for task, colour, offset in zip(tasks, colours, offsets, strict=True):
        rows = frame[(frame["task"] == task) & (frame["loss"] != BASELINE)]
        mean = 100 * rows["difference_to_cross_entropy"]
        low, high = mean - 100 * rows["ci_low"], 100 * rows["ci_high"] - mean
        axis.errorbar(
            mean,
            rows["loss"].map(places) + offset,
            xerr=np.nan_to_num([low, high]),
            fmt="o",
            markersize=2.5,
            linewidth=0.9,
            color=colour,
            label=_value(setting, rows[setting].iloc[0]),
        )
    axis.axvline(0, color="#111111", linewidth=0.8)
    axis.set_xscale("symlog", linthresh=LINEAR_UP_TO)
    reach = max(LINEAR_UP_TO, *np.abs(axis.get_xlim()))
    ticks = [t for t in (1, 10, 100) if t <= reach * 1.5]
    axis.set_xticks([*(-t for t in reversed(ticks)), 0, *ticks])
    axis.xaxis.set_major_formatter(
        lambda value, _: f"{value:+g}".replace("-", "−") if value else "0"
    )
    axis.xaxis.set_minor_locator(NullLocator())
    classes = frame.loc[frame["task"] == tasks[0], "classes"].iloc[0]
    axis.set_title(f"{TITLES[setting]}, {classes} classes", fontsize=8)
    axis.set_xlabel("Points above CE", fontsize=8)
    # The legend stands in the row of cross entropy, which has no point in these panels.
    axis.legend(
        fontsize=6,
        loc="upper center",
        ncols=len(tasks),
        handletextpad=0.1,
        borderaxespad=0.1,
        columnspacing=0.8,
        frameon=False,
    )


def _value(setting: str, value: float) -> str:
    return f"{value:.0%}" if setting == "label_noise" else f"{value:g}"


def _single(axis: Axes, rows: pd.DataFrame, places: dict[str, int], column: str) -> None:
    """Means and s.d. on one task; a text instead where not all trainings reached the target."""
    fine = rows[np.isfinite(rows[column])]
    axis.errorbar(
        fine[column],
        fine["loss"].map(places),
        xerr=np.nan_to_num(fine[f"{column}_sd"]),
        fmt="o",
        markersize=3,
        linewidth=0.9,
        color="#111111",
    )
    for row in rows[~np.isfinite(rows[column])].itertuples():
        text = f"reached by {row.reached} of {row.training_seeds}"
        axis.text(
            0.97,
            places[row.loss],
            text if math.isinf(getattr(row, column)) else "failed",
            transform=axis.get_yaxis_transform(),
            fontsize=6,
            ha="right",
            va="center",
        )
