"""Turns expressions into torch code. No other module of this folder imports torch.

Trainings and exported loss files use the same generated source. The code starts from log p, the log-softmax of
the logits, and computes p = exp(log p) only where p itself is needed.
"""

from collections.abc import Callable
from functools import lru_cache

import torch

from evoloss.expressions import logarithms
from evoloss.expressions.logarithms import Logarithm, Steps, Term
from evoloss.expressions.primitives import (
    GRADIENT_LIMIT,
    LARGEST_EXPONENT,
    LIMIT,
    LOG_P,
    PRIMITIVES,
    TERMINALS,
    Bounds,
    Node,
    clamped,
    small_counts_as,
)
from evoloss.expressions.tree import Expression

Elementwise = Callable[..., torch.Tensor]

_LEAVES = {**TERMINALS, "q": TERMINALS["p"], "C": (1.0, 1e6)}
"""Leaves and their bounds. Beside p and y: `q` is 1 - p if log(1 - p) is an argument, `C` the number of classes if
that is one."""

CLASSES = 987654.3210123
"""Stands for the number of classes: parse with `classes=CLASSES`, then compile with `extra="C"`."""


def torch_statements(expression: Expression, extra: str = "", y: float | None = None) -> list[str]:
    """Python statements that compute the expression from tensors `log_p` and `y`, ending in `return`.

    Each node becomes one statement, equal subtrees are computed once, and constant subtrees are folded. A guard is
    written only if interval bounds show that it can act. `extra` names one more argument: "log_q", log(1 - p), makes
    `1 - p` as exact as p; "C" is a tensor that replaces the constant CLASSES. If `y` is a number, there is no argument
    y; what is constant at this y is folded, unless folding would change a guard.
    """
    if y is None or _same_guards(expression, y):
        return _Writer(_steps(expression, extra, y)).statements()
    return [f"y = torch.full_like(log_p, {y!r})", *torch_statements(expression, extra)]


def is_zero(expression: Expression, y: float) -> bool:
    """Whether the expression is known to be 0 at this y, whatever p is."""
    special = _Writer(_steps(expression, "", y))
    return special.bounds[-1] == (0.0, 0.0) and _same_guards(expression, y)


def _same_guards(expression: Expression, y: float) -> bool:
    """Whether fixing y at this number changes the guard of no divisor: a small divisor counts as EPSILON or -EPSILON,
    depending on its bounds."""
    general, special = (_Writer(_steps(expression, "", value)) for value in (None, y))
    divisors = [arguments[1] for node, arguments in general.steps if node == "div"]
    return not any(
        small_counts_as(special.bounds[i]) not in (None, small_counts_as(general.bounds[i]))
        for i in divisors
    )


def _steps(expression: Expression, extra: str, y: float | None) -> Steps:
    steps = expression.steps()
    if extra == "log_q":
        steps = [("q", ()) if _is_complement(step, steps) else step for step in steps]
    elif extra == "C":
        steps = [("C", ()) if step[0] == CLASSES else step for step in steps]
    return steps if y is None else [(y, ()) if step[0] == "y" else step for step in steps]


def _is_complement(step: tuple[Node, tuple[int, ...]], steps: Steps) -> bool:
    node, arguments = step
    return node == "sub" and [steps[i][0] for i in arguments] == [1.0, "p"]


class _Writer:
    """Writes the statements of an expression. A step is one of its nodes; arguments have smaller numbers."""

    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self.logarithms = logarithms.logarithms(self.steps)
        self.bounds: list[Bounds] = []
        self.unclamped: list[Bounds] = []
        for index in range(len(self.steps)):
            self.unclamped.append(self._bounds_of(index))
            self.bounds.append(clamped(self.unclamped[-1]))
        self.names: dict[int, str] = {}
        self.lines: list[str] = []

    def statements(self) -> list[str]:
        result = self._name(len(self.steps) - 1)
        body = [*self.lines, f"return {result}"]
        used = {step[0] for i, step in enumerate(self.steps) if i in self.names}
        body[:0] = [f"{leaf} = torch.exp(log_{leaf})" for leaf in ("p", "q") if leaf in used]
        if not any("log_p" in line or "log_q" in line for line in body):
            # Keeps the autograd graph connected; the gradient is exactly zero.
            body[-1] += " + 0.0 * log_p"
        return body

    def _exact(self, index: int) -> Logarithm | None:
        """The value of a log step, or the log of a sqrt step's value; None for other steps, or if a floor is needed."""
        node, arguments = self.steps[index]
        if node not in ("log", "sqrt"):
            return None
        terms = self.logarithms[arguments[0]]
        return terms if terms is None or node == "log" else logarithms.power(terms, 0.5)

    def _bounds_of(self, index: int) -> Bounds:
        node, arguments = self.steps[index]
        if not isinstance(node, str):
            return node, node
        if node in _LEAVES:
            return _LEAVES[node]
        terms = self._exact(index)
        if terms is None:
            return PRIMITIVES[node].bounds(*(self.bounds[i] for i in arguments))
        total = self._bounds_of_sum(terms)
        return total if node == "log" else PRIMITIVES["exp"].bounds(total)

    def _bounds_of_sum(self, terms: Logarithm) -> Bounds:
        ends = [
            sorted(coefficient * end for end in self._bounds_of_term(term))
            for term, coefficient in terms.items()
        ]
        return sum((low for low, _ in ends), 0.0), sum((high for _, high in ends), 0.0)

    def _bounds_of_term(self, term: Term) -> Bounds:
        kind, index = term
        if kind == "log":
            return PRIMITIVES["log"].bounds(self.bounds[index])
        if kind == "exponent":
            low, high = self.bounds[index]
            return min(low, LARGEST_EXPONENT), min(high, LARGEST_EXPONENT)
        return LOG_P

    def _name(self, index: int) -> str:
        """The name or number that stands for a step in the code. Writes the statements of the step first."""
        if index not in self.names:
            self.names[index] = self._write(index)
        return self.names[index]

    def _write(self, index: int) -> str:
        (node, arguments), bounds = self.steps[index], self.bounds[index]
        if bounds[0] == bounds[1]:
            return repr(bounds[0])
        if node in _LEAVES:
            return str(node)
        terms = self._exact(index)
        if terms is None:
            code = PRIMITIVES[str(node)].code(
                [_operand(self._name(i)) for i in arguments], [self.bounds[i] for i in arguments]
            )
        else:
            code = self._sum(terms)
            if node == "sqrt":
                total = self._bounds_of_sum(terms)
                code = f"({code})" if total[1] > LARGEST_EXPONENT else code
                code = PRIMITIVES["exp"].code([code], [total])
        if code in ("log_p", "log_q"):
            return code
        if self.unclamped[index] != bounds:
            code = f"({code}).clamp({-LIMIT!r}, {LIMIT!r})"
        name = f"v{len(self.lines) + 1}"
        self.lines.append(f"{name} = {code}")
        return name

    def _sum(self, terms: Logarithm) -> str:
        parts, number = [], 0.0
        for term, coefficient in terms.items():
            low, high = self._bounds_of_term(term)
            if low == high:
                number += coefficient * low
            else:
                code = self._term(term)
                parts.append(code if coefficient == 1 else f"{coefficient!r} * {code}")
        return " + ".join([*parts, *([repr(number)] if number else [])])

    def _term(self, term: Term) -> str:
        kind, index = term
        if kind in ("log_p", "log_q"):
            return kind
        name = _operand(self._name(index))
        if kind == "log":
            return PRIMITIVES["log"].code([name], [self.bounds[index]])
        high = self.bounds[index][1]
        return f"{name}.clamp_max({LARGEST_EXPONENT!r})" if high > LARGEST_EXPONENT else name


def _operand(name: str) -> str:
    return f"({name})" if name.startswith("-") else name


def python_function(
    expression: Expression, name: str = "elementwise", extra: str = "", y: float | None = None
) -> str:
    """The source of a function `name(log_p, y)` that needs only `torch`. For `extra` and `y` see `torch_statements`."""
    body = "\n".join(f"    {line}" for line in torch_statements(expression, extra, y))
    arguments = ["log_p", *(["y"] if y is None else []), *([extra] if extra else [])]
    return f"def {name}({', '.join(arguments)}):\n{body}\n"


@lru_cache(maxsize=4096)
def compile_expression(
    expression: Expression, extra: str = "", y: float | None = None
) -> Elementwise:
    """The expression as a function of tensors of one shape, `log_p` at most 0 and `y` in [0, 1].

    For `extra` and a number `y` see `torch_statements`.
    """
    namespace: dict = {"torch": torch}
    # The source is generated from whitelisted nodes; it never contains text of a user.
    source = python_function(expression, extra=extra, y=y)
    exec(compile(source, f"<{expression}>", "exec"), namespace)
    return namespace["elementwise"]


def limit_gradient(gradient: torch.Tensor) -> torch.Tensor:
    """The guard on the gradient with respect to log p: makes it finite and clamps it to +-GRADIENT_LIMIT."""
    return torch.nan_to_num(gradient, nan=0.0, posinf=GRADIENT_LIMIT, neginf=-GRADIENT_LIMIT).clamp(
        -GRADIENT_LIMIT, GRADIENT_LIMIT
    )
