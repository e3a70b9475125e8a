"""Turns infix text into trees and graphs: Python's parser reads it, a whitelist checks it, nothing is evaluated."""

import ast
import difflib
import math
from collections.abc import Container
from dataclasses import dataclass

from evoloss.errors import UserError
from evoloss.expressions.graph import Graph, Step, graph_of
from evoloss.expressions.primitives import BINARY_SYMBOLS, LIMIT, PRIMITIVES, TERMINALS, Node
from evoloss.expressions.tree import Expression, arity

LONGEST_TEXT = 20_000
DEEPEST = 150
"""Largest depth of a tree: Python's parser must be able to read what we print, and stops at 200 parentheses."""

_OPERATORS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}


class ExpressionError(UserError, ValueError):
    """A text that is not an expression; the message says where it fails and what is allowed."""


@dataclass(frozen=True)
class _Part:
    """A use of a named part among the nodes of an expression."""

    name: str


def parse(text: str, classes: int | None = None) -> Expression | Graph:
    """The tree of an infix text such as `-(y * log(p))`, or the graph of a text with named parts, such as
    `a = log(p); square(a) - y * a`.

    `classes` is the constant that `C` stands for; without it, `C` is an error. Raises ExpressionError on
    anything that is not made of `p`, `y`, `C`, finite numbers, + - * / and the known functions.
    """
    if len(text) > LONGEST_TEXT:
        raise ExpressionError(
            f"the expression has {len(text):,} characters; at most {LONGEST_TEXT:,} are accepted"
        )
    with_parts = ";" in text or "=" in text
    try:
        tree = ast.parse(text.strip(), mode="exec" if with_parts else "eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        reason = getattr(error, "msg", None) or "it is nested too deeply"
        raise ExpressionError(f"expression {_shown(text)} cannot be read: {reason}") from None
    try:
        if with_parts:
            read = _graph(tree.body, text, classes)
        else:
            read = Expression(tuple(_nodes(tree.body, text, classes)))
    except RecursionError:
        raise ExpressionError(f"expression {_shown(text)} is nested too deeply") from None
    if read.depth > DEEPEST:
        raise ExpressionError(
            f"expression {_shown(text)} is nested {read.depth} levels deep (each term of a long sum adds one); at "
            f"most {DEEPEST} levels are accepted"
        )
    return read


def _graph(statements: list[ast.stmt], text: str, classes: int | None) -> Expression | Graph:
    """The graph of named parts (statements `name = expression`) and the final expression; a tree if no operation is
    used twice."""

    def fail(problem: str) -> ExpressionError:
        return ExpressionError(f"expression {_shown(text)}: {problem}")

    *definitions, last = statements or [None]
    if not isinstance(last, ast.Expr):
        raise fail("an expression is missing after the named parts; write a = log(p); y * a - a")
    steps: dict[Step, int] = {}
    parts: dict[str, int] = {}
    used: set[str] = set()

    def add(nodes: list[Node | _Part]) -> int:
        ends: list[int] = []
        for node in reversed(nodes):
            if isinstance(node, _Part):
                used.add(node.name)
                ends.append(parts[node.name])
            else:
                step = node, tuple(ends.pop() for _ in range(arity(node)))
                ends.append(steps.setdefault(step, len(steps)))
        return ends.pop()

    for statement in definitions:
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        if len(targets) != 1 or not isinstance(targets[0], ast.Name):
            raise fail("a part is written as name = expression, and ends with ;")
        name = targets[0].id
        if name in (*TERMINALS, "C", *PRIMITIVES):
            raise fail(f"{name} cannot name a part, because it already has a meaning")
        if name in parts:
            raise fail(f"{_shown(name)} is defined twice")
        parts[name] = add(_nodes(statement.value, text, classes, parts))
    result = add(_nodes(last.value, text, classes, parts))
    for name in parts:
        if name not in used:
            raise fail(f"the part {_shown(name)} is never used; take it out")
    graph = graph_of(list(steps)[: result + 1])
    return graph if graph.parts() else parse(str(graph))


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else text[:60] + "...")


def _nodes(
    node: ast.expr, text: str, classes: int | None, parts: Container[str] = ()
) -> list[Node | _Part]:
    def fail(problem: str) -> ExpressionError:
        return ExpressionError(
            f"expression {_shown(text)}, column {node.col_offset + 1}: {problem}"
        )

    if isinstance(node, ast.Constant):
        return [_number(node.value, fail)]
    if isinstance(node, ast.Name):
        if node.id in TERMINALS:
            return [node.id]
        if node.id == "C":
            if classes is None:
                raise fail("C, the number of classes, is not known here; write the number")
            return [float(classes)]
        if node.id in parts:
            return [_Part(node.id)]
        raise fail(f"unknown name {_shown(node.id)}; there are p, y, C and numbers{_hint(node.id)}")
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.UAdd):
        return _nodes(node.operand, text, classes, parts)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        if isinstance(node.operand, ast.Constant):
            return [0.0 - _number(node.operand.value, fail)]
        return ["neg", *_nodes(node.operand, text, classes, parts)]
    if isinstance(node, ast.BinOp):
        symbol = _OPERATORS.get(type(node.op))
        if symbol is None:
            if isinstance(node.op, ast.Pow | ast.BitXor):
                raise fail(
                    "there is no power operator; write square(x), sqrt(x) or exp(a * log(x))"
                )
            raise fail("the only operators are + - * /")
        left = _nodes(node.left, text, classes, parts)
        right = _nodes(node.right, text, classes, parts)
        return [BINARY_SYMBOLS[symbol], *left, *right]
    if isinstance(node, ast.Call):
        return _call(node, text, classes, parts, fail)
    raise fail("only p, y, C, numbers, + - * / and functions are allowed")


def _call(
    node: ast.Call, text: str, classes: int | None, parts: Container[str], fail
) -> list[Node | _Part]:
    name = node.func.id if isinstance(node.func, ast.Name) else None
    if name not in PRIMITIVES:
        known = ", ".join(PRIMITIVES)
        what = f"unknown function {_shown(name)}" if name else "a call must name a function"
        raise fail(f"{what}; there are {known}{_hint(name or '')}")
    wanted = PRIMITIVES[name].arity
    if node.keywords or len(node.args) != wanted:
        raise fail(f"{name} takes {wanted} argument{'s' if wanted > 1 else ''}")
    return [name, *(n for argument in node.args for n in _nodes(argument, text, classes, parts))]


def _number(value: object, fail) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise fail(f"{repr(value)[:80]} is not a number".replace("Ellipsis", "..."))
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not abs(number) <= LIMIT:
        raise fail(f"the number is larger than {LIMIT:g} in absolute value")
    return number + 0.0


def _hint(name: str) -> str:
    close = difflib.get_close_matches(name, [*TERMINALS, *PRIMITIVES], n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
