"""Figure size_accuracy: fitness of losses against their number of nodes, with the Pareto front."""

import pandas as pd
from matplotlib.figure import Figure

from evoloss.expressions.parsing import parse
from evoloss.reporting.names import method_name
from evoloss.reporting.study_records import StudyRecords
from evoloss.reporting.style import looks, panels


def sized(records: StudyRecords) -> pd.DataFrame:
    """One row per trained candidate of a run: method, run_seed, expression, mean fitness and size (nodes)."""
    known = records.scores.dropna(subset="fitness")
    unit = ["method", "run_seed", "expression"]
    frame = known.groupby(unit)["fitness"].mean().reset_index()
    sizes = {text: parse(text).size for text in frame["expression"].unique()}
    return frame.assign(size=frame["expression"].map(sizes))


def front(frame: pd.DataFrame) -> pd.DataFrame:
    """The Pareto front: each size at which the best fitness among losses of at most this size rises."""
    best = frame.groupby("size")["fitness"].max().sort_index()
    rises = best > best.cummax().shift(fill_value=-float("inf"))
    return best[rises].reset_index()


def draw(records: StudyRecords) -> Figure:
    """One panel per method: a dot per candidate, its front in colour, the front of all methods dotted."""
    frame, look_of = sized(records), looks(records.methods)
    whole = front(frame)
    low = min(0.8, float(whole["fitness"].max()) - 0.3)
    figure, axes = panels(len(records.methods), columns=3, row_height=1.9, margin=0.4)
    end = frame["size"].max()
    for axis, method in zip(axes, records.methods, strict=True):
        mine, colour = frame[frame["method"] == method], look_of[method].colour
        shown = mine[mine["fitness"] >= low]
        axis.plot(shown["size"], shown["fitness"], ".", color=colour, markersize=3, alpha=0.35)
        for line, style in (
            (front(mine), {"color": colour, "linewidth": 1.5}),
            (whole, {"color": "#111111", "linewidth": 0.9, "linestyle": ":"}),
        ):
            sizes = [*line["size"], end]
            heights = [*line["fitness"], line["fitness"].max()]
            axis.step(sizes, heights, where="post", **style)
        hidden = len(mine) - len(shown)
        axis.set_title(
            f"{method_name(method)} ({len(mine)}, {hidden} below)", loc="left", fontsize=8
        )
        axis.set_ylim(bottom=low)
        axis.tick_params(labelsize=7)
    figure.supxlabel("Size of the loss (nodes)", fontsize=9)
    figure.supylabel("Fitness in the search (CE = 1)", fontsize=9)
    return figure
