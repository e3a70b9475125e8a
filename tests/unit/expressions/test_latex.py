"""Formulas in LaTeX, as the tables and figures show them."""

import pytest
from hypothesis import given, settings
from strategies import expressions

from evoloss.expressions.latex import simplified_latex, to_latex
from evoloss.expressions.parsing import parse


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("-(y * log(p))", r"-y_k \, \log p_k"),
        ("square(p - y)", r"\left( p_k - y_k \right)^2"),
        ("(y * log(p)) * p", r"\left( y_k \, \log p_k \right) \, p_k"),
        ("square(1e-05) + p", r"\left( 1 \cdot 10^{-5} \right)^2 + p_k"),
        ("p + (-y + p)", r"p_k + \left( -y_k + p_k \right)"),
        ("(p + y) / 2", r"\frac{p_k + y_k}{2}"),
        ("p - (y - 1)", r"p_k - \left( y_k - 1 \right)"),
        ("p * -2", r"p_k \, \left( -2 \right)"),
        ("exp(p) * 1e-05", r"e^{p_k} \, 1 \cdot 10^{-5}"),
    ],
)
def test_a_tree_is_written_as_a_formula_with_as_few_brackets_as_it_needs(text, latex):
    assert to_latex(parse(text)) == latex


@given(expressions)
def test_every_formula_closes_the_braces_that_it_opens(tree):
    latex = to_latex(tree)
    assert latex.count("{") == latex.count("}")
    assert latex.count(r"\left") == latex.count(r"\right")


def test_simplification_is_shown_when_it_succeeds():
    assert simplified_latex(parse("(p + p) - p")) == "p_k"


def test_a_formula_that_sympy_cannot_hold_is_left_alone():
    assert simplified_latex(parse("sigmoid(square(1e8)) * p * y"), seconds=2) is None


@settings(max_examples=5)
@given(expressions)
def test_simplification_never_raises(tree):
    assert isinstance(simplified_latex(tree, seconds=0.5), str | None)
