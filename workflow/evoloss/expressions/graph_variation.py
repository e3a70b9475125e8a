"""Random graphs and their mutations, after Co-Reyes et al., arXiv 2101.03958.

All randomness comes from the generator passed in. A graph that exceeds the space's `max_size` (in distinct nodes) or
`max_depth`, or lacks p or y, is drawn again as a whole, up to REDRAWS times.

In the paper, programs have a fixed number of operations; some are unused until a mutation connects them. Here a
graph holds only what its result needs. Instead, a mutated node may bring new operations with it.
"""

from collections.abc import Callable

import numpy as np

from evoloss.expressions import variation
from evoloss.expressions.graph import Graph, Step, as_graph, graph_of
from evoloss.expressions.primitives import PRIMITIVES, TERMINALS, Node
from evoloss.expressions.settings import SearchSpace
from evoloss.expressions.tree import Expression
from evoloss.expressions.variation import REDRAWS, same_arity, shifted

Generator = np.random.Generator

MOST_OPERATIONS = 16
"""Most operations of a random graph before unused ones are removed: as many as the paper's programs have."""


def random_graph(space: SearchSpace, rng: Generator) -> Graph:
    """A random graph: each new operation takes any earlier nodes as inputs; the last operation is the result."""

    def draw() -> Graph:
        steps: list[Step] = [("p", ()), ("y", ())]
        for _ in range(int(rng.integers(2, MOST_OPERATIONS + 1))):
            _add(steps, len(steps), space, rng)
        return graph_of(steps)

    return _drawn(draw, space)


def operation_mutation(loss: Expression | Graph, space: SearchSpace, rng: Generator) -> Graph:
    """Draw the function and the inputs of one operation anew; the change shows wherever the operation is used.

    An input is a new operation (to `mutation_depth`, as often as in a grown tree); else a constant (`constant_share`);
    else one of p, y and the earlier nodes, drawn uniformly. A tree counts as the graph that merges its equal subtrees.
    """
    graph = as_graph(loss)

    def draw() -> Graph:
        places = [i for i, arguments in enumerate(graph.inputs) if arguments]
        index = places[rng.integers(len(places))]
        before = [("p", ()), ("y", ()), *graph.steps()[:index]]
        # Indices move by two, because p and y come first.
        steps = [
            (node, tuple(i + 2 for i in arguments) if at >= 2 else arguments)
            for at, (node, arguments) in enumerate(before)
        ]
        new = _grown(steps, len(steps), space, space.mutation_depth, rng)
        place = {i: i + 2 for i in range(index)} | {index: new}
        for i in range(index + 1, graph.size):
            place[i] = len(steps)
            steps.append((graph.nodes[i], tuple(place[k] for k in graph.inputs[i])))
        return graph_of(steps[: place[graph.root] + 1])

    return _drawn(draw, space)


def one_point_mutation(loss: Expression | Graph, space: SearchSpace, rng: Generator) -> Graph:
    """Shift one constant, or give one operation another function of the same arity, wherever the node is used."""
    graph = as_graph(loss)
    places = [i for i, node in enumerate(graph.nodes) if _changeable(node, space)]
    if not places:
        return graph

    def draw() -> Graph:
        index = places[rng.integers(len(places))]
        node = graph.nodes[index]
        if isinstance(node, str):
            others = same_arity(node, space)
            new: Node = others[rng.integers(len(others))]
        else:
            new = shifted(node, rng)
        steps = graph.steps()
        steps[index] = (new, steps[index][1])
        return graph_of(steps)

    return _drawn(draw, space)


def _drawn(draw: Callable[[], Graph], space: SearchSpace) -> Graph:
    graph = draw()
    for _ in range(REDRAWS):
        fits = graph.size <= space.max_size and graph.depth <= space.max_depth
        if fits and "p" in graph and "y" in graph:
            break
        graph = draw()
    return graph


def _add(steps: list[Step], before: int, space: SearchSpace, rng: Generator) -> int:
    """Append an operation whose inputs are nodes before index `before`, or new constants; returns its index."""
    function = space.functions[rng.integers(len(space.functions))]
    inputs = tuple(_input(steps, before, space, rng) for _ in range(PRIMITIVES[function].arity))
    steps.append((function, inputs))
    return len(steps) - 1


def _grown(steps: list[Step], before: int, space: SearchSpace, depth: int, rng: Generator) -> int:
    """Append an operation, some of whose inputs may be new operations; returns its index."""
    function = space.functions[rng.integers(len(space.functions))]
    leaves = len(TERMINALS) + len(space.constants)
    inner = len(space.functions) / (leaves + len(space.functions))
    inputs = tuple(
        _grown(steps, before, space, depth - 1, rng)
        if depth > 1 and rng.random() < inner
        else _input(steps, before, space, rng)
        for _ in range(PRIMITIVES[function].arity)
    )
    steps.append((function, inputs))
    return len(steps) - 1


def _input(steps: list[Step], before: int, space: SearchSpace, rng: Generator) -> int:
    """The index of an input: a new constant, or any node before index `before`."""
    if space.constants and rng.random() < space.constant_share:
        steps.append((float(space.constants[rng.integers(len(space.constants))]), ()))
        return len(steps) - 1
    return int(rng.integers(before))


def _changeable(node: Node, space: SearchSpace) -> bool:
    return node not in TERMINALS and (not isinstance(node, str) or bool(same_arity(node, space)))


MUTATIONS: dict[str, tuple[Callable, Callable]] = {
    "tree": (variation.subtree_mutation, variation.one_point_mutation),
    "graph": (operation_mutation, one_point_mutation),
}
"""Representation -> the mutation that brings new nodes, and the one that changes a single node."""
