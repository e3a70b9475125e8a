"""Dressed tables as LaTeX and as Markdown."""

import pandas as pd

from evoloss.reporting.latex_table import (
    Dressed,
    escaped,
    plus_minus,
    signed,
    to_latex,
    to_markdown,
)

DRESSED = Dressed(
    pd.DataFrame({"Loss_name": ["a_b & c", "100% #1"], "Value": ["1.00 ± 0.10", "−2.00 ± 0.20"]}),
    bold=frozenset({(1, "Value")}),
    notes=("A note.",),
)


def test_latex_is_escaped_booktabs_with_bold():
    text = to_latex(DRESSED)
    assert r"a\_b \& c" in text
    assert r"100\% \#1" in text
    assert r"Loss\_name" in text
    assert r"\textbf{$-$2.00~$\pm$~0.20}" in text
    for rule in (r"\toprule", r"\midrule", r"\bottomrule"):
        assert rule in text
    assert r"\begin{tabular}{lr}" in text
    assert r"\footnotesize\noindent A note.\par" in text


def test_long_tables_may_break_over_pages():
    text = to_latex(Dressed(DRESSED.frame, long=True))
    assert r"\begin{longtable}" in text
    assert r"\endhead" in text


def test_a_table_has_its_caption_and_label_once():
    text = to_latex(DRESSED, "50 % of a_b & c", "tab:study:name")
    assert text.count(r"\caption{50 \% of a\_b \& c}") == 1
    assert text.count(r"\label{tab:study:name}") == 1
    assert text.count(r"\begin{table}") == 1
    long = to_latex(Dressed(DRESSED.frame, long=True), "A caption", "tab:study:name")
    assert r"\caption{A caption}" in long
    assert r"\label{tab:study:name}" in long


def test_formulas_are_not_escaped_and_long_texts_are_broken():
    frame = pd.DataFrame(
        {"A_b": ["50 %"], "F $p_t$": [r"$\left| p_k \right|_1^{2}$ & a_b"], "G": ["x_y " * 40]}
    )
    dressed = Dressed(frame, math=frozenset({"F $p_t$"}))
    text = to_latex(dressed)
    assert r"A\_b & F $p_t$ & G" in text
    assert r"50~\% & $\left| p_k \right|_1^{2}$ \& a\_b & x\_y" in text
    assert r">{\raggedright\arraybackslash}p{" in text
    assert r"$\left\vert  p_k \right\vert _1^{2}$" in to_markdown(dressed)


def test_no_character_stops_latex():
    assert escaped("a_b%c & d {x} ~^\\ # $ <|>") == (
        r"a\_b\%c \& d \{x\} \textasciitilde{}\textasciicircum{}\textbackslash{} \# \$ "
        r"\textless{}\textbar{}\textgreater{}"
    )
    assert escaped("é ± − ﬁ 猫") == r"é $\pm$ $-$ fi [U+732B]"


def test_markdown_has_bold_cells_and_the_note_last():
    text = to_markdown(DRESSED)
    assert "**−2.00 ± 0.20**" in text
    assert text.rstrip().endswith("A note.")


def test_numbers_are_written_with_deviation_and_sign():
    assert plus_minus(0.9812, 0.0042, 2, 100) == "98.12 ± 0.42"
    assert plus_minus(0.5, float("nan"), 1) == "0.5"
    assert plus_minus(float("nan"), 1.0) == ""
    assert signed(-1.234, 1) == "−1.2"
    assert signed(1.234, 1, plus=True) == "+1.2"
