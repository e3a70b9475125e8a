"""The style of all figures: fonts, widths, one colour per method, and how they are saved."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from evoloss.files import atomic_path
from evoloss.reporting.statistics import standard_deviation

TEXT_WIDTH = 6.3
"""Width of a figure in inches: the text width of an A4 thesis, so that fonts are never rescaled."""

_COLOURS = sns.color_palette("colorblind", 10).as_hex()
_SOLID, _DASHED, _DOTTED = "-", (0, (4, 1.5)), (0, (1.2, 1.2))
_DASH_DOTTED, _SHORT_DASHED = (0, (5, 1.2, 1.2, 1.2)), (0, (2.5, 1.2))


@dataclass(frozen=True)
class Look:
    """How a method is drawn in all figures: colour, line style and marker."""

    colour: str
    dashes: str | tuple
    marker: str

    def line(self) -> dict[str, Any]:
        """Options of a line."""
        return {"color": self.colour, "linestyle": self.dashes}


_METHODS = {
    "egp": Look(_COLOURS[0], _SOLID, "o"),
    "egp_checked": Look("#0b3d91", _DASH_DOTTED, "H"),
    "egp_racing": Look("#117755", _DOTTED, "h"),
    "random_search": Look(_COLOURS[7], _DASHED, "X"),
    "ngl_gp": Look(_COLOURS[3], _SOLID, "s"),
    "ngl_gp_rescored": Look(_COLOURS[1], _DASHED, "D"),
    "regularised_evolution": Look(_COLOURS[2], _SOLID, "^"),
    "glo": Look(_COLOURS[4], _SOLID, "v"),
    "taylor_glo": Look(_COLOURS[5], _DASHED, "P"),
    "robust_taylor": Look("#5b2a86", _DASH_DOTTED, "x"),
    "gp_lfl": Look(_COLOURS[9], _SOLID, "*"),
}
# For other methods: dark tones, and combinations of marker and line style that no method above has.
_FREE = [
    Look("#332288", _DOTTED, "p"),
    Look("#882255", _DASH_DOTTED, "d"),
    Look("#7a7a1f", _SHORT_DASHED, "<"),
    Look("#444444", _DOTTED, ">"),
    Look("#0a5c6b", _DASH_DOTTED, "8"),
]

REFERENCE_COLOURS = ("#111111", "#111111", "#777777", "#777777")
REFERENCE_DASHES = (_SOLID, _DASHED, _DOTTED, _SOLID)


def looks(methods: Sequence[str]) -> dict[str, Look]:
    """The look of each method of a study, the same in all its figures.

    Methods with names that are not in _METHODS take the free looks in turn; if there are many, some look alike.
    """
    free = cycle(_FREE)
    return {method: _METHODS.get(method) or next(free) for method in methods}


def reference_lines(names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Options for the lines of known losses, drawn beside the methods: black and grey."""
    looks = cycle(zip(REFERENCE_COLOURS, REFERENCE_DASHES, strict=True))
    return {
        name: {"color": colour, "linestyle": dashes}
        for name, (colour, dashes) in zip(names, looks, strict=False)
    }


def new_figure(
    columns: int = 1, rows: int = 1, height: float = 3.2, **options
) -> tuple[Figure, Sequence]:
    """A figure as wide as the text, and its axes, in the common theme; `height` in inches."""
    sns.set_theme(
        context="paper",
        style="ticks",
        rc={
            "pdf.fonttype": 42,
            "font.size": 9,
            "axes.titlesize": 9,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "legend.frameon": False,
            "legend.fontsize": 8,
            "figure.constrained_layout.use": True,
            "axes.grid": True,
            "grid.alpha": 0.3,
        },
    )
    return plt.subplots(rows, columns, figsize=(TEXT_WIDTH, height), squeeze=False, **options)


def panels(count: int, columns: int, row_height: float, margin: float, **options):
    """A figure with `count` small panels, row by row and with shared axes, and the list of these panels.

    Its height is rows * `row_height` + `margin` (for the legend), in inches.
    """
    columns = min(columns, count)
    rows = -(-count // columns)
    options = {"sharex": True, "sharey": True} | options
    figure, axes = new_figure(columns, rows, height=rows * row_height + margin, **options)
    flat = [axis for row in axes for axis in row]
    for axis in flat[count:]:
        axis.set_visible(False)
    for axis in flat[max(0, count - columns) : count]:
        axis.tick_params(labelbottom=True)  # also where a column ends above the last row
    return figure, flat[:count]


def end_bars(axis: Axes, ends: Sequence[tuple[Look, np.ndarray]]) -> None:
    """Draw mean and s.d. of the values at the ends of curves, side by side in a strip to the right of `axis`.

    For many curves that lie close together, such bars are distinct where bands along the curves would overlap.
    Values that are too few for an s.d. are drawn one by one.
    """
    strip = axis.inset_axes((1.01, 0, 0.02 + 0.022 * len(ends), 1), sharey=axis)
    for position, (look, values) in enumerate(ends):
        style = {"color": look.colour, "marker": look.marker, "markersize": 3.5, "linewidth": 1}
        sd = standard_deviation(values)
        if np.isnan(sd):
            strip.plot([position] * len(values), values, **style | {"linestyle": "none"})
        else:
            strip.errorbar(position, np.mean(values), yerr=sd, **style)
    strip.set_xlim(-0.8, len(ends) - 0.2)
    strip.axis("off")


def save(figure: Figure, paths: Sequence[str | Path]) -> None:
    """Write a figure to each path, in the format of its suffix, without dates: equal figures have equal bytes."""
    for path in map(Path, paths):
        dates = {"CreationDate": None} if path.suffix == ".pdf" else {"Software": None}
        with atomic_path(path) as temporary:
            figure.savefig(temporary, dpi=200, metadata=dates)
    plt.close(figure)
