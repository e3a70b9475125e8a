"""Figure funnel: what happens to the proposals of a method, from the first check to a complete training.

One bar per method; 100 % are all its proposals over all runs. Individuals that are scored again are not proposals and
do not count.
"""

import pandas as pd
import seaborn as sns
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from evoloss.reporting.names import method_name
from evoloss.reporting.screening import OWN_CHECK, REJECTED, trainings_a_candidate
from evoloss.reporting.study_records import StudyRecords
from evoloss.reporting.style import new_figure
from evoloss.search.records import STOPPED

REUSED, FAILED, TRAINED = "reused", "failed", "trained"

NARROWEST_LABELLED = 0.06
"""The smallest share whose segment is wide enough for its percentage."""

LABELS = {
    OWN_CHECK: "Rejected: own check",
    REUSED: "Fitness reused",
    STOPPED: "Stopped in training",
    FAILED: "Training failed",
    TRAINED: "Trained to the end",
}
"""Segments in the legend; the stages of the functional check have their own names there."""

COLOURS = {REUSED: "#cccccc", STOPPED: "#969696", FAILED: "#525252", TRAINED: "#0173b2"}
"""Colours of the proposals that passed the checks; the rejections have a sequence of tones."""


def counts(records: StudyRecords) -> pd.DataFrame:
    """The number of proposals by their end, summed over runs: methods x segments, in order.

    Segments: rejected by the method's own check (`method`) or by a stage of the functional check; `reused` (given an
    earlier fitness); `stopped` by a race or a hurdle (a minimum gain at a rung); `failed` or diverged; `trained`, the
    rest. `stopped` and `failed` are trainings divided by the trainings of one candidate. `failed` includes individuals
    that were scored again, since the ledger does not tell them from new candidates.
    """
    trainings = trainings_a_candidate(records.description)
    sums = records.ledgers.groupby("method").sum(numeric_only=True).loc[records.methods]
    frame = pd.DataFrame({end: sums[column] for end, column in REJECTED.items()})
    frame[REUSED] = sums["reused"]
    frame[STOPPED] = sums["stopped_evaluations"] / trainings
    frame[FAILED] = sums["failed_evaluations"] / trainings
    frame[TRAINED] = sums["proposals"] - frame.sum(axis=1)
    return frame


def shares(counts: pd.DataFrame) -> pd.DataFrame:
    """The counts as shares of the proposals of each method, without segments that are empty for all methods."""
    frame = counts.loc[:, (counts != 0).any()]
    return frame.div(counts.sum(axis=1), axis=0)


def draw(records: StudyRecords) -> Figure:
    """The bars, top to bottom in the order of the methods; at the end of each bar the number of its proposals."""
    ends = counts(records)
    segments, proposals = shares(ends), ends.sum(axis=1)
    colours = dict(zip(REJECTED, sns.color_palette("YlOrRd", len(REJECTED)), strict=True)) | COLOURS
    rows = -(-segments.shape[1] // 4)  # of the legend
    height = 0.65 + 0.29 * len(segments) + 0.17 * rows
    figure, axes = new_figure(height=height)
    axis = axes[0, 0]
    places, left = range(len(segments)), pd.Series(0.0, index=segments.index)
    for end, widths in segments.items():
        bars = axis.barh(
            places,
            widths,
            left=left,
            color=colours[end],
            label=LABELS.get(end, f"Rejected: {end}"),
            edgecolor="white",
            linewidth=0.4,
        )
        texts = [f"{100 * w:.0f}" if w >= NARROWEST_LABELLED else "" for w in widths]
        axis.bar_label(
            bars, texts, label_type="center", fontsize=7.5, color=_readable_on(colours[end])
        )
        left += widths
    for place, number in zip(places, proposals, strict=True):
        axis.text(1.01, place, f"{number:,.0f}", va="center", fontsize=7.5)
    axis.text(1.01, -0.7, "Proposals", va="center", fontsize=7.5)
    axis.set_yticks(places, [method_name(method) for method in segments.index])
    axis.set_ylim(len(segments) - 0.5, -0.5)
    axis.set_xlim(0, 1)
    axis.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
    axis.set_xlabel("Share of all proposals", fontsize=8)
    axis.tick_params(axis="y", length=0)
    axis.grid(False)
    figure.legend(loc="outside lower center", ncols=4, handlelength=1.2)
    return figure


def _readable_on(colour: str | tuple) -> str:
    """Black or white, whichever is easier to read on a colour (by its luma)."""
    red, green, blue = to_rgb(colour)
    return "#111111" if 0.299 * red + 0.587 * green + 0.114 * blue > 0.55 else "white"
