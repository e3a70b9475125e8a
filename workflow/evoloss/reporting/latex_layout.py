"""How a table fits the page: estimated TeX widths, and what changes if the table is too wide.

The page is an A4 report of 12 pt with margins of 3 cm, and the table is in \\small. A table that is too wide first gets
narrower gaps, then lines that break between words. Then it is turned, or split by columns with its first ones repeated.
"""

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

import pandas as pd

TEXT_WIDTH = 426.7
"""Points: 15 cm."""
TEXT_HEIGHT = 640.0
"""Points: 22.5 cm, the width of a turned table."""
FONT_SIZE = 10.95
"""Points of \\small in a document of 12 pt."""
GAPS = (6.0, 3.0)
"""\\tabcolsep, in points at each side of a column: LaTeX's default, and the narrowest."""
LINES_A_PAGE = 36
"""The most rows of a table on one page, with its caption and notes."""
ROWS_TURNED = 14
"""The most rows of a turned table: with caption and notes they must fit the width of the page."""
SAFETY = 1.03
"""Factor on widths, since Computer Modern is measured without kerning and ligatures."""
BOLD = 1.18
MATH = re.compile(r"\$[^$]*\$")
# No line breaks inside a formula, `mean ± sd` or an interval with its star, nor before %.
WHOLE = re.compile(r"\$[^$]*\$|\[[^\]]*\]\S*|[^\s\[]+ ± \S+|\S+ %")


@dataclass(frozen=True)
class Block:
    """A part of a table that is set separately; `gap` is its \\tabcolsep in points."""

    columns: tuple[str, ...]
    alignments: tuple[str, ...]
    gap: float
    turned: bool = False


def pieces(text: str) -> list[str]:
    """The parts of a text between which lines may break: words, but each match of WHOLE is one part."""
    kept = WHOLE.sub(lambda found: found[0].replace(" ", "\u00a0"), text)
    return [piece for piece in kept.split(" ") if piece]


def unbreakable(text: str) -> str:
    """The text with no-break spaces wherever a line must not break."""
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
    """The width of a text in \\small, in points; rough for formulas."""
    from matplotlib.ft2font import LoadFlags

    plain = MATH.sub(lambda found: _flat(found[0]), text)
    font, total = _font(), 0.0
    for character in plain:
        # A character that the font lacks (such as ±) counts as a capital O.
        index = font.get_char_index(ord(character)) or font.get_char_index(ord("O"))
        if character in " \u00a0":
            total += 33.3
            continue
        glyph = font.load_glyph(index, flags=LoadFlags.NO_HINTING)
        total += glyph.linearHoriAdvance / 65536
    return SAFETY * total * FONT_SIZE / 100


def breakable_math(latex: str, room: float) -> tuple[str, bool]:
    """The formula in a form that TeX can break into lines, and whether each of its parts fits into `room` points.

    TeX breaks at operators outside braces, but not between \\left and \\right, so these become \\bigl and \\bigr.
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
    """A formula as plain text of about its width: a fraction as its longer half, an index with 7/10 of its characters."""
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
    """Whether a cell is empty or begins with a number: a column of such cells is aligned right."""
    return not str(text) or str(text).lstrip("−+")[:1].isdigit()


def blocks(
    frame: pd.DataFrame, bold: Container[str], widths: Mapping[str, float], keys: int, long: bool
) -> list[Block]:
    """The parts into which a table of strings is split to fit the page.

    `bold` names the columns with bold cells. `widths` has the columns of formulas, whose lines TeX breaks, as shares of
    the text width. `keys` first columns are repeated on each part of a split table; with 0 it is turned if it fits.
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
    """The widths of the pieces of each cell of a column, in points, the header first."""
    texts = [name, *frame[name].astype(str)]
    return [[factor * width(piece) for piece in pieces(text)] for text in texts]


def _lines(cell: list[float], room: float) -> int:
    """How many lines the pieces of a cell take in a column of `room` points."""
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
    """The widths of the columns whose lines must break; None if the columns still do not fit.

    All columns start at their narrowest. The column that saves the most lines per point is widened, again and again,
    until the room is used. With LaTeX's default gap no column may break, so the gaps become narrow first.
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
    """The widths above `now` at which some cell may take fewer lines."""
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
    # A word is wider than the page; LaTeX will warn of it.
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
