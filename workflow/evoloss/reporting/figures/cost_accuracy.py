"""Figure cost_accuracy: re-scored fitness of the champions against the cost of their search, with the Pareto front."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from evoloss.reporting.incumbents import champion_fitness
from evoloss.reporting.names import method_name
from evoloss.reporting.study_records import StudyRecords
from evoloss.reporting.style import looks, new_figure

UNIT = 1000
"""Training samples per unit of the axis."""


def points(records: StudyRecords) -> pd.DataFrame:
    """One row per run: method, run_seed, samples (all that the search spent) and the champion's re-scored fitness."""
    spent = records.ledgers.groupby(["method", "run_seed"])["training_samples"].sum()
    worth = champion_fitness(records).stack().rename("fitness")
    worth = worth.reorder_levels(["method", "run_seed"])
    return pd.concat([spent.rename("samples"), worth], axis=1).dropna().reset_index()


def front(frame: pd.DataFrame) -> list[str]:
    """The methods on the Pareto front of mean cost and mean fitness, the cheapest first."""
    means = frame.groupby("method")[["samples", "fitness"]].mean()
    ordered = means.sort_values(["samples", "fitness"], ascending=[True, False])
    best = ordered["fitness"].cummax()
    rises = ordered["fitness"] > best.shift(fill_value=-np.inf)
    return list(ordered.index[rises])


def draw(records: StudyRecords) -> Figure:
    """A small mark per run, a large one at the mean of a method, and a line through the front of the means."""
    frame, look_of = points(records), looks(records.methods)
    figure, ((axis,),) = new_figure(height=3.4)
    means = frame.groupby("method")[["samples", "fitness"]].mean()
    for method in records.methods:
        mine, look = frame[frame["method"] == method], look_of[method]
        style = {"color": look.colour, "marker": look.marker, "linestyle": "none"}
        axis.plot(mine["samples"] / UNIT, mine["fitness"], markersize=3, alpha=0.5, **style)
        if method in means.index:
            axis.plot(
                means.loc[method, "samples"] / UNIT,
                means.loc[method, "fitness"],
                markersize=8,
                markeredgecolor="white",
                label=f"{method_name(method)} (n = {len(mine)})",
                **style,
            )
    best = means.loc[front(frame)]
    axis.plot(best["samples"] / UNIT, best["fitness"], color="#999999", linewidth=0.9, zorder=0)
    axis.axhline(1, color="#111111", linewidth=0.7, linestyle=":", zorder=0)
    axis.set_xlim(0, 1.06 * frame["samples"].max() / UNIT)  # equal budgets look equal
    axis.set_xlabel("Training samples of the search (thousands)")
    axis.set_ylabel("Re-scored fitness (CE = 1)")
    figure.legend(loc="outside lower center", ncols=3)
    return figure
