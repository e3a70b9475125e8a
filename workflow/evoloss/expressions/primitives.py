"""The primitives of the expression language, with their guards, in one table.

A guard belongs to the definition of a loss: it decides the gradient near the edge of a function's domain. Guards
act only where a result would be undefined or too large for a float. The rules:

- Leaves are `p` in [0, 1] (softmax probability), `y` in [0, 1] (one-hot target) and constants.
- The logarithm of p is log-softmax, which is exact at all logits. Logarithms and square roots of products, quotients
  and powers of p are exact too (`logarithms.py`).
- Any other argument x of `log` and `sqrt` counts as max(|x|, EPSILON), as in EvoMAL (Raymond et al., arXiv 2209.08907).
- A divisor smaller than EPSILON in absolute value counts as EPSILON; as -EPSILON if it varies and is never positive.
- The argument of `exp` is at most log(LIMIT), and every result is clamped to [-LIMIT, LIMIT], so that no
  composition reaches infinity. LIMIT leaves room for the cube of log p at logits of 10,000.
- The gradient with respect to log p is clamped to [-GRADIENT_LIMIT, GRADIENT_LIMIT]. In it an undefined product
  (infinity times zero) counts as 0; see `compile.py`.

Each primitive also propagates interval bounds, so that the compiler can leave out guards that never act. This changes
the speed and the look of the code, but no value.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

EPSILON = 1e-7
LIMIT = 1e16
GRADIENT_LIMIT = 1e12

LARGEST_EXPONENT = math.log(LIMIT)

Bounds = tuple[float, float]

Node = str | float
"""A primitive's name, `p`, `y`, or a constant."""

TERMINALS: dict[str, Bounds] = {"p": (0.0, 1.0), "y": (0.0, 1.0)}

LOG_P: Bounds = (-1e5, 0.0)
"""Bounds of log p. A network whose logits are further apart has diverged."""


@dataclass(frozen=True)
class Primitive:
    """A function of the language.

    `bounds` maps the bounds of the arguments to those of the result, after the guards but before the final clamp to
    LIMIT. `code` maps the names and bounds of the arguments to torch code. `latex` is a template with `{0}` and
    `{1}`. `symbol` is the infix operator, if there is one. `guard` describes the guard, for readers.
    """

    name: str
    arity: int
    bounds: Callable[..., Bounds]
    code: Callable[[list[str], list[Bounds]], str]
    latex: str
    symbol: str | None = None
    guard: str = ""


def _absolute(x: Bounds) -> Bounds:
    low, high = x
    if low <= 0 <= high:
        return 0.0, max(-low, high)
    return min(abs(low), abs(high)), max(abs(low), abs(high))


def _product(a: Bounds, b: Bounds) -> Bounds:
    corners = [s * t for s in a for t in b]
    return min(corners), max(corners)


def _quotient(a: Bounds, b: Bounds) -> Bounds:
    low, high = b
    if low == high:
        low = high = low if abs(low) >= EPSILON else EPSILON
    elif low >= 0:
        low, high = max(low, EPSILON), max(high, EPSILON)
    elif high <= 0:
        low, high = min(low, -EPSILON), min(high, -EPSILON)
    if low >= EPSILON or high <= -EPSILON:
        corners = [s / t for s in a for t in (low, high)]
        return min(corners), max(corners)
    largest = max(abs(a[0]), abs(a[1])) / EPSILON
    return -largest, largest


def small_counts_as(divisor: Bounds) -> float | None:
    """The value that a divisor with these bounds counts as when it is too small; None if it never is."""
    low, high = divisor
    if low >= EPSILON or high <= -EPSILON:
        return None
    return -EPSILON if low < high <= 0 else EPSILON


def _monotone(function: Callable[[float], float]) -> Callable[[Bounds], Bounds]:
    return lambda x: (function(x[0]), function(x[1]))


def _of_absolute(function: Callable[[float], float]) -> Callable[[Bounds], Bounds]:
    def bounds(x: Bounds) -> Bounds:
        low, high = _absolute(x)
        return function(max(low, EPSILON)), function(max(high, EPSILON))

    return bounds


def _periodic(function: Callable[[float], float]) -> Callable[[Bounds], Bounds]:
    return lambda x: (function(x[0]), function(x[0])) if x[0] == x[1] else (-1.0, 1.0)


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def _square(x: Bounds) -> Bounds:
    low, high = _absolute(x)
    return low * low, high * high


def _code(template: str) -> Callable[[list[str], list[Bounds]], str]:
    return lambda names, bounds: template.format(*names)


def _domain_code(function: str) -> Callable[[list[str], list[Bounds]], str]:
    """Code of log and sqrt, with |x| and the floor only where the bounds show that they can act."""

    def code(names: list[str], bounds: list[Bounds]) -> str:
        inner, low = names[0], bounds[0][0]
        if low < 0:
            inner, low = f"{inner}.abs()", 0.0
        if low < EPSILON:
            inner = f"{inner}.clamp_min({EPSILON!r})"
        return f"torch.{function}({inner})"

    return code


def _division_code(names: list[str], bounds: list[Bounds]) -> str:
    (numerator, divisor), (low, high) = names, bounds[1]
    if -EPSILON < low == high < EPSILON:
        return f"{numerator} / {EPSILON!r}"
    if low >= EPSILON or high <= -EPSILON:
        return f"{numerator} / {divisor}"
    if low >= 0:
        return f"{numerator} / {divisor}.clamp_min({EPSILON!r})"
    if high <= 0:
        return f"{numerator} / {divisor}.clamp_max({-EPSILON!r})"
    return f"{numerator} / torch.where({divisor}.abs() < {EPSILON!r}, {EPSILON!r}, {divisor})"


def _analytic_quotient(a: Bounds, b: Bounds) -> Bounds:
    low, high = _absolute(b)
    corners = [s / math.sqrt(1 + t * t) for s in a for t in (low, high)]
    return min(corners), max(corners)


def _analytic_quotient_code(names: list[str], bounds: list[Bounds]) -> str:
    (numerator, divisor), (low, high) = names, bounds[1]
    if low == high:  # torch.sqrt takes only tensors
        return f"{numerator} / {math.sqrt(1 + low * low)!r}"
    return f"{numerator} / torch.sqrt(1.0 + torch.square({divisor}))"


def _exponential_code(names: list[str], bounds: list[Bounds]) -> str:
    inner = names[0]
    if bounds[0][1] > LARGEST_EXPONENT:
        inner = f"{inner}.clamp_max({LARGEST_EXPONENT!r})"
    return f"torch.exp({inner})"


def _extremum_code(function: str, clamp: str) -> Callable[[list[str], list[Bounds]], str]:
    """Code of max and min: a clamp when one argument is a constant, because torch.maximum takes only tensors."""

    def code(names: list[str], bounds: list[Bounds]) -> str:
        constants = [low == high for low, high in bounds]
        if constants[0]:
            return f"{names[1]}.{clamp}({names[0]})"
        if constants[1]:
            return f"{names[0]}.{clamp}({names[1]})"
        return f"torch.{function}({names[0]}, {names[1]})"

    return code


_TABLE = [
    Primitive(
        "add", 2, lambda a, b: (a[0] + b[0], a[1] + b[1]), _code("{0} + {1}"), "{0} + {1}", "+"
    ),
    Primitive(
        "sub", 2, lambda a, b: (a[0] - b[1], a[1] - b[0]), _code("{0} - {1}"), "{0} - {1}", "-"
    ),
    Primitive("mul", 2, _product, _code("{0} * {1}"), r"{0} \, {1}", "*"),
    Primitive(
        "div",
        2,
        _quotient,
        _division_code,
        r"\frac{{{0}}}{{{1}}}",
        "/",
        "|divisor| < eps -> eps, or -eps if it is never positive",
    ),
    Primitive("neg", 1, lambda x: (-x[1], -x[0]), _code("-{0}"), "-{0}", "-"),
    Primitive(
        "log",
        1,
        _of_absolute(math.log),
        _domain_code("log"),
        r"\log {0}",
        guard="log(max(|x|, eps)), but exact in p",
    ),
    Primitive(
        "exp",
        1,
        _monotone(lambda x: min(math.exp(min(x, LARGEST_EXPONENT)), LIMIT)),
        _exponential_code,
        r"e^{{{0}}}",
        guard="exp(min(x, log limit))",
    ),
    Primitive(
        "sqrt",
        1,
        _of_absolute(math.sqrt),
        _domain_code("sqrt"),
        r"\sqrt{{{0}}}",
        guard="sqrt(max(|x|, eps)), but exact in p",
    ),
    Primitive("square", 1, _square, _code("torch.square({0})"), "{0}^2"),
    Primitive("abs", 1, _absolute, _code("torch.abs({0})"), r"\left| {0} \right|"),
    Primitive("sin", 1, _periodic(math.sin), _code("torch.sin({0})"), r"\sin {0}"),
    Primitive("cos", 1, _periodic(math.cos), _code("torch.cos({0})"), r"\cos {0}"),
    Primitive("tanh", 1, _monotone(math.tanh), _code("torch.tanh({0})"), r"\tanh {0}"),
    Primitive("sigmoid", 1, _monotone(_sigmoid), _code("torch.sigmoid({0})"), r"\sigma {0}"),
    Primitive(
        "sign",
        1,
        _monotone(lambda x: float((x > 0) - (x < 0))),
        _code("torch.sign({0})"),
        r"\operatorname{{sign}} {0}",
    ),
    Primitive(
        "aq",
        2,
        _analytic_quotient,
        _analytic_quotient_code,
        r"\frac{{{0}}}{{\sqrt{{1 + \left( {1} \right)^2}}}}",
        guard="a / sqrt(1 + b^2), the analytic quotient of Ni, Drieberg & Rockett (2013)",
    ),
    Primitive(
        "max",
        2,
        lambda a, b: (max(a[0], b[0]), max(a[1], b[1])),
        _extremum_code("maximum", "clamp_min"),
        r"\max\left( {0}, {1} \right)",
    ),
    Primitive(
        "min",
        2,
        lambda a, b: (min(a[0], b[0]), min(a[1], b[1])),
        _extremum_code("minimum", "clamp_max"),
        r"\min\left( {0}, {1} \right)",
    ),
]

PRIMITIVES: dict[str, Primitive] = {primitive.name: primitive for primitive in _TABLE}

BINARY_SYMBOLS = {p.symbol: p.name for p in _TABLE if p.symbol and p.arity == 2}
"""Infix operator -> name of the primitive."""


def clamped(bounds: Bounds) -> Bounds:
    """The bounds after the final clamp to [-LIMIT, LIMIT], which every primitive's result gets."""
    low, high = bounds
    return max(min(low, LIMIT), -LIMIT), max(min(high, LIMIT), -LIMIT)
