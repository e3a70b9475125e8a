"""How a table fits the page: widths as TeX would measure them, and what gives way where there is too little room.

The page is an A4 report of 12 pt with margins of 3 cm, and the table in \\small. A table that is too wide first gets
narrower gaps, then breaks lines between words, then is split by columns, the first of which are repeated, or turned.
"""

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

import pandas as pd

TEXT_WIDTH = 426.7
"""Points: 15 cm."""
TEXT_HEIGHT = 640.0
"""Points that a turned table may take: 22.5 cm."""
FONT_SIZE = 10.95
"""Points of \\small in a document of 12 pt."""
GAPS = (6.0, 3.0)
"""\\tabcolsep, points at each side of a column: LaTeX's own, and the narrowest."""
LINES_A_PAGE = 36
"""Rows of a table that may stand on one page with its caption and notes."""
ROWS_TURNED = 14
"""Rows of a table that may be turned: with caption and notes they must fit the page's width."""
SAFETY = 1.03
"""Computer Modern is measured without its kerning and ligatures."""
BOLD = 1.18
MATH = re.compile(r"\$[^$]*\$")
# A mean with its spread, and an interval, break neither inside nor from their star.
WHOLE = re.compile(r"\$[^$]*\$|\[[^\]]*\]\S*|[^\s\[]+ ± \S+|\S+ %")


@dataclass(frozen=True)
class Block:
    """A part of a table that stands by itself: its columns, their alignments, the gap and whether it is turned."""

    columns: tuple[str, ...]
    alignments: tuple[str, ...]
    gap: float
    turned: bool = False


def pieces(text: str) -> list[str]:
    """What a text may be broken into: words, but a number with its spread or its interval is one."""
    kept = WHOLE.sub(lambda found: found[0].replace(" ", "\u00a0"), text)
    return [piece for piece in kept.split(" ") if piece]


def unbreakable(text: str) -> str:
    """The text with the blanks at which it must not be broken made hard."""
    return " ".join(pieces(text))


@cache
def _font():
    from matplotlib import font_manager
    from matplotlib.ft2font import FT2Font

    font = FT2Font(font_manager.findfont("cmr10"))
    font.set_size(100, 72)
    return font


@lru_cache(maxsize=100_000)
def width(text: str) -> float:
    """Points that a text takes in \\small; of formulas roughly."""
    from matplotlib.ft2font import LoadFlags

    plain = MATH.sub(lambda found: _flat(found[0]), text)
    font, total = _font(), 0.0
    for character in plain:
        # What the font lacks (± and the like) is as wide as a capital.
        index = font.get_char_index(ord(character)) or font.get_char_index(ord("O"))
        if character in " \u00a0":
            total += 33.3
            continue
        glyph = font.load_glyph(index, flags=LoadFlags.NO_HINTING)
        total += glyph.linearHoriAdvance / 65536
    return SAFETY * total * FONT_SIZE / 100


def breakable_math(latex: str, room: float) -> tuple[str, bool]:
    """A formula that TeX can break into lines, and whether no part of it is wider than `room` points.

    TeX breaks at operators outside of braces and of pairs of \\left and \\right, which become plain large ones.
    """
    latex = re.sub(r"\\left\s*([(\[|])", r"\\bigl\1", latex)
    latex = re.sub(r"\\right\s*([)\]|])", r"\\bigr\1", latex)
    parts, depth, start, index = [], 0, 0, 0
    while index < len(latex):
        depth += {"{": 1, "}": -1}.get(latex[index], 0)
        operator = next((o for o in (" + ", " - ", r" \, ") if latex.startswith(o, index)), None)
        if operator and depth == 0:
            parts.append(latex[start:index] + operator)
            start = index = index + len(operator)
            continue
        index += 1
    parts.append(latex[start:])
    fits = all(width(f"${part}$") <= room for part in parts)
    return r"\allowbreak ".join(parts), fits


def _flat(latex: str) -> str:
    """A formula as a line of characters about as wide: fractions as the wider half, indices as fewer characters."""
    text = re.sub(r"\\(?:bigl|bigr|left|right|displaystyle|bigl\||,|quad)\b|\\,", "", latex)
    text = re.sub(r"\\(?:frac|sqrt)(?![a-zA-Z])", lambda found: found[0][1:].upper() + "@", text)
    text = re.sub(
        r"\\(?:log|sin|cos|tanh|max|min|sum|tfrac|text|operatorname)", lambda f: f[0][1:], text
    )
    text = re.sub(r"\\[a-zA-Z]+|\\.", "o", text)
    for _ in range(60):
        before = text
        text = re.sub(r"FRAC@\{([^{}]*)\}\{([^{}]*)\}", lambda f: max(f[1], f[2], key=len), text)
        text = re.sub(r"SQRT@\{([^{}]*)\}", r"V\1", text)
        text = re.sub(r"[_^]\{([^{}]*)\}", lambda f: f[1][: -(-len(f[1]) * 7 // 10)], text)
        text = re.sub(r"(?<![@}_^])\{([^{}]*)\}(?!\{)", r"\1", text)
        if text == before:
            break
    return re.sub(r"[{}$@]|[_^]", "", text)


def is_number(text: object) -> bool:
    """Whether a cell stands to the right."""
    return not str(text) or str(text).lstrip("−+")[:1].isdigit()


def blocks(
    frame: pd.DataFrame,
    bold: Container[str],
    widths: Mapping[str, float],
    keys: int,
    long: bool,
) -> list[Block]:
    """The parts that a table of strings is set in.

    `bold` has the columns with bold cells; `widths` are shares of the text's width of columns of formulas, whose lines TeX
    breaks; `keys` says how many columns are repeated where the table is split, 0 that it is turned instead.
    """
    names = list(frame)
    cells = {n: _cells(frame, n, BOLD if n in bold else 1.0) for n in names if n not in widths}
    fixed = {n: max(widths[n] * TEXT_WIDTH, *map(width, n.split())) for n in names if n in widths}

    def fitting(columns: Sequence[str], room: float, turned: bool = False) -> Block | None:
        for gap in GAPS:
            free = room - 2 * gap * len(columns)
            found = _shared({c: cells[c] for c in columns if c in cells}, fixed, columns, free, gap)
            if found is not None:
                break
        else:
            return None
        return Block(tuple(columns), _alignments(frame, columns, found | fixed), gap, turned)

    whole = fitting(names, TEXT_WIDTH)
    if whole is not None:
        return [whole]
    if not keys and not long and len(frame) <= ROWS_TURNED:
        turned = fitting(names, TEXT_HEIGHT, turned=True)
        if turned is not None:
            return [turned]
    first, rest = names[: max(1, keys)], names[max(1, keys) :]
    found, taken = [], []
    for name in rest:
        if taken and fitting([*first, *taken, name], TEXT_WIDTH) is None:
            found.append(
                fitting([*first, *taken], TEXT_WIDTH) or _as_it_is(frame, [*first, *taken])
            )
            taken = []
        taken.append(name)
    found.append(fitting([*first, *taken], TEXT_WIDTH) or _as_it_is(frame, [*first, *taken]))
    return found


def _cells(frame: pd.DataFrame, name: str, factor: float) -> list[list[float]]:
    """The widths of the pieces of each cell of a column, the header first."""
    texts = [name, *frame[name].astype(str)]
    return [[factor * width(piece) for piece in pieces(text)] for text in texts]


def _lines(cell: list[float], room: float) -> int:
    """How many lines the pieces of a cell take in a column of so many points."""
    lines, used, blank = 1, 0.0, width(" ")
    for piece in cell:
        if used and used + blank + piece > room + 0.01:
            lines, used = lines + 1, piece
        else:
            used += piece + (blank if used else 0)
    return lines


def _shared(
    cells: Mapping[str, list[list[float]]],
    fixed: Mapping[str, float],
    columns: Sequence[str],
    room: float,
    gap: float,
) -> dict[str, float] | None:
    """The widths of the columns that must break lines; None where there is no room even so.

    From the narrowest on, the column is widened that saves most lines of the table for a point, until the room is used.
    With LaTeX's own gap no column may break: first the gaps become narrow.
    """
    blank = width(" ")
    room -= sum(fixed[c] for c in columns if c in fixed)
    natural = {c: max(sum(x) + blank * max(0, len(x) - 1) for x in v) for c, v in cells.items()}
    if sum(natural.values()) <= room:
        return {}
    least = {c: max(max(cell, default=0.0) for cell in v) for c, v in cells.items()}
    if gap > GAPS[-1] or sum(least.values()) > room:
        return None
    now = dict(least)

    def height(widths: Mapping[str, float]) -> int:
        by_column = [[_lines(cell, widths[c]) for cell in v] for c, v in cells.items()]
        return sum(map(max, zip(*by_column, strict=True)))

    current = height(now)
    while True:
        free, best = room - sum(now.values()), None
        for column in cells:
            for wider in _steps(cells[column], now[column], natural[column]):
                cost = wider - now[column]
                if cost > free + 1e-9:
                    break
                saved = current - height(now | {column: wider})
                if saved > 0 and (best is None or saved / cost > best[0]):
                    best = (saved / cost, column, wider, saved)
        if best is None:
            return {c: w for c, w in now.items() if w < natural[c] - 0.01}
        now[best[1]], current = best[2], current - best[3]


def _steps(cells: list[list[float]], now: float, natural: float) -> list[float]:
    """The widths, above the present one, at which some cell may take fewer lines."""
    blank, found = width(" "), set()
    for cell in cells:
        for first in range(len(cell)):
            total = -blank
            for piece in cell[first:]:
                total += blank + piece
                if now + 0.01 < total <= natural + 0.01:
                    found.add(round(total + 0.05, 1))
    return sorted(found)[:60]


def _as_it_is(frame: pd.DataFrame, columns: Sequence[str]) -> Block:
    # A word that is wider than the page: LaTeX will say so.
    return Block(tuple(columns), _alignments(frame, columns, {}), GAPS[-1])


def _alignments(
    frame: pd.DataFrame, columns: Sequence[str], fixed: Mapping[str, float]
) -> tuple[str, ...]:
    return tuple(
        rf">{{\raggedright\arraybackslash}}p{{{fixed[name]:.1f}pt}}"
        if name in fixed
        else "r"
        if frame[name].map(is_number).all()
        else "l"
        for name in columns
    )
