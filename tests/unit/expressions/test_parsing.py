"""Text becomes a tree; text of a stranger becomes a sentence, and never code."""

import time

import pytest
from hypothesis import given
from strategies import expressions

from evoloss.errors import UserError
from evoloss.expressions.parsing import ExpressionError, parse
from evoloss.expressions.tree import Expression


@pytest.mark.parametrize(
    ("text", "nodes"),
    [
        ("-(y * log(p))", ("neg", "mul", "y", "log", "p")),
        ("y*log(p) - 2", ("sub", "mul", "y", "log", "p", 2.0)),
        ("-2", (-2.0,)),
        ("-(2)", (-2.0,)),
        ("--p", ("neg", "neg", "p")),
        ("neg(2)", ("neg", 2.0)),
        ("+p / 1e-3", ("div", "p", 0.001)),
        ("max(p, min(y, 1))", ("max", "p", "min", "y", 1.0)),
        ("y / C", ("div", "y", 10.0)),
    ],
)
def test_a_text_becomes_a_tree_in_prefix_order(text, nodes):
    assert parse(text, classes=10).nodes == nodes


@given(expressions)
def test_parsing_what_was_printed_gives_the_same_tree(tree):
    assert parse(str(tree)) == tree


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os')",
        "p.__class__",
        "().__class__.__bases__[0]",
        "p[0]",
        "lambda: p",
        "p if y else 1",
        "[p for p in y]",
        "p ** 2",
        "p // 2",
        "p @ y",
        "p < y",
        "p, y",
        "p = y",
        "p; y",
        "nan",
        "inf",
        "1e400",
        "1j",
        "True",
        "None",
        "...",
        "'p'",
        "f'{p}'",
        "log(p, y)",
        "log()",
        "log(x=p)",
        "log(*p)",
        "foo(p)",
        "log",
        "p(y)",
        "(lambda: p)()",
        "x + y",
        "",
        "   ",
        "\0",
        "p\ny",
        "(" * 150 + "p",
        "(" * 10_000_000,
        "-" * 19_000 + "p",
        "log(" * 4_000 + "p" + ")" * 4_000,
        "1" * 5_000,
        "p + " * 4_900 + "p",
        "p" * 30_000,
    ],
    ids=lambda text: repr(text[:20]),
)
def test_hostile_text_gets_a_short_sentence_quickly(text):
    start = time.monotonic()
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert time.monotonic() - start < 2
    assert isinstance(caught.value, UserError)
    assert len(str(caught.value)) < 400


def test_a_mistyped_function_is_named_with_a_suggestion():
    with pytest.raises(ExpressionError, match=r"unknown function 'lgo'.*did you mean 'log'"):
        parse("lgo(p)")


def test_the_number_of_classes_must_be_known_where_it_is_used():
    with pytest.raises(ExpressionError, match="number of classes"):
        parse("y / C")


@pytest.mark.parametrize(
    "nodes", [(), ("add", "p"), ("p", "y"), ("foo",), (float("nan"),), (1e17,)]
)
def test_nodes_that_make_no_tree_are_refused(nodes):
    with pytest.raises(ValueError):  # noqa: PT011
        Expression(nodes)


@given(expressions)
def test_depths_and_sizes_agree_with_subtrees(tree):
    assert tree.size == len(tree.nodes)
    depths = tree.depths()
    assert depths[0] == 0
    for index in range(tree.size):
        subtree = tree.subtree(index)
        inside = depths[index : index + subtree.size]
        assert subtree.depth == max(inside) - depths[index]
        assert tree.replaced(index, subtree) == tree
