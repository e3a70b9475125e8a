"""One way to dress a table: booktabs LaTeX and Markdown from the same strings."""

from dataclasses import dataclass, field

import pandas as pd


@dataclass(frozen=True)
class Dressed:
    """A table for readers: strings under display names, and which cells (row, column) are bold.

    `long` makes a longtable that may break over pages. `notes` are sentences below the table.
    """

    frame: pd.DataFrame
    bold: frozenset[tuple[int, str]] = frozenset()
    notes: tuple[str, ...] = field(default=())
    long: bool = False


SYMBOLS = {"±": r"$\pm$", "−": r"$-$", "–": "--", "×": r"$\times$", "≥": r"$\geq$", "…": r"\dots{}"}


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

    Needs the packages booktabs and, for a long table, longtable.
    """
    frame = dressed.frame.reset_index(drop=True)
    style = frame.style.hide(axis="index")
    style = style.format(escape="latex").format_index(escape="latex", axis=1)
    bold = pd.DataFrame("", index=frame.index, columns=frame.columns)
    for row, column in dressed.bold:
        bold.loc[row, column] = "textbf:--rwrap;"
    style = style.apply(lambda _: bold, axis=None)
    text = style.to_latex(
        hrules=True,
        column_format="".join(_alignment(frame[column]) for column in frame.columns),
        environment="longtable" if dressed.long else None,
    )
    for symbol, command in SYMBOLS.items():
        text = text.replace(symbol, command)
    notes = "".join(f"% {note}\n" for note in dressed.notes)
    return notes + text


def _alignment(column: pd.Series) -> str:
    numeric = column.map(lambda text: not str(text) or str(text).lstrip("−+")[:1].isdigit())
    if numeric.all():
        return "r"
    return r"p{0.42\linewidth}" if column.map(lambda text: len(str(text))).max() > 60 else "l"


def to_markdown(dressed: Dressed) -> str:
    """The same table in Markdown, with its notes below."""
    frame = (
        dressed.frame.reset_index(drop=True).astype(str).map(lambda text: text.replace("|", r"\|"))
    )
    for row, column in dressed.bold:
        frame.loc[row, column] = f"**{frame.loc[row, column]}**"
    table = frame.to_markdown(index=False, disable_numparse=True)
    return "\n\n".join([table, *dressed.notes]) + "\n"
