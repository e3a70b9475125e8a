"""Polynomials in prediction and label, as the losses of methods that search coefficients."""

from collections.abc import Sequence

from evoloss.expressions.tree import Expression, rounded

Tokens = tuple[str | float, ...]


def negated_polynomial(
    coefficients: Sequence[Sequence[float]], of_prediction: float, of_label: float
) -> Expression:
    """- sum of c[i-1][j] u^i w^j over i >= 1 and j >= 0, with u = p - of_prediction and w = y - of_label.

    Terms without u have no gradient and are left out. Horner's form; numbers have four significant digits.
    """
    u: Tokens = ("sub", "p", rounded(of_prediction))
    w: Tokens = ("sub", "y", rounded(of_label))
    rows = [_horner([(rounded(c),) for c in row], w) for row in coefficients]
    return Expression(("neg", "mul", *u, *_horner(rows, u)))


def _horner(terms: Sequence[Tokens], x: Tokens) -> Tokens:
    """terms[0] + x (terms[1] + x (...))."""
    value = terms[-1]
    for term in reversed(terms[:-1]):
        value = ("add", *term, "mul", *x, *value)
    return value
