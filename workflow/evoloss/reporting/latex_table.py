"""Tables as text: booktabs LaTeX and Markdown from the same strings."""

import unicodedata
from dataclasses import dataclass, field

import pandas as pd

from evoloss.reporting.latex_layout import (
    LINES_A_PAGE,
    TEXT_WIDTH,
    Block,
    blocks,
    breakable_math,
    unbreakable,
)


@dataclass(frozen=True)
class Dressed:
    """A table for readers: strings under display names, and which cells (row, column) are bold.

    `long` makes a longtable, which may break over pages. `notes` are sentences below the table. In the columns `math`,
    headers included, text between two `$` is LaTeX and is not escaped. Those of them in `widths` break their lines, at
    that share of the text width. A table with too many columns is split, and its first `keys` columns are repeated on
    each part; with 0 a short table is turned instead.
    """

    frame: pd.DataFrame
    bold: frozenset[tuple[int, str]] = frozenset()
    notes: tuple[str, ...] = field(default=())
    long: bool = False
    math: frozenset[str] = frozenset()
    widths: dict[str, float] = field(default_factory=dict)
    keys: int = 0


SYMBOLS = {
    "±": r"$\pm$",
    "−": r"$-$",
    "–": "--",
    "×": r"$\times$",
    "≥": r"$\geq$",
    "∞": r"$\infty$",
    "…": r"\dots{}",
    "†": r"\dag{}",
    "ᶜ": r"\textsuperscript{c}",
    "ᵈ": r"\textsuperscript{d}",
    "ᵖ": r"\textsuperscript{p}",
    "ʳ": r"\textsuperscript{r}",
    "\u00a0": "~",
    "’": "'",
    "→": r"$\rightarrow$",
    "≤": r"$\leq$",
    "·": r"$\cdot$",
}


def plus_minus(mean: float, sd: float, digits: int = 2, scale: float = 1.0) -> str:
    """`mean ± sd`, both times `scale`, with fixed decimals; the mean alone if `sd` is nan; empty if `mean` is nan."""
    if pd.isna(mean):
        return ""
    text = signed(mean * scale, digits)
    return text if pd.isna(sd) else f"{text} ± {sd * scale:.{digits}f}"


def signed(value: float, digits: int = 2, plus: bool = False) -> str:
    """A number with fixed decimals and a typographic minus, with `plus` also a plus sign; empty for nan."""
    if pd.isna(value):
        return ""
    text = f"{value:{'+' if plus else ''}.{digits}f}"
    return text.replace("-", "−")


def thousands(samples: float) -> str:
    """A number of samples in thousands, without decimals; empty for nan."""
    text = "" if pd.isna(samples) else f"{samples / 1000:,.0f}".replace("-", "−")
    return "0" if text == "−0" else text


def to_latex(dressed: Dressed, caption: str = "", label: str = "") -> str:
    """The table as LaTeX to `\\input`, escaped, with caption, label and notes, fitted to the page by `latex_layout.py`.

    It needs the package booktabs; also longtable to break over pages, array to break lines, amsmath for formulas,
    and graphicx to turn the table.
    """
    frame = dressed.frame.reset_index(drop=True).astype(str)
    for name in frame:
        if name not in dressed.math:
            frame[name] = frame[name].map(unbreakable)
    bold = {column for _, column in dressed.bold}
    widths = {name: share for name, share in dressed.widths.items() if name in dressed.math}
    for name, share in widths.items():
        frame[name] = [_broken(text, share * TEXT_WIDTH) for text in frame[name]]
    long = dressed.long or len(frame) > LINES_A_PAGE
    parts = blocks(frame, bold, widths, dressed.keys, long)
    notes = " ".join(escaped(note) for note in dressed.notes)
    texts = []
    for number, block in enumerate(parts, start=1):
        title = escaped(caption)
        if len(parts) > 1:
            title += f" (Part {number} of {len(parts)}.)"
        last = number == len(parts)
        texts.append(
            _part(
                dressed,
                frame,
                block,
                title,
                label if number == 1 else "",
                notes if last else "",
                long,
            )
        )
    return "\n".join(texts)


def _part(
    dressed: Dressed,
    frame: pd.DataFrame,
    block: Block,
    title: str,
    label: str,
    notes: str,
    long: bool,
) -> str:
    columns = list(block.columns)
    style = frame[columns].style.hide(axis="index").format(escape="latex")
    math = [name for name in columns if name in dressed.math]
    if math:
        style = style.format(escape="latex-math", subset=math)
    style = style.format_index(escape="latex-math" if math else "latex", axis=1)
    looks = pd.DataFrame("", index=frame.index, columns=columns)
    for row, column in dressed.bold:
        if column in columns:
            looks.loc[row, column] = "textbf:--rwrap;"
    style = style.apply(lambda _: looks, axis=None)
    tabular = style.to_latex(
        hrules=True,
        column_format="".join(block.alignments),
        environment="longtable" if long else None,
        caption=(title or None) if long else None,
        label=(label or None) if long else None,
    )
    gap = rf"\setlength{{\tabcolsep}}{{{block.gap:g}pt}}"
    below = f"\\par\\smallskip\n{{\\footnotesize\\noindent {notes}\\par}}\n" if notes else ""
    if long:
        text = f"{{\\small{gap}\\setlength{{\\LTcapwidth}}{{\\textwidth}}\n{tabular}}}\n{below}"
        return with_commands(text)
    heading = (f"\\caption{{{title}}}\n" if title else "") + (
        f"\\label{{{label}}}\n" if label else ""
    )
    inner = f"\\centering\\small{gap}\\setlength{{\\belowcaptionskip}}{{5pt}}\n{heading}{tabular}"
    if below:
        inner += f"\\begin{{minipage}}{{\\linewidth}}\n{below}\\end{{minipage}}\n"
    if block.turned:
        inner = (
            f"\\rotatebox{{90}}{{\\begin{{minipage}}{{\\textheight}}\n{inner}\\end{{minipage}}}}\n"
        )
    place = "p" if block.turned else "htbp"
    return with_commands(f"\\begin{{table}}[{place}]\n{inner}\\end{{table}}\n")


def _broken(text: str, room: float) -> str:
    """The cell; if it is one formula, in a form that TeX can break into lines."""
    if not (text.startswith("$") and text.endswith("$") and text.count("$") == 2):
        return text
    return f"${breakable_math(text[1:-1], room)[0]}$"


_ESCAPES = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
}


def escaped(text: str) -> str:
    """Plain text as LaTeX source."""
    return with_commands("".join(_ESCAPES.get(character, character) for character in text))


def with_commands(text: str) -> str:
    """LaTeX source in which commands or ASCII replace the characters that pdflatex does not know."""
    for symbol, command in SYMBOLS.items():
        text = text.replace(symbol, command)
    return "".join(c if ord(c) < _KNOWN else _transcribed(c) for c in text)


_KNOWN = 0x180
"""LaTeX's own fonts have the Latin letters below this code point."""


def _transcribed(character: str) -> str:
    plain = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return _ESCAPES.get(plain, plain) or f"[U+{ord(character):04X}]"


def to_markdown(dressed: Dressed) -> str:
    """The table in Markdown, with its notes below."""
    frame = dressed.frame.reset_index(drop=True).astype(str)
    for column in frame:
        # In a formula `\|` means a double bar.
        bar = r"\vert " if column in dressed.math else r"\|"
        frame[column] = frame[column].str.replace("|", bar)
    for row, column in dressed.bold:
        frame.loc[row, column] = f"**{frame.loc[row, column]}**"
    table = frame.to_markdown(index=False, disable_numparse=True)
    return "\n\n".join([table, *dressed.notes]) + "\n"
