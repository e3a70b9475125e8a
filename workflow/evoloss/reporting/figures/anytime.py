"""Figure anytime: re-scored fitness of the incumbent against training samples spent."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from evoloss.reporting.names import method_name
from evoloss.reporting.study_records import StudyRecords
from evoloss.reporting.style import colour_of, new_figure
from evoloss.search.fitness import fitness, references, rescored_references


def rescored_fitness(records: StudyRecords) -> pd.Series:
    """The re-scored fitness by method, run seed and candidate; nan where a training failed."""
    tasks = references(records.resolved_tasks)
    scores: dict[tuple, float | None] = {}
    for run, of_run in records.rescored.groupby(["method", "run_seed"]):
        by_task = rescored_references(of_run.to_dict("records"), tasks)
        for candidate, rows in of_run.groupby("candidate_id"):
            scores[(*run, candidate)] = fitness(rows.to_dict("records"), by_task)
    return pd.Series(scores, dtype=float).rename_axis(["method", "run_seed", "candidate_id"])


def curves(records: StudyRecords) -> pd.DataFrame:
    """One row a run and generation: samples spent so far, re-scored fitness of the incumbent."""
    scores = rescored_fitness(records)
    frame = records.ledgers.sort_values(["method", "run_seed", "generation"])
    frame = frame[["method", "run_seed", "generation", "training_samples", "incumbent"]].copy()
    frame["samples"] = frame.groupby(["method", "run_seed"])["training_samples"].cumsum()
    frame["fitness"] = [
        scores[row.method, row.run_seed, row.incumbent] for row in frame.itertuples()
    ]
    return frame


def on_grid(curves: pd.DataFrame, grid: np.ndarray) -> np.ndarray:
    """Each run as a step function on a grid of samples (runs x grid); nan before its first value."""
    lines = []
    for _, run in curves.groupby("run_seed"):
        samples, values = run["samples"].to_numpy(), run["fitness"].to_numpy(dtype=float)
        index = np.searchsorted(samples, grid, side="right") - 1
        lines.append(np.where(index >= 0, values[np.maximum(index, 0)], np.nan))
    return np.array(lines)


def draw(records: StudyRecords) -> Figure:
    """Mean over runs as a step line, plus or minus one s.d. as a band, single runs thin."""
    figure, axes = new_figure()
    axis = axes[0, 0]
    frame = curves(records)
    for method in records.methods:
        mine = frame[frame["method"] == method]
        start = mine.groupby("run_seed")["samples"].min().max()
        stop = mine["samples"].max()
        inner = mine["samples"][(mine["samples"] >= start) & (mine["samples"] <= stop)]
        grid = np.unique(np.concatenate([[start, stop], inner]))
        lines = on_grid(mine, grid)
        colour = colour_of(method)
        mean = lines.mean(axis=0)
        for line in lines:
            axis.step(grid / 1000, line, where="post", color=colour, linewidth=0.6, alpha=0.35)
        if len(lines) > 1:
            sd = lines.std(axis=0, ddof=1)
            axis.fill_between(
                grid / 1000,
                mean - sd,
                mean + sd,
                step="post",
                color=colour,
                alpha=0.15,
                linewidth=0,
            )
        label = f"{method_name(method)} (n = {len(lines)})"
        axis.step(grid / 1000, mean, where="post", color=colour, linewidth=1.8, label=label)
    axis.axhline(1.0, color="#222222", linewidth=0.8, linestyle=":", label="Cross entropy")
    axis.set_xlabel("Training samples spent by the search (thousands)")
    axis.set_ylabel("Incumbent's re-scored fitness")
    figure.legend(loc="outside upper center", ncols=len(records.methods) + 1)
    return figure
