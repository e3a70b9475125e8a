"""Figure generations: fitness of the individuals evaluated in each generation, one panel per method.

Only new individuals of all runs count, with the fitness that the search saw. Losses that stay at chance level make a
long lower tail, so the axis begins where the better half of all points is visible. Each panel says how many points
lie below the axis, and how many individuals have no fitness because a training failed or was stopped.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from evoloss.reporting.names import method_name
from evoloss.reporting.study_records import StudyRecords
from evoloss.reporting.style import looks, panels

MOST_BOXES = 12
"""More generations than this are drawn as bands of quantiles."""


def lowest_shown(scores: pd.DataFrame, ledgers: pd.DataFrame) -> float:
    """The lower end of the axis: half of the points, and the best so far of every run, lie above it."""
    lowest = min(scores["fitness"].median(), ledgers["best_fitness"].min())
    highest = max(scores["fitness"].max(), 1.0)
    return float(lowest - 0.05 * (highest - lowest))


def draw(records: StudyRecords) -> Figure:
    """Points with boxes, or bands of quantiles; in black the best fitness so far, a mean over runs."""
    scores = records.scores[records.scores["purpose"] == "new"]
    bottom = lowest_shown(scores, records.ledgers)
    top = max(scores["fitness"].max(), records.ledgers["best_fitness"].max())
    boxes = scores["generation"].nunique() <= MOST_BOXES
    # Each panel has its own generation axis: E-GP has ten times as many generations as others.
    figure, axes = panels(
        len(records.methods), columns=3, row_height=1.75, margin=0.7, sharex=False
    )
    look_of = looks(records.methods)
    for axis, method in zip(axes, records.methods, strict=True):
        mine = scores[scores["method"] == method]
        colour = look_of[method].colour
        by_generation = {
            generation: np.sort(part.dropna())
            for generation, part in mine.groupby("generation")["fitness"]
        }
        (_boxes if boxes else _bands)(axis, by_generation, colour)
        ledger = records.ledgers[records.ledgers["method"] == method]
        best = ledger.groupby("generation")["best_fitness"].mean()
        axis.plot(best.index, best, color="#111111", linewidth=1, marker=".", markersize=3)
        runs = mine["run_seed"].nunique()
        axis.set_title(f"{method_name(method)} (n = {runs})", loc="left", fontsize=8)
        axis.set_ylim(bottom, top + 0.05 * (top - bottom))
        axis.xaxis.get_major_locator().set_params(integer=True)
        below, unfinished = (mine["fitness"] < bottom).sum(), mine["fitness"].isna().sum()
        axis.set_xlabel(
            f"{below} below, {unfinished} unfinished of {len(mine)}", fontsize=7, color="#666666"
        )
    handles = [Line2D([], [], color="#111111", marker=".", label="Best so far, mean over runs")]
    if not boxes:
        handles += [
            Line2D([], [], color="#666666", label="Median"),
            Patch(color="#666666", alpha=0.45, linewidth=0, label="25–75 %"),
            Patch(color="#666666", alpha=0.18, linewidth=0, label="10–90 %"),
        ]
    figure.legend(handles=handles, loc="outside upper center", ncols=4)
    figure.supxlabel("Generation", fontsize=9)
    figure.supylabel("Fitness", fontsize=9)
    return figure


def _boxes(axis: Axes, by_generation: dict[int, np.ndarray], colour: str) -> None:
    for generation, values in by_generation.items():
        # Points that are neighbours in rank get different x positions, so that they do not hide each other.
        places = generation + 0.3 * (np.arange(len(values)) * 0.618 % 1 - 0.5)
        axis.plot(places, values, ".", color=colour, markersize=3, alpha=0.4, markeredgewidth=0)
    axis.boxplot(
        list(by_generation.values()),
        positions=list(by_generation),
        widths=0.6,
        manage_ticks=False,
        showfliers=False,
        showcaps=False,
        **{
            f"{part}props": {"color": colour, "linewidth": 0.9}
            for part in ("box", "whisker", "median")
        },
    )


def _bands(axis: Axes, by_generation: dict[int, np.ndarray], colour: str) -> None:
    shares = (0.1, 0.25, 0.5, 0.75, 0.9)
    quantiles = np.array(
        [np.quantile(v, shares) if len(v) else [np.nan] * 5 for v in by_generation.values()]
    ).T
    x = list(by_generation)
    axis.fill_between(x, quantiles[0], quantiles[4], color=colour, alpha=0.18, linewidth=0)
    axis.fill_between(x, quantiles[1], quantiles[3], color=colour, alpha=0.3, linewidth=0)
    axis.plot(x, quantiles[2], color=colour, linewidth=1.2)
