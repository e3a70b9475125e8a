"""Figure anytime: re-scored fitness of the incumbent against what the search has spent, at equal cost.

Both axes end at the cost at which the last run of the reference method ends. What a run did after that is cut off; a
run that ended earlier keeps its last incumbent. The line of a method begins where all its runs have finished their
first generation.
"""

import textwrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from evoloss.reporting.incumbents import curves
from evoloss.reporting.names import method_name
from evoloss.reporting.study_records import StudyRecords
from evoloss.reporting.style import end_bars, looks, new_figure

MOST_SINGLE_RUNS = 12
"""Runs get thin lines of their own up to this number of runs in all."""

COSTS = (
    ("samples", 1000, "Training samples (thousands)"),
    ("seconds", 1, "Seconds (training, validation, checks)"),
)
"""The panels: a column of the curves, its unit, and the label of the axis."""


def on_grid(curves: pd.DataFrame, grid: np.ndarray, cost: str = "samples") -> np.ndarray:
    """The fitness of each run as a step function on a grid of costs: (runs, grid); nan before its first value."""
    lines = []
    for _, run in curves.groupby("run_seed"):
        spent, values = run[cost].to_numpy(), run["fitness"].to_numpy(dtype=float)
        index = np.searchsorted(spent, grid, side="right") - 1
        lines.append(np.where(index >= 0, values[np.maximum(index, 0)], np.nan))
    return np.array(lines)


def common_budget(curves: pd.DataFrame, cost: str, reference: str) -> float:
    """The cost at which the last run of the reference method ends."""
    return curves.loc[curves["method"] == reference, cost].max()


def draw(records: StudyRecords) -> Figure:
    """Mean over runs as a step line; on the right, mean ± s.d. over runs at the common cost.

    With fewer than FEWEST_RUNS runs, each run has a mark instead.
    """
    frame = curves(records)
    figure, axes = new_figure(columns=2, height=3.7, sharey=True)
    for axis, (cost, unit, label) in zip(axes[0], COSTS, strict=True):
        in_unit = frame.assign(cost=frame[cost] / unit)
        budget = common_budget(in_unit, "cost", records.description["reference_method"])
        _panel(axis, records.methods, in_unit, budget)
        axis.set_xlabel(label, fontsize=8)
    axes[0][0].set_ylabel("Incumbent's re-scored fitness")
    # From both panels: a method may begin too late for one of them.
    handles = {}
    for axis in axes[0]:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    figure.legend(handles.values(), handles, loc="outside lower center", ncols=3, handlelength=3)
    return figure


def _panel(axis: Axes, methods: list[str], frame: pd.DataFrame, budget: float) -> None:
    look_of = looks(methods)
    single = frame.groupby(["method", "run_seed"]).ngroups <= MOST_SINGLE_RUNS
    ends, late = [], []
    for method in methods:
        mine = frame[frame["method"] == method]
        start = mine.groupby("run_seed")["cost"].min().max()
        if start > budget:
            late.append(method_name(method))
            continue
        inner = mine["cost"][mine["cost"].between(start, budget)]
        grid = np.unique([start, *inner, budget])
        lines = on_grid(mine, grid, "cost")
        look = look_of[method]
        if single and len(lines) > 1:
            for line in lines:
                axis.step(grid, line, where="post", linewidth=0.6, alpha=0.35, color=look.colour)
        axis.step(
            grid,
            lines.mean(axis=0),
            where="post",
            linewidth=1.5,
            marker=look.marker,
            markevery=[],  # only in the legend and at the bars
            markersize=3.5,
            label=f"{method_name(method)} (n = {len(lines)})",
            **look.line(),
        )
        ends.append((look, lines[:, -1]))
    axis.axhline(1.0, color="#111111", linewidth=0.8, linestyle=":", label="Cross entropy")
    axis.set_xlim(right=budget)
    if late:
        text = textwrap.fill("First generation beyond this axis: " + ", ".join(late), 40)
        axis.text(0.98, 0.02, text, transform=axis.transAxes, ha="right", fontsize=6.5)
    end_bars(axis, ends)
