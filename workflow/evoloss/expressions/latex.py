"""Expressions as LaTeX, for display. Guards are not shown. sympy may simplify formulas, within a time limit."""

from collections.abc import Mapping

from evoloss.expressions.graph import Graph
from evoloss.expressions.primitives import PRIMITIVES
from evoloss.expressions.tree import Expression, format_constant
from evoloss.time_limit import time_limit

LARGEST_FORMULA = 500
"""Formulas with more nodes are not simplified."""

_SYMBOLS = {"p": "p_k", "y": "y_k"}
_LOOSE = {"add", "sub"}
_FUNCTIONS = {"log", "sin", "cos", "tanh", "sigmoid", "sign"}


def to_latex(expression: Expression | Graph) -> str:
    """The expression as written, e.g. `-y_k \\, \\log p_k`, without `$`; the named parts of a graph follow it."""
    names = expression.parts() if isinstance(expression, Graph) else {}
    # The name a1 is printed as a_{1}.
    names = {i: name[0] + (f"_{{{name[1:]}}}" if name[1:] else "") for i, name in names.items()}
    parts = []
    for index, name in names.items():
        known = {i: other for i, other in names.items() if i < index}
        parts.append(f"{name} = {_latex(expression, index, known)}")
    result = _latex(expression, expression.root, names)
    return result + r" \quad \text{with } " + r", \; ".join(parts) if parts else result


def _latex(tree: Expression | Graph, index: int, names: Mapping[int, str]) -> str:
    if index in names:
        return names[index]
    node = tree.nodes[index]
    if not isinstance(node, str):
        return _number(node)
    if node in _SYMBOLS:
        return _SYMBOLS[node]
    arguments = list(tree.arguments(index))
    parts = [_latex(tree, i, names) for i in arguments]
    for place, argument in enumerate(arguments):
        child = (
            "abs" if argument in names else tree.nodes[argument]
        )  # a name, like abs, needs no parentheses
        if _needs_parentheses(node, place, child) or (
            node in {"add", "sub"} and place == 1 and parts[place].startswith("-")
        ):
            parts[place] = rf"\left( {parts[place]} \right)"
    return PRIMITIVES[node].latex.format(*parts)


def _needs_parentheses(parent: str, place: int, child: str | float) -> bool:
    if not isinstance(child, str):
        if parent == "square":
            return child < 0 or "e" in format_constant(child)
        return child < 0 and (parent in {"mul", "neg"} or (parent in _LOOSE and place == 1))
    if child in _SYMBOLS:
        return parent == "square"
    if parent == "add":
        return place == 1 and child == "neg"
    if parent == "sub":
        return place == 1 and child in _LOOSE | {"neg"}
    if parent == "mul":
        return child in _LOOSE | {"neg"} or (place == 0 and child in _FUNCTIONS | {"mul"})
    if parent == "neg":
        return child in _LOOSE | {"neg"}
    if parent in _FUNCTIONS:
        return child not in {"sqrt", "abs", "exp", "div", "aq", "max", "min"}
    return parent == "square" and child not in {"abs"}


def _number(value: float) -> str:
    text = format_constant(value)
    if "e" in text:
        mantissa, exponent = text.split("e")
        return rf"{mantissa} \cdot 10^{{{int(exponent)}}}"
    return text


def simplified_latex(expression: Expression | Graph, seconds: float = 5.0) -> str | None:
    """The formula simplified by sympy, or None if it is too large, or sympy fails or needs more than `seconds`.

    For reading only: sympy does not know the guards, so the simplified formula and the loss may differ where a guard
    acts. Call it from the main thread, because the time limit uses a signal.
    """
    import sympy

    if _flat_size(expression) > LARGEST_FORMULA:
        return None
    try:
        with time_limit(seconds):
            simple = sympy.simplify(_to_sympy(expression, expression.root))
            if simple.has(sympy.zoo, sympy.nan, sympy.oo, sympy.I):
                return None
            names = {sympy.Symbol(k, nonnegative=True): v for k, v in _SYMBOLS.items()}
            return sympy.latex(simple, symbol_names=names, ln_notation=False)
    except (Exception, MemoryError):  # sympy fails in many ways; the formula as written remains
        return None


def _flat_size(expression: Expression | Graph) -> int:
    """Number of nodes of the unfolded tree, which may be exponentially larger than a graph with shared parts."""
    sizes: list[int] = []
    for _, arguments in expression.steps():
        sizes.append(1 + sum(sizes[i] for i in arguments))
    return sizes[-1]


def _to_sympy(tree: Expression | Graph, index: int):
    import sympy

    node = tree.nodes[index]
    if not isinstance(node, str):
        return sympy.Float(node) if node != int(node) else sympy.Integer(int(node))
    if node in _SYMBOLS:
        return sympy.Symbol(node, nonnegative=True)
    a, *rest = (_to_sympy(tree, i) for i in tree.arguments(index))
    b = rest[0] if rest else None
    functions = {
        "add": lambda: a + b,
        "sub": lambda: a - b,
        "mul": lambda: a * b,
        "div": lambda: a / b,
        "neg": lambda: -a,
        "log": lambda: sympy.log(sympy.Abs(a)),
        "exp": lambda: sympy.exp(a),
        "sqrt": lambda: sympy.sqrt(sympy.Abs(a)),
        "square": lambda: a**2,
        "abs": lambda: sympy.Abs(a),
        "sin": lambda: sympy.sin(a),
        "cos": lambda: sympy.cos(a),
        "tanh": lambda: sympy.tanh(a),
        "sigmoid": lambda: 1 / (1 + sympy.exp(-a)),
        "sign": lambda: sympy.sign(a),
        "aq": lambda: a / sympy.sqrt(1 + b**2),
        "max": lambda: sympy.Max(a, b),
        "min": lambda: sympy.Min(a, b),
    }
    return functions[node]()
