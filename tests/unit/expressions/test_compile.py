import pytest
import torch
from hypothesis import given
from strategies import expressions

from evoloss.expressions.compile import compile_expression, python_function
from evoloss.expressions.parsing import parse
from evoloss.expressions.primitives import EPSILON, GRADIENT_LIMIT, LIMIT, PRIMITIVES
from evoloss.expressions.tree import Expression
from evoloss.losses.expression_loss import ExpressionLoss
from evoloss.losses.gradient_scale import logit_gradient

P = torch.tensor([0.0, 1e-30, 1e-9, 1e-7, 0.03, 0.3, 0.5, 0.9, 1 - 1e-6, 1.0]).repeat(2)
Y = torch.tensor([0.0] * 10 + [1.0] * 10)
# Untrained, uniform, and so confident that softmax underflows to exact zeros and ones.
LOGITS = torch.cat(
    [torch.linspace(-1, 1, 30).reshape(10, 3), torch.zeros(3, 3), 200 * torch.eye(3)]
)
TARGETS = torch.arange(16) % 3


def always_guarded(tree: Expression, p: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """An interpreter with every guard always on, to compare the compiler's shortcuts with."""

    def at_least(x):
        return x.abs().clamp_min(EPSILON)

    functions = {
        "add": torch.add,
        "sub": torch.sub,
        "mul": torch.mul,
        "div": lambda a, b: a / torch.where(b.abs() < EPSILON, torch.full_like(b, EPSILON), b),
        "neg": torch.neg,
        "log": lambda x: at_least(x).log(),
        "exp": lambda x: x.clamp_max(torch.tensor(LIMIT, dtype=x.dtype).log()).exp(),
        "sqrt": lambda x: at_least(x).sqrt(),
        "square": torch.square,
        "abs": torch.abs,
        "sin": torch.sin,
        "cos": torch.cos,
        "tanh": torch.tanh,
        "sigmoid": torch.sigmoid,
        "sign": torch.sign,
        "aq": lambda a, b: a / torch.sqrt(1.0 + b.square()),
        "max": torch.maximum,
        "min": torch.minimum,
    }
    assert set(functions) == set(PRIMITIVES)

    def value(index):
        node = tree.nodes[index]
        if not isinstance(node, str):
            return torch.full_like(p, node)
        if node in ("p", "y"):
            return p if node == "p" else y
        return functions[node](*(value(i) for i in tree.arguments(index))).clamp(-LIMIT, LIMIT)

    return value(0)


@given(expressions)
def test_the_compiler_leaves_out_only_guards_that_cannot_act(tree):
    p, y = P.double(), Y.double()
    ours = compile_expression(tree)(p.clone().requires_grad_(), y).detach()
    reference = always_guarded(tree, p, y)
    # Steep compositions (1/p at 1e-30) magnify the last bit; sines of huge numbers lose all bits.
    inner = max(
        abs(float(always_guarded(tree.subtree(i), p, y).abs().max())) for i in range(tree.size)
    )
    if inner < 1e4:
        torch.testing.assert_close(ours, reference, rtol=1e-6, atol=1e-6)


@given(expressions)
def test_value_and_gradient_are_finite_for_every_composition(tree):
    value = compile_expression(tree)(P, Y)
    assert value.isfinite().all()
    assert value.abs().max() <= LIMIT * (1 + 1e-6)
    gradient = logit_gradient(ExpressionLoss(tree), LOGITS, TARGETS)
    assert gradient.isfinite().all()
    assert gradient.abs().max() <= 2 * GRADIENT_LIMIT


@pytest.mark.parametrize("depth", [3, 10, 40])
@pytest.mark.parametrize("name", sorted(n for n, p in PRIMITIVES.items() if p.arity == 1))
def test_towers_of_one_function_stay_finite(name, depth):
    tree = Expression((name,) * depth + ("mul", 9.0, "p"))
    assert compile_expression(tree)(P, Y).isfinite().all()
    assert logit_gradient(ExpressionLoss(tree), LOGITS, TARGETS).isfinite().all()


def test_code_is_free_of_guards_that_cannot_act():
    source = python_function(parse("exp(2.4092 - p - p * y) - cos(cos(sin(p)))"))
    assert "clamp" not in source
    assert "clamp_min(1e-07)" in python_function(parse("log(p)"))
    assert "abs" in python_function(parse("log(p - y)"))


def test_equal_subtrees_are_computed_once():
    assert python_function(parse("log(p) + y * log(p)")).count("torch.log") == 1


@pytest.mark.parametrize("text", ["1", "y", "y + 2", "log(0.5)", "exp(exp(exp(exp(p + 4))))"])
def test_expressions_without_a_use_of_p_have_a_gradient_of_zero(text):
    p = P.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(compile_expression(parse(text))(p, Y).sum(), p)
    assert not gradient.any()
