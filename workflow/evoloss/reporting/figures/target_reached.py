"""Figure target_reached: the share of runs that have reached a fixed level of fitness, against what they have spent.

A run counts from the cost at which the re-scored fitness of its incumbent first reaches the level (`report.target`),
even if a later incumbent is worse. All panels end where the most expensive run of any method ends. A line ends where
the last run of its method ends, since nothing is known beyond.
"""

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from evoloss.reporting.cost_to_match import costs_to_target
from evoloss.reporting.incumbents import curves
from evoloss.reporting.names import method_name
from evoloss.reporting.study_records import StudyRecords
from evoloss.reporting.style import looks, panels

UNIT = 1000
"""Training samples per unit of the axis."""


def reached(costs: pd.Series, end: float) -> tuple[np.ndarray, np.ndarray]:
    """Corners of the step line: costs, and the share of runs that have reached the level by then.

    `costs` has one value per run: infinity if it never reaches the level; nan (fitness unknown) is left out.
    """
    known = np.sort(costs.dropna().to_numpy(dtype=float))
    there = known[known < math.inf]
    shares = np.arange(1, len(there) + 1) / max(1, len(known))
    return (
        np.concatenate([[0.0], there, [max(end, *there, 0.0)]]),
        np.concatenate([[0.0], shares, shares[-1:] if len(there) else [0.0]]),
    )


def draw(records: StudyRecords) -> Figure:
    """One panel per method: its line in colour, the lines of the others in grey behind it."""
    frame = curves(records)
    costs = costs_to_target(frame, records.target) / UNIT
    ends = frame.groupby("method")["samples"].max() / UNIT
    lines = {method: reached(costs[method], ends[method]) for method in records.methods}
    figure, axes = panels(len(records.methods), columns=3, row_height=1.35, margin=0.55)
    look_of = looks(records.methods)
    for axis, method in zip(axes, records.methods, strict=True):
        _panel(axis, method, lines, look_of[method].colour)
        known = costs[method].dropna()
        axis.set_title(
            f"{method_name(method)} ({(known < math.inf).sum()}/{len(known)})",
            loc="left",
            fontsize=8,
        )
    axes[0].set_xlim(0, 1.03 * ends.max())  # so that a last step is visible
    axes[0].set_ylim(-0.03, 1.03)
    axes[0].yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
    figure.supxlabel(
        f"Training samples (thousands) until re-scored fitness first is {records.target:.3g}",
        fontsize=9,
    )
    figure.supylabel("Runs", fontsize=9)
    return figure


def _panel(axis: Axes, method: str, lines: dict[str, tuple], colour: str) -> None:
    for other, (cost, share) in lines.items():
        mine = other == method
        axis.step(
            cost,
            share,
            where="post",
            color=colour if mine else "#bbbbbb",
            linewidth=1.6 if mine else 0.6,
            zorder=3 if mine else 1,
        )
    axis.tick_params(labelsize=7)
