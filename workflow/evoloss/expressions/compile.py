"""Expressions to torch: the one place where torch enters this room.

The same source text is what training runs and what an exported loss file contains.
"""

from collections.abc import Callable
from functools import lru_cache

import torch

from evoloss.expressions.primitives import (
    GRADIENT_LIMIT,
    LIMIT,
    PRIMITIVES,
    TERMINALS,
    Bounds,
    clamped,
)
from evoloss.expressions.tree import Expression

Elementwise = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def torch_statements(expression: Expression) -> list[str]:
    """Python statements that compute the expression from tensors `p` and `y`, ending in `return`.

    One statement a node, equal subtrees once, constant subtrees folded, guards only where interval
    bounds say that they can act.
    """
    lines: list[str] = []
    names: dict[tuple, str] = {}
    uses_p = False

    def visit(index: int) -> tuple[str, Bounds]:
        nonlocal uses_p
        node = expression.nodes[index]
        raw, bounds = bounds_at[index]
        if bounds[0] == bounds[1]:
            return repr(bounds[0]), bounds
        if node in TERMINALS:
            uses_p |= node == "p"
            return str(node), bounds
        arguments = [visit(i) for i in expression.arguments(index)]
        key = (node, *(name for name, _ in arguments))
        if key not in names:
            code = PRIMITIVES[str(node)].code(
                [_operand(name) for name, _ in arguments], [b for _, b in arguments]
            )
            if raw != bounds:
                code = f"({code}).clamp({-LIMIT!r}, {LIMIT!r})"
            names[key] = f"v{len(names) + 1}"
            lines.append(f"{names[key]} = {code}")
        return names[key], bounds

    bounds_at = _all_bounds(expression)
    result, _ = visit(0)
    if not uses_p:
        result = f"{result} + 0.0 * p"  # keeps the graph connected: a gradient of exactly zero
    return [*lines, f"return {result}"]


def _all_bounds(expression: Expression) -> list[tuple[Bounds, Bounds]]:
    """For every node its bounds before and after the clamp to LIMIT."""
    bounds_at: dict[int, tuple[Bounds, Bounds]] = {}
    for index in reversed(range(expression.size)):
        node = expression.nodes[index]
        if not isinstance(node, str):
            raw = (node, node)
        elif node in TERMINALS:
            raw = TERMINALS[node]
        else:
            raw = PRIMITIVES[node].bounds(*(bounds_at[i][1] for i in expression.arguments(index)))
        bounds_at[index] = (raw, clamped(raw))
    return [bounds_at[i] for i in range(expression.size)]


def _operand(name: str) -> str:
    return f"({name})" if name.startswith("-") else name


def python_function(expression: Expression, name: str = "elementwise") -> str:
    """The source of a function `name(p, y)` that needs only `torch`."""
    body = "\n".join(f"    {line}" for line in torch_statements(expression))
    return f"def {name}(p, y):\n{body}\n"


@lru_cache(maxsize=4096)
def compile_expression(expression: Expression) -> Elementwise:
    """The expression as a function of `p` and `y`, tensors of one shape, values in [0, 1]."""
    namespace: dict = {"torch": torch}
    # The source is generated from a whitelist of nodes, never from anybody's text.
    exec(compile(python_function(expression), f"<{expression}>", "exec"), namespace)
    return namespace["elementwise"]


def limit_gradient(gradient: torch.Tensor) -> torch.Tensor:
    """The guard on what flows back into `p`: finite, and within GRADIENT_LIMIT."""
    return torch.nan_to_num(gradient, nan=0.0, posinf=GRADIENT_LIMIT, neginf=-GRADIENT_LIMIT).clamp(
        -GRADIENT_LIMIT, GRADIENT_LIMIT
    )
