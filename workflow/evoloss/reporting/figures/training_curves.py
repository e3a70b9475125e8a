"""Figure training_curves: accuracy by epoch, absolute and relative to cross entropy."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from evoloss.reporting.epochs import groups, per_epoch
from evoloss.reporting.names import loss_name, method_name
from evoloss.reporting.statistics import FEWEST_RUNS, standard_deviation
from evoloss.reporting.study_records import StudyRecords
from evoloss.reporting.style import Look, end_bars, looks, new_figure, reference_lines
from evoloss.search.fitness import BASELINE

MOST_BANDS = 4
"""Lines have bands of 1 s.d. up to this number of lines; more bands would hide each other."""


def draw(records: StudyRecords) -> Figure:
    """One row per task: validation accuracy, training accuracy, and the gain in validation accuracy over cross entropy.

    Lines are means over trainings. The bars beside the gain are mean ± s.d. at the last epoch of each training; with
    fewer than FEWEST_RUNS trainings, each has a mark instead. The gain axis fits the second half of the epochs.
    """
    tasks = records.description["retrain_tasks"]
    lines, look_of = groups(records), looks(records.methods)
    height = 0.4 + 0.2 * -(-len(lines) // 3) + 2.1 * len(tasks)
    figure, axes = new_figure(columns=3, rows=len(tasks), height=height)
    for (validation, training, gain), task in zip(axes, tasks, strict=True):
        of_task = records.retrained[records.retrained["task"] == task]
        balanced = ", balanced" if task in records.description["balanced_tasks"] else ""
        _accuracies(validation, _curves(lines, look_of, of_task, "validation_accuracy"))
        _accuracies(training, _curves(lines, look_of, of_task, "training_accuracy"))
        _gains(gain, of_task, _curves(lines, look_of, of_task, "validation_accuracy"))
        # A line of its own: the name of a task may be longer than a panel.
        validation.set_title(f"{task}\nValidation{balanced}", fontsize=8, loc="left")
        training.set_title("Training", fontsize=8, loc="left")
        gain.set_title("Validation: gain over CE", fontsize=8, loc="left")
        validation.set_ylabel("Accuracy (%)")
        gain.set_ylabel("Points")
        for axis in (validation, training, gain):
            axis.set_xlabel("Epoch")
            axis.xaxis.get_major_locator().set_params(integer=True)
    handles = axes[0][0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=3, handlelength=3)
    return figure


def _curves(
    groups: dict[str, list[str]], look_of: dict[str, Look], trainings: pd.DataFrame, column: str
) -> list[tuple[str, Look, np.ndarray]]:
    """Label, look and curves in percent (trainings x epochs) of each group that has completed trainings."""
    known = reference_lines([name for name, losses in groups.items() if losses == [name]])
    found = []
    for name, losses in groups.items():
        lines = 100 * per_epoch(trainings[trainings["loss"].isin(losses)], column)
        if name in known:
            title, look = loss_name(name), Look(known[name]["color"], known[name]["linestyle"], "_")
        else:
            title, look = method_name(name), look_of[name]
        if len(lines):
            found.append((f"{title} (n = {len(lines)})", look, lines))
    return found


def _accuracies(axis: Axes, curves: list[tuple[str, Look, np.ndarray]]) -> None:
    for label, look, lines in curves:
        epochs, mean = np.arange(1, lines.shape[1] + 1), np.nanmean(lines, axis=0)
        axis.plot(
            epochs,
            mean,
            linewidth=1.2,
            label=label,
            marker=look.marker,
            markevery=[],
            **look.line(),
        )
        if len(curves) <= MOST_BANDS and len(lines) >= FEWEST_RUNS:
            sd = pd.DataFrame(lines).std().to_numpy()  # over the trainings that reached this epoch
            axis.fill_between(
                epochs, mean - sd, mean + sd, color=look.colour, alpha=0.15, linewidth=0
            )


def _gains(axis: Axes, trainings: pd.DataFrame, curves: list[tuple[str, Look, np.ndarray]]) -> None:
    baseline = per_epoch(trainings[trainings["loss"] == BASELINE], "validation_accuracy")
    if not len(baseline):
        return
    reference = 100 * np.nanmean(baseline, axis=0)
    last = 100 * pd.DataFrame(baseline).ffill(axis=1).iloc[:, -1].mean()
    ends, late = [], []
    for _, look, lines in curves:
        length = min(lines.shape[1], len(reference))  # early stopping may have ended either
        gain = np.nanmean(lines[:, :length], axis=0) - reference[:length]
        axis.plot(np.arange(1, length + 1), gain, linewidth=1.2, **look.line())
        ends.append((look, pd.DataFrame(lines).ffill(axis=1).iloc[:, -1].to_numpy() - last))
        values = ends[-1][1]
        spread = standard_deviation(values)
        last_ones = values if np.isnan(spread) else values.mean() + np.array([-spread, spread])
        late += [*gain[length // 2 :], *last_ones]
    pad = 0.08 * (max(late) - min(late)) + 0.01
    end_bars(axis, ends)
    axis.set_ylim(min(late) - pad, max(late) + pad)
