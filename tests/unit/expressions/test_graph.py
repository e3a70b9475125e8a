"""Graphs: expressions with named parts, which are written, computed and mutated once however often they are used."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from strategies import expressions

from evoloss.expressions.compile import compile_expression, python_function
from evoloss.expressions.graph import Graph, as_graph, graph_of
from evoloss.expressions.graph_variation import one_point_mutation, operation_mutation, random_graph
from evoloss.expressions.latex import simplified_latex, to_latex
from evoloss.expressions.parsing import ExpressionError, parse
from evoloss.expressions.settings import SearchSpace
from evoloss.expressions.tree import Expression
from evoloss.losses.expression_loss import ExpressionLoss
from evoloss.losses.gradient_scale import task_loss
from evoloss.losses.registry import formula_of

SPACE = SearchSpace()
seeds = st.integers(0, 10**6)
graphs = seeds.map(lambda seed: random_graph(SPACE, np.random.default_rng(seed)))
"""Random graphs, as a search draws them."""
LOG_P = torch.tensor([-1e4, -20.0, -3.0, -0.7, -1e-6] * 2, dtype=torch.float64)
Y = torch.tensor([0.0] * 5 + [1.0] * 5, dtype=torch.float64)


def flattened(graph: Graph) -> Expression:
    """The tree that a graph stands for, in which a part stands as often as it is used."""

    def nodes(index):
        """The nodes of the tree below a node of the graph, in prefix order."""
        return (graph.nodes[index], *(n for i in graph.inputs[index] for n in nodes(i)))

    return Expression(nodes(graph.root))


def test_a_part_that_is_used_twice_has_a_name():
    graph = parse("a = log(p); square(a) - y * a")
    assert isinstance(graph, Graph)
    assert (graph.size, graph.depth) == (6, 3)
    assert str(graph) == "a = log(p); square(a) - (y * a)"
    assert graph == as_graph(parse("square(log(p)) - y * log(p)"))
    assert parse("b = log(p); c = b; square(c) - y * b") == graph
    assert python_function(graph) == python_function(flattened(graph))


@given(graphs)
def test_printing_and_reading_gives_the_graph_back(graph):
    again = parse(str(graph))
    assert as_graph(again) == graph
    assert isinstance(again, Graph) == bool(graph.parts())
    assert str(again) == str(graph)


@given(expressions)
def test_a_tree_and_its_graph_have_the_same_values(tree):
    graph = as_graph(tree)
    assert graph.size <= tree.size
    assert graph.depth == tree.depth
    assert torch.equal(compile_expression(graph)(LOG_P, Y), compile_expression(tree)(LOG_P, Y))
    assert as_graph(parse(str(graph))) == graph


@given(graphs)
def test_a_graph_computes_what_its_flattened_tree_does(graph):
    tree = flattened(graph)
    assert torch.equal(compile_expression(graph)(LOG_P, Y), compile_expression(tree)(LOG_P, Y))


@given(graphs, seeds)
def test_mutants_and_random_graphs_keep_the_limits_and_both_inputs(graph, seed):
    rng = np.random.default_rng(seed)
    for loss in (
        graph,
        operation_mutation(graph, SPACE, rng),
        one_point_mutation(graph, SPACE, rng),
    ):
        assert loss.size <= SPACE.max_size
        assert loss.depth <= SPACE.max_depth
        assert "p" in loss
        assert "y" in loss
        assert set(loss.nodes) & set(SPACE.functions)


def test_the_mutation_of_a_shared_node_changes_all_its_uses():
    graph = parse("a = log(p); square(a) - y * a")
    seen = set()
    for seed in range(200):
        mutant = one_point_mutation(graph, SPACE, np.random.default_rng(seed))
        (at,) = (i for i, node in enumerate(mutant.nodes) if node != graph.nodes[i])
        seen.add(graph.nodes[at])
        if graph.nodes[at] == "log":
            # One node changed, and both uses see it.
            assert str(mutant) == str(graph).replace("log(p)", f"{mutant.nodes[at]}(p)").replace(
                "neg(p)", "-p"
            )
    assert "log" in seen


def test_a_parameter_is_one_node_and_mutates_everywhere():
    graph = parse("a = p * 0.5; a + y * (a - 0.5)")
    for seed in range(100):
        mutant = one_point_mutation(graph, SPACE, np.random.default_rng(seed))
        numbers = [node for node in mutant.nodes if not isinstance(node, str)]
        assert len(numbers) == 1
        if numbers != [0.5]:
            assert str(mutant).count(f"{numbers[0]:g}") == 2
            return
    raise AssertionError("no parameter was mutated")


def test_sharing_that_would_be_a_tree_of_a_million_nodes_is_small():
    text = "; ".join(
        [
            "a = p + y",
            *(
                f"{n} = {m} * {m}"
                for n, m in zip("bcdefghijklmnoqrstu", "abcdefghijklmnoqrst", strict=True)
            ),
        ]
    )
    graph = parse(f"{text}; u * y - u")
    assert graph.size == 24  # p, y, their sum; 19 products; the last product and the difference
    assert compile_expression(graph)(LOG_P, Y).isfinite().all()
    assert simplified_latex(graph) is None
    assert to_latex(graph).count("=") == 20  # one for each named part, a to u without p


def test_a_graph_is_a_loss_like_any_other():
    graph = parse("a = log(p); b = y * a; -b")
    assert str(graph) == "-(y * log(p))"
    shared = parse("a = y * log(p); square(a) / 8 - a")
    loss = task_loss(shared, 10, match_gradient_scale=True)
    logits = torch.randn(8, 10, requires_grad=True)
    loss(logits, torch.arange(8)).backward()
    assert logits.grad.isfinite().all()
    assert loss.text == str(shared) == ExpressionLoss(shared).text
    assert formula_of(str(shared)) == str(shared)
    assert to_latex(shared) == (r"\frac{a^2}{8} - a \quad \text{with } a = y_k \, \log p_k")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a = log(p); y * p", "the part 'a' is never used; take it out"),
        ("a = p; a = y; a", "'a' is defined twice"),
        ("p = y; p", "p cannot name a part, because it already has a meaning"),
        ("log = y; log", "log cannot name a part"),
        ("a = log(b); y * a", "unknown name 'b'"),
        ("a = log(p)", "an expression is missing after the named parts"),
        ("a += 1; a * y", "a part is written as name = expression, and ends with ;"),
        ("a = b = p; a * b", "a part is written as name = expression"),
        ("a = p; import os", "an expression is missing"),
        ("a = p; a; y", "a part is written as name = expression"),
        ("= p", "cannot be read"),
    ],
)
def test_a_mistake_in_a_named_part_gets_a_sentence(text, sentence):
    with pytest.raises(ExpressionError, match=sentence.replace("+", r"\+")):
        parse(text)


def test_nodes_that_make_no_graph_are_refused():
    for nodes, inputs in (((), ()), (("p", "log"), ((), (1,))), (("p", "p"), ((), ()))):
        with pytest.raises(ValueError):  # noqa: PT011
            Graph(nodes, inputs)
    assert graph_of([("y", ()), ("p", ()), ("log", (1,))]).nodes == ("p", "log")
