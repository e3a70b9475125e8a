"""Tables fit the page: by our own measure always, and by TeX's where it is installed."""

import shutil
import subprocess

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evoloss.reporting.latex_layout import (
    GAPS,
    TEXT_HEIGHT,
    TEXT_WIDTH,
    blocks,
    breakable_math,
    pieces,
    width,
)
from evoloss.reporting.latex_table import Dressed, to_latex

words = st.text("abcdefgh_%&", min_size=1, max_size=9)
numbers = st.sampled_from(["1.00 ± 0.10", "+0.67 [−0.98, +2.32]*", "12", "", "97 (5/5)", "54 %"])
cells = st.one_of(numbers, st.lists(words, min_size=1, max_size=8).map(" ".join))


def test_a_narrow_table_is_left_alone():
    (part,) = blocks(pd.DataFrame({"a": ["b c d"], "n": ["1"]}), set(), {}, 0, False)
    assert (part.alignments, part.gap, part.turned) == (("l", "r"), GAPS[0], False)


@st.composite
def frames(draw):
    """A strategy of tables: up to 14 columns of numbers and words."""
    columns = draw(st.integers(1, 14))
    rows = draw(st.integers(1, 12))
    names = draw(st.lists(words, min_size=columns, max_size=columns, unique=True))
    return pd.DataFrame({name: [draw(cells) for _ in range(rows)] for name in names})


def column_width(frame, name, alignment):
    """How wide a column becomes: as wide as its alignment says, or as its longest text."""
    if "p{" in alignment:
        return float(alignment.rpartition("p{")[2].removesuffix("pt}"))
    return max(width(str(text)) for text in [name, *frame[name]])


@settings(max_examples=60)
@given(frames(), st.sampled_from([0, 1]), st.booleans())
def test_every_part_fits_the_page_and_nothing_is_lost(frame, keys, long):
    """60 drawn tables take some seconds: few of them have the rare widths at which columns break."""
    parts = blocks(frame, set(), {}, keys, long)
    for part in parts:
        room = TEXT_HEIGHT if part.turned else TEXT_WIDTH
        pairs = list(zip(part.columns, part.alignments, strict=True))
        total = sum(column_width(frame, c, a) + 2 * part.gap for c, a in pairs)
        assert total <= room + 0.5
        for name, alignment in pairs:
            longest = max(width(p) for text in [name, *frame[name]] for p in pieces(text) or [""])
            assert longest <= column_width(frame, name, alignment) + 0.5
    shown = [name for part in parts for name in part.columns]
    assert set(shown) == set(frame)
    assert not (long and any(part.turned for part in parts))


def test_columns_are_split_with_the_first_repeated_or_turned():
    wide = pd.DataFrame({f"column{i}": ["unbreakable"] for i in range(9)})
    (turned,) = blocks(wide, set(), {}, 0, False)
    assert turned.turned
    first, *rest = blocks(wide, set(), {}, 1, False)
    assert rest
    assert {part.columns[0] for part in (first, *rest)} == {"column0"}


def test_a_mean_and_its_interval_are_not_torn():
    assert pieces("96.7 ± 0.3 and +1.92 [+1.16, +2.68]* of 5 %") == [
        "96.7\u00a0±\u00a00.3",
        "and",
        "+1.92",
        "[+1.16,\u00a0+2.68]*",
        "of",
        "5\u00a0%",
    ]


def test_formulas_are_broken_at_outer_operators():
    text, fits = breakable_math(r"\frac{a + b}{c} + \left( d - e \right) \, f", 60)
    assert text == r"\frac{a + b}{c} + \allowbreak \bigl( d - \allowbreak e \bigr) \, \allowbreak f"
    assert fits
    assert not breakable_math(r"\frac{" + "a" * 40 + "}{b}", 60)[1]


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_latex_reports_no_overfull_box_and_no_error(tmp_path):
    """Hostile names and wide tables, through TeX itself: no overfull box, no error."""
    hostile = 'a_b%c & d {x} ~^\\ # $ <|> " é ± 猫'
    frames = [
        pd.DataFrame({hostile: [hostile] * 3, "n": ["1", "2", "3"]}),
        pd.DataFrame({f"column {i}": [f"{i}.00 ± 0.10 [−0.98, +2.32]*"] * 4 for i in range(8)}),
        pd.DataFrame({f"c{i}": ["unbreakable_word"] * 60 for i in range(7)}),
        pd.DataFrame({"text": ["many words in a cell " * 20], "Value": ["1.0"]}),
    ]
    tables = [
        to_latex(
            Dressed(
                frame, notes=(f"A note on {hostile}.",), bold=frozenset({(0, list(frame)[-1])})
            ),
            f"Caption {hostile}",
            f"tab:{i}",
        )
        for i, frame in enumerate(frames)
    ]
    head = "\\documentclass[12pt,a4paper]{report}\n\\usepackage[margin=3cm]{geometry}\n"
    head += "\\usepackage{booktabs,longtable,array,amsmath,graphicx}\n\\begin{document}\n"
    (tmp_path / "all.tex").write_text(head + "\n".join(tables) + "\n\\end{document}\n")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
    for _ in range(2):
        done = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, errors="replace"
        )
        assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull" not in done.stdout
