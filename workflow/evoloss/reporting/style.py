"""The looks of all figures: fonts, widths, one colour a method, files."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import seaborn as sns
from matplotlib.figure import Figure

from evoloss.parquet import atomic_path

TEXT_WIDTH = 6.3
"""Width of a figure in inches: the text width of an A4 thesis, so that fonts are never rescaled."""

_COLOURS = sns.color_palette("colorblind", 10).as_hex()
_FIXED = {
    "egp": _COLOURS[0],
    "random_search": _COLOURS[7],
    "cross_entropy": "#222222",
    "ngl": _COLOURS[3],
}
_FREE = [colour for colour in _COLOURS if colour not in _FIXED.values()]


def colour_of(name: str) -> str:
    """The colour of a method or loss, the same in every figure; a champion has its method's."""
    name = name.split("_seed")[0]
    if name in _FIXED:
        return _FIXED[name]
    return _FREE[int(hashlib.sha256(name.encode()).hexdigest(), 16) % len(_FREE)]


def new_figure(
    columns: int = 1, rows: int = 1, height: float = 3.2, **options
) -> tuple[Figure, Sequence]:
    """A figure of the text's width with its axes, in the common theme."""
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
            "figure.constrained_layout.use": True,
            "axes.grid": True,
            "grid.alpha": 0.3,
        },
    )
    return plt.subplots(rows, columns, figsize=(TEXT_WIDTH, height), squeeze=False, **options)


def save(figure: Figure, paths: Sequence[str | Path]) -> None:
    """Write a figure to each path, in the format of its suffix, without dates (equal bytes)."""
    for path in map(Path, paths):
        dates = {"CreationDate": None} if path.suffix == ".pdf" else {"Software": None}
        with atomic_path(path) as temporary:
            figure.savefig(temporary, dpi=200, metadata=dates)
    plt.close(figure)
