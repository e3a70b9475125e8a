"""Figure lineage: the ancestors of the best champion, the operators that made them, and their fitness."""

import textwrap
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from evoloss.reporting.names import method_name
from evoloss.reporting.study_records import StudyRecords
from evoloss.reporting.style import looks, new_figure

LINE = 84
"""Characters per line of an expression."""
MOST_LINES = 3
MOST_SHOWN = 9
"""The most ancestors shown; if there are more, the oldest and the latest are."""


def best_line(records: StudyRecords) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The best champion by re-scored fitness and its ancestry; champions without parents count only if none has any."""
    found = []
    for champion in records.champions:
        plans = records.candidates_of(champion["method"], champion["run_seed"])
        found.append((champion, ancestry(plans, champion["candidate_id"])))
    bred = [(champion, line) for champion, line in found if len(line) > 1]
    return max(bred or found, key=lambda pair: pair[0]["fitness"])


def ancestry(candidates: pd.DataFrame, candidate: str) -> list[dict[str, Any]]:
    """The candidate and its line of first parents, oldest first.

    `mate` is the expression of the second parent, or None. Each individual is taken from its first generation.
    """
    first = candidates.sort_values("generation").drop_duplicates("candidate_id")
    known = first.set_index("candidate_id")
    line: list[dict[str, Any]] = []
    while candidate in known.index and len(line) <= len(known):
        row = known.loc[candidate]
        parents = list(row["parents"] if row["parents"] is not None else [])
        mate = known["expression"].get(parents[1]) if len(parents) > 1 else None
        line.append({**row.to_dict(), "candidate_id": candidate, "mate": mate})
        if not parents:
            break
        candidate = parents[0]
    return line[::-1]


def draw(records: StudyRecords) -> Figure:
    """One row per ancestor, from the first generation at the top down to the champion."""
    champion, line = best_line(records)
    method, seed = champion["method"], champion["run_seed"]
    fitness = _fitness(records, method, seed)
    shown: list[dict[str, Any] | int] = list(line)
    if len(line) > MOST_SHOWN:
        half = MOST_SHOWN // 2
        shown = [*line[:half], len(line) - 2 * half, *line[-half:]]
    figure, ((axis,),) = new_figure(height=0.5 + 0.72 * len(shown))
    axis.set_axis_off()
    axis.set_xlim(0, 1)
    axis.set_ylim(len(shown) - 0.4, -0.6)
    colour = looks([method])[method].colour
    for row, ancestor in enumerate(shown):
        if row:
            axis.annotate(
                "",
                xy=(0.02, row - 0.12),
                xytext=(0.02, row - 0.88),
                arrowprops={"arrowstyle": "-|>", "color": "#555555", "linewidth": 0.9},
            )
        if isinstance(ancestor, int):
            axis.text(0.05, row, f"{ancestor} more", fontsize=8, va="center", style="italic")
            continue
        last = row == len(shown) - 1
        axis.plot(0.02, row, "o", color=colour, markersize=7 if last else 4.5, zorder=3)
        axis.text(
            0.05,
            row - 0.2,
            _title(ancestor, fitness, last),
            fontsize=7.5,
            color="#333333",
            va="center",
        )
        wrapped = textwrap.wrap(ancestor["expression"], LINE)
        text = "\n".join(wrapped[:MOST_LINES]) + (" …" if len(wrapped) > MOST_LINES else "")
        axis.text(
            0.05, row - 0.02, text, fontsize=7, family="monospace", va="top", parse_math=False
        )
    axis.set_title(
        f"Champion of {method_name(method)}, run seed {seed}: re-scored fitness {champion['fitness']:.3f}",
        loc="left",
    )
    return figure


def _title(ancestor: dict[str, Any], fitness: dict[str, float], last: bool) -> str:
    operator = str(ancestor["operator"]).replace("_", " ")
    parts = [f"generation {int(ancestor['generation'])}", operator]
    if ancestor["mate"]:
        parts.append(f"with {textwrap.shorten(ancestor['mate'], 40, placeholder=' …')}")
    value = fitness.get(ancestor["candidate_id"])
    if value is not None:
        parts.append(f"fitness {value:.3f} in the search")
    return ("champion: " if last else "") + ", ".join(parts)


def _fitness(records: StudyRecords, method: str, seed: int) -> dict[str, float]:
    scores = records.scores
    mine = scores[(scores["method"] == method) & (scores["run_seed"] == seed)].dropna(
        subset="fitness"
    )
    return mine.groupby("candidate_id")["fitness"].mean().to_dict()
