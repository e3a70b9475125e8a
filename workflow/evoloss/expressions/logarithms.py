"""Logarithms without a floor: log|x| of a product of powers, as a weighted sum of its factors' logarithms.

A softmax probability is never zero, but its floating-point value is zero when logits are 100 apart. Its logarithm,
log-softmax, is exact at all logits. The logarithm of `exp(u)` is u, which is exact too. So the logarithm of a
product, quotient, square or square root with such a factor is a sum in which only the other factors need a guard.
"""

from collections.abc import Mapping, Sequence

from evoloss.expressions.primitives import Node

Steps = Sequence[tuple[Node, tuple[int, ...]]]
"""Nodes with the indices of their arguments, which come first."""

Term = tuple[str, int]
"""`LOG_P`, `LOG_Q`; `("exponent", i)`: step i after the clamp of `exp`; `("log", i)`: the guarded log of step i."""

Logarithm = dict[Term, float]
"""The terms of a sum, with their coefficients."""

LOG_P: Term = ("log_p", -1)
LOG_Q: Term = ("log_q", -1)

_KNOWN = {"p": LOG_P, "q": LOG_Q}

_POWERS = {"neg": 1.0, "abs": 1.0, "square": 2.0, "sqrt": 0.5}


def logarithms(steps: Steps) -> list[Logarithm | None]:
    """log|x| of every step x; None for a step without a factor p, q or exp, whose logarithm needs a guard."""
    found: list[Logarithm | None] = []
    for node, arguments in steps:
        known = None
        if node in _KNOWN:
            known = {_KNOWN[node]: 1.0}
        elif node == "exp":
            known = {("exponent", arguments[0]): 1.0}
        elif any(found[i] is not None for i in arguments):
            factors = [found[i] or {("log", i): 1.0} for i in arguments]
            if node in _POWERS:
                known = power(factors[0], _POWERS[node])
            elif node in ("mul", "div"):
                known = _sum(factors[0], power(factors[1], 1.0 if node == "mul" else -1.0))
        found.append(known)
    return found


def power(terms: Mapping[Term, float], exponent: float) -> Logarithm:
    """log(|x|^exponent), given log|x|."""
    return {term: exponent * coefficient for term, coefficient in terms.items()}


def _sum(a: Logarithm, b: Logarithm) -> Logarithm:
    """The sum of two logarithms, without the terms that cancel."""
    added = {term: a.get(term, 0.0) + b.get(term, 0.0) for term in {**a, **b}}
    return {term: coefficient for term, coefficient in added.items() if coefficient}
