"""An expression becomes a function of log p and y, which torch differentiates; guards keep it finite.

A guard is a limit inside the function, such as the one that keeps a divisor away from zero.
"""

import math

import pytest
import torch
from hypothesis import assume, given
from strategies import expressions
from torch.nn import functional

from evoloss.expressions.compile import compile_expression, python_function
from evoloss.expressions.parsing import parse
from evoloss.expressions.primitives import EPSILON, GRADIENT_LIMIT, LIMIT, PRIMITIVES
from evoloss.expressions.tree import Expression
from evoloss.losses.expression_loss import ExpressionLoss
from evoloss.losses.gradient_scale import logit_gradient
from evoloss.losses.registry import formula_of

P = torch.tensor([1e-38, 1e-30, 1e-9, 1e-7, 0.03, 0.3, 0.5, 0.9, 1 - 1e-6, 1.0]).repeat(2)
LOG_P = P.log().index_fill(0, torch.tensor([0, 10]), -1e4)
Y = torch.tensor([0.0] * 10 + [1.0] * 10)
# Untrained, uniform, and so confident that softmax underflows to exact zeros and ones.
LOGITS = torch.cat(
    [torch.linspace(-1, 1, 30).reshape(10, 3), torch.zeros(3, 3), 200 * torch.eye(3)]
)
TARGETS = torch.arange(16) % 3


class Number:
    """A value, and its logarithm where one of its factors is p or an exponential.

    `always_guarded` computes with these instead of tensors, so that log(p) is exact where the compiler's is.
    """

    def __init__(self, value, log=None):
        self.value, self.log = value.clamp(-LIMIT, LIMIT), log

    def logarithm(self):
        """The exact logarithm of the absolute value if it is known, else that of the guarded value."""
        return self.value.abs().clamp_min(EPSILON).log() if self.log is None else self.log

    def power(self, exponent, value):
        """The number `value`, which is this one to the power `exponent`."""
        return Number(value, None if self.log is None else exponent * self.log)

    def times(self, other, sign, value):
        """The number `value`, which is this one times the other (sign 1), or divided by it (sign -1)."""
        if self.log is None and other.log is None:
            return Number(value)
        return Number(value, self.logarithm() + sign * other.logarithm())


def guarded_divisor(b, low, high):
    """The divisor b, moved away from zero; b lies between low and high, which decides the side."""
    small = -EPSILON if high <= 0 and low < high else EPSILON
    return torch.where(b.abs() < EPSILON, torch.full_like(b, small), b)


def always_guarded(tree: Expression, log_p: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """An interpreter with every guard always on, to compare the compiler's shortcuts with."""
    largest = math.log(LIMIT)
    functions = {
        "add": lambda a, b: Number(a.value + b.value),
        "sub": lambda a, b: Number(a.value - b.value),
        "mul": lambda a, b: a.times(b, 1, a.value * b.value),
        "div": lambda a, b: a.times(b, -1, a.value / guarded_divisor(b.value, 0, 1)),
        "neg": lambda a: a.power(1, -a.value),
        "log": lambda a: Number(a.logarithm()),
        "exp": lambda a: Number(a.value.clamp_max(largest).exp(), a.value.clamp_max(largest)),
        "sqrt": lambda a: a.power(0.5, (a.logarithm() / 2).clamp_max(largest).exp()),
        "square": lambda a: a.power(2, a.value.square()),
        "abs": lambda a: a.power(1, a.value.abs()),
        "sin": lambda a: Number(a.value.sin()),
        "cos": lambda a: Number(a.value.cos()),
        "tanh": lambda a: Number(a.value.tanh()),
        "sigmoid": lambda a: Number(a.value.sigmoid()),
        "sign": lambda a: Number(a.value.sign()),
        "aq": lambda a, b: Number(a.value / torch.sqrt(1.0 + b.value.square())),
        "max": lambda a, b: Number(torch.maximum(a.value, b.value)),
        "min": lambda a, b: Number(torch.minimum(a.value, b.value)),
    }
    assert set(functions) == set(PRIMITIVES)

    def number(index):
        """The value of the subtree at a node."""
        node = tree.nodes[index]
        if not isinstance(node, str):
            return Number(torch.full_like(y, node))
        if node in ("p", "y"):
            return Number(log_p.exp(), log_p) if node == "p" else Number(y)
        return functions[node](*(number(i) for i in tree.arguments(index)))

    return number(0).value


def test_a_compiled_expression_is_a_function_of_log_p_and_y():
    cross_entropy = compile_expression(parse("-(y * log(p))"))
    p, y = torch.tensor([0.5, 0.2], requires_grad=True), torch.tensor([1.0, 0.0])
    values = cross_entropy(p.log(), y)
    assert values.tolist() == pytest.approx([math.log(2), 0.0])
    values.sum().backward()
    assert p.grad.tolist() == pytest.approx([-1 / 0.5, 0.0])


@given(expressions)
def test_the_compiler_leaves_out_only_guards_that_cannot_act(tree):
    log_p, y = LOG_P.double(), Y.double()
    subtrees = [tree.subtree(i) for i in range(tree.size)]
    # A divisor that is never positive has a guard of its own sign; it is tested below.
    assume(not any(s.nodes[0] == "div" for s in subtrees))
    # Steep compositions magnify the last bit; sines of huge numbers lose all bits.
    inner = max(abs(float(always_guarded(s, log_p, y).abs().max())) for s in subtrees)
    if inner < 1e5:
        ours = compile_expression(tree)(log_p, y)
        torch.testing.assert_close(ours, always_guarded(tree, log_p, y), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("text", "p", "value"),
    [
        ("y / p", 1e-9, 1 / EPSILON),
        ("y / p", 1e-3, 1e3),
        ("y / -p", 1e-9, -1 / EPSILON),
        ("y / (p - p)", 0.3, 1 / EPSILON),
        ("y / log(p)", 1.0, -1 / EPSILON),
        ("y / (p - 0.3)", 0.1, -5.0),
    ],
)
def test_a_divisor_keeps_away_from_zero_on_its_own_side(text, p, value):
    log_p = torch.tensor([p], dtype=torch.float64).log()
    found = compile_expression(parse(text))(log_p, torch.ones(1, dtype=torch.float64))
    assert float(found) == pytest.approx(value, rel=1e-9)


@given(expressions)
def test_value_and_gradient_are_finite_for_every_composition(tree):
    value = compile_expression(tree)(LOG_P, Y)
    assert value.isfinite().all()
    assert value.abs().max() <= LIMIT * (1 + 1e-6)
    gradient = logit_gradient(ExpressionLoss(tree), LOGITS, TARGETS)
    assert gradient.isfinite().all()
    # With three classes: g_k - p_k (g_1 + g_2 + g_3), in which no g is larger than the limit.
    assert gradient.abs().max() <= 2 * GRADIENT_LIMIT


def smoothed(log_p, y):
    """Cross entropy with labels smoothed by 0.1 over three classes."""
    return -((0.9 * y + 0.1 / 3) * log_p).sum(dim=1)


def of_target(function):
    """A loss that is a function of the target's log p alone."""
    return lambda log_p, y: function((y * log_p).sum(dim=1))


EXACT = {
    formula_of("cross_entropy"): of_target(lambda t: -t),
    formula_of("label_smoothing"): smoothed,
    formula_of("focal"): of_target(lambda t: -((1 - t.exp()) ** 2) * t),
    formula_of("poly1"): of_target(lambda t: -t + 1 - t.exp()),
    formula_of("squared_log"): of_target(lambda t: t**2),
    formula_of("gce"): of_target(lambda t: (1 - (0.7 * t).exp()) / 0.7),
    "p * log(p)": lambda log_p, y: (log_p.exp() * log_p).sum(dim=1),
    "-(y * log(sqrt(p) / 3))": of_target(lambda t: -(t / 2 - math.log(3))),
    "-(y * log(square(p) * exp(p)))": of_target(lambda t: -(2 * t + t.exp())),
    "y * log(p) / (p - 2)": of_target(lambda t: t / (t.exp() - 2)),
    "sqrt(p) - y * log(p)": lambda log_p, y: ((log_p / 2).exp() - y * log_p).sum(dim=1),
    "-(y * log(p * p * p))": of_target(lambda t: -3 * t),
}
"""Expression -> the same loss written by hand with log p, which loses no digits however small p is."""


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("lead", [1.0, 16.0, 100.0, 1e4])
@pytest.mark.parametrize("text", EXACT)
def test_log_p_has_the_values_and_gradients_of_log_softmax(text, lead, dtype):
    """Cross entropy at logits 100, 0, 0 with target 1 had a gradient of zero; torch's is 1 and -1."""
    source = torch.Generator().manual_seed(0)
    logits = lead * torch.eye(3).repeat(3, 1) + torch.randn(9, 3, generator=source)
    logits, targets = logits.to(dtype).requires_grad_(), torch.arange(9) // 3
    y = functional.one_hot(targets, 3).to(dtype)
    wanted = EXACT[text](torch.log_softmax(logits, dim=1), y)
    found = ExpressionLoss(parse(text, 3)).per_sample(logits, targets)
    torch.testing.assert_close(found, wanted, rtol=1e-6, atol=1e-6)
    gradients = [torch.autograd.grad(v.sum(), logits)[0] for v in (found, wanted)]
    torch.testing.assert_close(*gradients, rtol=1e-6, atol=1e-6)


def test_cross_entropy_is_that_of_torch_at_any_logits():
    logits = torch.tensor([[100.0, 0.0, 0.0], [1e4, -1e4, 0.0]], requires_grad=True)
    targets = torch.tensor([1, 1])
    ours = ExpressionLoss(parse("-(y * log(p))"))(logits, targets)
    gradients = [
        torch.autograd.grad(loss, logits)[0]
        for loss in (ours, functional.cross_entropy(logits, targets))
    ]
    assert gradients[0].equal(gradients[1])
    assert gradients[0][:, :2].tolist() == [[0.5, -0.5], [0.5, -0.5]]


@pytest.mark.parametrize("depth", [3, 10, 40])
@pytest.mark.parametrize("name", sorted(n for n, p in PRIMITIVES.items() if p.arity == 1))
def test_towers_of_one_function_stay_finite(name, depth):
    tree = Expression((name,) * depth + ("mul", 9.0, "p"))
    assert compile_expression(tree)(LOG_P, Y).isfinite().all()
    assert logit_gradient(ExpressionLoss(tree), LOGITS, TARGETS).isfinite().all()


def test_code_is_free_of_guards_that_cannot_act():
    source = python_function(parse("exp(2.4092 - p - p * y) - cos(cos(sin(p)))"))
    assert "clamp" not in source
    assert "clamp" not in python_function(parse("log(p) * log(p) + sqrt(p * exp(y)) - log(p / 2)"))
    assert "clamp_min(1e-07)" in python_function(parse("log(y)"))
    assert "abs" in python_function(parse("log(p - y)"))
    assert "exp" not in python_function(parse("-(y * log(p))"))


def test_equal_subtrees_are_computed_once():
    assert python_function(parse("sin(p) + y * sin(p)")).count("torch.sin") == 1


@pytest.mark.parametrize("text", ["1", "y", "y + 2", "log(0.5)", "exp(exp(exp(exp(p + 4))))"])
def test_expressions_without_a_use_of_p_have_a_gradient_of_zero(text):
    log_p = LOG_P.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(compile_expression(parse(text))(log_p, Y).sum(), log_p)
    assert not gradient.any()
