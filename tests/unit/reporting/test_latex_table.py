import pandas as pd

from evoloss.reporting.latex_table import Dressed, plus_minus, signed, to_latex, to_markdown

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
    assert r"\textbf{$-$2.00 $\pm$ 0.20}" in text
    for rule in (r"\toprule", r"\midrule", r"\bottomrule"):
        assert rule in text
    assert r"\begin{tabular}{lr}" in text
    assert "% A note." in text


def test_long_tables_may_break_over_pages():
    text = to_latex(Dressed(DRESSED.frame, long=True))
    assert r"\begin{longtable}" in text
    assert r"\endhead" in text


def test_formulas_are_not_escaped_and_long_texts_are_broken():
    frame = pd.DataFrame(
        {"A_b": ["50 %"], "F $p_t$": [r"$\left| p_k \right|_1^{2}$ & a_b"], "G": ["x_y " * 20]}
    )
    dressed = Dressed(frame, math=frozenset({"F $p_t$"}))
    text = to_latex(dressed)
    assert r"A\_b & F $p_t$ & G" in text
    assert r"50 \% & $\left| p_k \right|_1^{2}$ \& a\_b & x\_y" in text
    assert r"\begin{tabular}{rl>{\raggedright\arraybackslash}p{0.42\linewidth}}" in text
    assert r"$\left\vert  p_k \right\vert _1^{2}$" in to_markdown(dressed)
    chosen = to_latex(Dressed(frame, widths={"A_b": 0.2, "G": 0.3}))
    assert r"p{0.20\linewidth}l>{\raggedright\arraybackslash}p{0.30\linewidth}}" in chosen


def test_markdown():
    text = to_markdown(DRESSED)
    assert "**−2.00 ± 0.20**" in text
    assert text.rstrip().endswith("A note.")


def test_numbers():
    assert plus_minus(0.9812, 0.0042, 2, 100) == "98.12 ± 0.42"
    assert plus_minus(0.5, float("nan"), 1) == "0.5"
    assert plus_minus(float("nan"), 1.0) == ""
    assert signed(-1.234, 1) == "−1.2"
    assert signed(1.234, 1, plus=True) == "+1.2"
