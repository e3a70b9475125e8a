"""Figure reliability: accuracy against the confidence that networks state, for each loss."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from evoloss.reporting.epochs import groups
from evoloss.reporting.names import loss_name, method_name
from evoloss.reporting.study_records import StudyRecords
from evoloss.reporting.style import looks, panels, reference_lines

SMALLEST_SHARE = 0.005
"""A bin with a smaller share of the test images is not drawn."""


def curve(trainings: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Mean confidence and accuracy of each bin with SMALLEST_SHARE of the images or more, over completed trainings."""
    done = trainings[trainings["status"] == "completed"]
    if done.empty:
        return np.empty(0), np.empty(0)
    shares, confidence, accuracy = (
        np.array(done[f"test_bin_{name}"].tolist(), dtype=float).mean(axis=0)
        for name in ("share", "confidence", "accuracy")
    )
    seen = shares >= SMALLEST_SHARE
    return confidence[seen] / shares[seen], accuracy[seen] / shares[seen]


def draw(records: StudyRecords) -> Figure:
    """One panel per task; on the diagonal, confidence equals accuracy."""
    tasks, lines = records.description["retrain_tasks"], groups(records)
    known = reference_lines([name for name, losses in lines.items() if losses == [name]])
    look_of = looks(records.methods)
    figure, axes = panels(len(tasks), columns=3, row_height=2.3, margin=0.7)
    for axis, task in zip(axes, tasks, strict=True):
        of_task = records.retrained[records.retrained["task"] == task]
        axis.plot([0, 1], [0, 1], color="#bbbbbb", linewidth=0.8, zorder=0)
        for name, losses in lines.items():
            mine = of_task[of_task["loss"].isin(losses)]
            style = known.get(name) or look_of[name].line()
            title = loss_name(name) if name in known else method_name(name)
            n = int((mine["status"] == "completed").sum())
            axis.plot(
                *curve(mine),
                linewidth=1.2,
                marker=".",
                markersize=3,
                label=f"{title} (n = {n})",
                **style,
            )
        axis.set_title(task, loc="left", fontsize=8)
        axis.set_aspect("equal")
        axis.tick_params(labelsize=7)
    axes[0].set_xlim(0, 1)
    axes[0].set_ylim(0, 1)
    figure.supxlabel("Confidence that the network states", fontsize=9)
    figure.supylabel("Share of test images that are right", fontsize=9)
    handles = axes[0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside upper center", ncols=3, handlelength=3)
    return figure
