"""Figure flowchart: E-GP as this study runs it, with its own P, T, N, |G| and M_ST (Figure 3.1 of the draft)."""

import textwrap
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Polygon

from evoloss.reporting.names import method_name
from evoloss.reporting.study_records import StudyRecords
from evoloss.reporting.style import looks, new_figure

CENTRE, SIDE = 0.38, 0.88
WIDTH, SIDE_WIDTH, HEIGHT = 0.64, 0.23, 0.075
LINE = 62
"""Characters per line in a box of width WIDTH."""


def steps(flow: dict[str, Any]) -> list[str]:
    """The texts of the boxes, top to bottom."""
    settings, generations = flow["settings"], flow["generations"]
    checked = " that pass the check" if flow["check_initial"] else ""
    if settings["selection"] == "tournament":
        parents = (
            f"Tournament: draw |G| = {settings['tournament']} of them uniformly,\n"
            f"take the best N = {settings['parents']}"
        )
    else:
        parents = (
            f"Take the best {settings['top_share']:.0%},\n"
            f"draw N = {settings['parents']} of them at random"
        )
    racing = settings["racing"]
    race = "" if not racing else ", in a race that stops the worse ones"
    chance = settings["subtree_probability"]
    return [
        f"Draw P = {settings['population']} random trees{checked}",
        f"Train a network with each on {', '.join(flow['tasks'])}{race}; fitness is its gain in validation accuracy",
        parents,
        f"Mutate a copy of each: a subtree with M_ST = {chance:g},\nelse one point",
        "Functional check?",
        f"Train a network with each child{race}",
        f"Keep the P = {settings['population']} best of parents and children",
        f"Generation T = {generations}, or budget spent?",
        "Re-score incumbents and finalists on fresh seeds; the best is champion",
    ]


def draw(records: StudyRecords) -> Figure:
    """Boxes and arrows; a sentence if the study has no E-GP."""
    flow = records.description["flow"]
    figure, ((axis,),) = new_figure(height=6.2)
    axis.set_axis_off()
    axis.set_xlim(0, 1)
    axis.set_ylim(0, 1)
    if flow is None:
        axis.text(0.5, 0.5, "This study has no method of the algorithm E-GP.", ha="center")
        return figure
    name, settings = flow["method"], flow["settings"]
    colour = looks([name])[name].colour
    texts = steps(flow)
    heights = [0.93 - index * 0.107 for index in range(len(texts))]
    asks = {4, 7}
    for index, (text, y) in enumerate(zip(texts, heights, strict=True)):
        _box(axis, CENTRE, y, WIDTH, text, colour, diamond=index in asks)
        if index:
            _arrow(axis, (CENTRE, heights[index - 1] - HEIGHT / 2), (CENTRE, y + HEIGHT / 2))
    attempts = settings["attempts"]
    again = "draw the copy again" if attempts > 1 else "the child is dropped"
    many = f", at most {attempts} times" if attempts > 1 else ""
    _box(axis, SIDE, heights[4], SIDE_WIDTH, again + many, "#777777")
    right = CENTRE + WIDTH / 2
    _arrow(axis, (right, heights[4]), (SIDE - SIDE_WIDTH / 2, heights[4]), "no")
    if attempts > 1:
        axis.plot(
            [SIDE, SIDE], [heights[4] + HEIGHT / 2, heights[3]], color="#333333", linewidth=0.9
        )
        _arrow(axis, (SIDE, heights[3]), (right, heights[3]))
    axis.text(CENTRE + 0.01, (heights[4] + heights[5]) / 2, "yes", fontsize=7.5, va="center")
    axis.text(CENTRE + 0.01, (heights[7] + heights[8]) / 2, "yes", fontsize=7.5, va="center")
    left = CENTRE - WIDTH / 2
    axis.plot(
        [left, 0.02, 0.02, left - 0.02],
        [heights[7], heights[7], heights[2], heights[2]],
        color="#333333",
        linewidth=0.9,
    )
    _arrow(axis, (left - 0.025, heights[2]), (left, heights[2]))
    axis.text(left - 0.008, heights[7] + 0.008, "no", fontsize=7.5, ha="right", va="bottom")
    axis.text(CENTRE, 0.995, f"{method_name(name)}, as in this study", ha="center", fontsize=9)
    return figure


def _box(
    axis: Axes, x: float, y: float, width: float, text: str, colour: str, diamond: bool = False
) -> None:
    if diamond:
        half, tall = width / 2, HEIGHT / 2
        corners = [(x - half, y), (x, y + tall), (x + half, y), (x, y - tall)]
        shape = Polygon(corners, closed=True, facecolor="white", edgecolor=colour, linewidth=1.1)
    else:
        shape = FancyBboxPatch(
            (x - width / 2, y - HEIGHT / 2),
            width,
            HEIGHT,
            boxstyle="round,pad=0,rounding_size=0.012",
            facecolor="white",
            edgecolor=colour,
            linewidth=1.1,
        )
    axis.add_patch(shape)
    most = int(LINE * width / WIDTH)
    lines = [line for part in text.split("\n") for line in textwrap.wrap(part, most)]
    shown = "\n".join(lines)
    size = 7.5 if len(lines) < 3 else 6.5
    axis.text(x, y, shown, ha="center", va="center", fontsize=size, parse_math=False)


def _arrow(
    axis: Axes, start: tuple[float, float], end: tuple[float, float], text: str = ""
) -> None:
    style = {"arrowstyle": "-|>", "color": "#333333", "linewidth": 0.9, "shrinkA": 0, "shrinkB": 0}
    axis.annotate("", xy=end, xytext=start, arrowprops=style)
    if text:
        x, y = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2
        axis.text(x, y + 0.008, text, fontsize=7.5, ha="center", va="bottom")
