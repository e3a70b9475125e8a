"""One way to dress a table: booktabs LaTeX and Markdown from the same strings."""

from dataclasses import dataclass, field

import pandas as pd


@dataclass(frozen=True)
class Dressed:
    """A table for readers: strings under display names, and which cells (row, column) are bold.

    `long` makes a longtable that may break over pages. `notes` are sentences below the table. In
    the columns `math`, headers included, what stands between two `$` is LaTeX and is not escaped.
    The columns in `widths` break their lines, at that share of the text's width.
    """

    frame: pd.DataFrame
    bold: frozenset[tuple[int, str]] = frozenset()
    notes: tuple[str, ...] = field(default=())
    long: bool = False
    math: frozenset[str] = frozenset()
    widths: dict[str, float] = field(default_factory=dict)


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
}

LONGEST_LINE = 60
"""Characters that a cell may have before its column breaks lines."""


def plus_minus(mean: float, sd: float, digits: int = 2, scale: float = 1.0) -> str:
    """`mean ± sd` in fixed digits; the mean alone without a spread; empty without a mean."""
    if pd.isna(mean):
        return ""
    text = signed(mean * scale, digits)
    return text if pd.isna(sd) else f"{text} ± {sd * scale:.{digits}f}"


def signed(value: float, digits: int = 2, plus: bool = False) -> str:
    """A number with a typographic minus, and a plus if asked for; empty for nan."""
    if pd.isna(value):
        return ""
    text = f"{value:{'+' if plus else ''}.{digits}f}"
    return text.replace("-", "−")


def to_latex(dressed: Dressed) -> str:
    """A tabular (or longtable) to `\\input`, everything escaped, without caption.

    Needs the package booktabs; a long table longtable, lines that break array, formulas amsmath.
    """
    frame = dressed.frame.reset_index(drop=True)
    style = frame.style.hide(axis="index")
    style = style.format(escape="latex")
    headers = "latex"
    if dressed.math:
        style = style.format(escape="latex-math", subset=sorted(dressed.math))
        headers = "latex-math"
    style = style.format_index(escape=headers, axis=1)
    bold = pd.DataFrame("", index=frame.index, columns=frame.columns)
    for row, column in dressed.bold:
        bold.loc[row, column] = "textbf:--rwrap;"
    style = style.apply(lambda _: bold, axis=None)
    text = style.to_latex(
        hrules=True,
        column_format="".join(_alignments(frame, dressed.widths)),
        environment="longtable" if dressed.long else None,
    )
    for symbol, command in SYMBOLS.items():
        text = text.replace(symbol, command)
    notes = "".join(f"% {note}\n" for note in dressed.notes)
    return notes + text


def _alignments(frame: pd.DataFrame, widths: dict[str, float]) -> list[str]:
    """Numbers to the right, texts to the left, and the longest broken into lines."""
    longest = {name: frame[name].map(lambda text: len(str(text))).max() for name in frame}
    shares = widths or {name: 0.42 for name, length in longest.items() if length > LONGEST_LINE}
    return [
        rf">{{\raggedright\arraybackslash}}p{{{shares[name]:.2f}\linewidth}}"
        if name in shares
        else "r"
        if frame[name].map(_is_number).all()
        else "l"
        for name in frame
    ]


def _is_number(text: object) -> bool:
    return not str(text) or str(text).lstrip("−+")[:1].isdigit()


def to_markdown(dressed: Dressed) -> str:
    """The same table in Markdown, with its notes below."""
    frame = dressed.frame.reset_index(drop=True).astype(str)
    for column in frame:
        # In a formula `\|` would be a double bar.
        bar = r"\vert " if column in dressed.math else r"\|"
        frame[column] = frame[column].str.replace("|", bar)
    for row, column in dressed.bold:
        frame.loc[row, column] = f"**{frame.loc[row, column]}**"
    table = frame.to_markdown(index=False, disable_numparse=True)
    return "\n\n".join([table, *dressed.notes]) + "\n"
