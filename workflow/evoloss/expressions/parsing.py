"""Infix text to trees: Python's own parser as the front end, then a whitelist. Nothing is evaluated."""

import ast
import difflib
import math

from evoloss.errors import UserError
from evoloss.expressions.primitives import BINARY_SYMBOLS, LIMIT, PRIMITIVES, TERMINALS
from evoloss.expressions.tree import Expression, Node

LONGEST_TEXT = 20_000

_OPERATORS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}


class ExpressionError(UserError, ValueError):
    """A text that is not an expression; the message says where and what is allowed."""


def parse(text: str, classes: int | None = None) -> Expression:
    """The tree of an infix text such as `-(y * log(p))`.

    `classes`, when given, is what the name `C` stands for (a constant). Raises ExpressionError on
    anything that is not made of `p`, `y`, `C`, finite numbers, + - * / and the known functions.
    """
    if len(text) > LONGEST_TEXT:
        raise ExpressionError(
            f"the expression has {len(text):,} characters; at most {LONGEST_TEXT:,} are accepted"
        )
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        reason = getattr(error, "msg", None) or "it is nested too deeply"
        raise ExpressionError(f"expression {_shown(text)} cannot be read: {reason}") from None
    try:
        return Expression(tuple(_nodes(tree.body, text, classes)))
    except RecursionError:
        raise ExpressionError(f"expression {_shown(text)} is nested too deeply") from None


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else text[:60] + "...")


def _nodes(node: ast.expr, text: str, classes: int | None) -> list[Node]:
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
        raise fail(f"unknown name {node.id!r}; there are p, y, C and numbers{_hint(node.id)}")
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.UAdd):
        return _nodes(node.operand, text, classes)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        if isinstance(node.operand, ast.Constant):
            return [0.0 - _number(node.operand.value, fail)]
        return ["neg", *_nodes(node.operand, text, classes)]
    if isinstance(node, ast.BinOp):
        symbol = _OPERATORS.get(type(node.op))
        if symbol is None:
            if isinstance(node.op, ast.Pow):
                raise fail("there is no power; write square(x), sqrt(x) or exp(a * log(x))")
            raise fail("of the operators there are only + - * /")
        left, right = _nodes(node.left, text, classes), _nodes(node.right, text, classes)
        return [BINARY_SYMBOLS[symbol], *left, *right]
    if isinstance(node, ast.Call):
        return _call(node, text, classes, fail)
    raise fail("only p, y, C, numbers, + - * / and functions are allowed")


def _call(node: ast.Call, text: str, classes: int | None, fail) -> list[Node]:
    name = node.func.id if isinstance(node.func, ast.Name) else None
    if name not in PRIMITIVES:
        known = ", ".join(PRIMITIVES)
        what = f"unknown function {name!r}" if name else "a call must name a function"
        raise fail(f"{what}; there are {known}{_hint(name or '')}")
    wanted = PRIMITIVES[name].arity
    if node.keywords or len(node.args) != wanted:
        raise fail(f"{name} takes {wanted} argument{'s' if wanted > 1 else ''}")
    return [name, *(n for argument in node.args for n in _nodes(argument, text, classes))]


def _number(value: object, fail) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise fail(f"{value!r} is not a number".replace("Ellipsis", "..."))
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not abs(number) <= LIMIT:
        raise fail(f"the number is beyond {LIMIT:g}")
    return number + 0.0


def _hint(name: str) -> str:
    close = difflib.get_close_matches(name, [*TERMINALS, *PRIMITIVES], n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
