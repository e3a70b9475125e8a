"""Random trees and their variation: generation, mutation, crossover.

All randomness comes from the generator passed in. Every result obeys the space's `max_depth` and `max_size`. It must
contain both p and y, since a tree without one of them is no loss: otherwise the whole operator is repeated, up to
REDRAWS times. Results are thus distributed like the operator's own, given that they contain both. Operators after
Koza (1992) and Poli, Langdon & McPhee, A Field Guide to Genetic Programming (2008), sections 2.2 and 2.4.
"""

from collections.abc import Callable
from functools import wraps

import numpy as np

from evoloss.expressions.primitives import PRIMITIVES, TERMINALS
from evoloss.expressions.settings import SearchSpace
from evoloss.expressions.tree import Expression, Node, arity, rounded

Generator = np.random.Generator

CONSTANT_SHIFT = 0.3
"""Standard deviation of a mutated constant's shift, relative to the constant (at least 0.1)."""
REDRAWS = 1000
"""Two thirds of all random trees lack p or y, so that this many failures in a row are next to impossible. But some
parents have no mutant with both, such as `p / y` if division is the only binary function. The last draw then
stands, and the functional check rejects it."""


def _with_p_and_y(operator: Callable[..., Expression]) -> Callable[..., Expression]:
    """The operator, repeated while its result lacks p or y; with `redraws=0` the first result stands."""

    @wraps(operator)
    def redrawn(*arguments, redraws: int = REDRAWS) -> Expression:
        tree = operator(*arguments)
        while redraws and not ("p" in tree and "y" in tree):
            tree, redraws = operator(*arguments), redraws - 1
        return tree

    return redrawn


@_with_p_and_y
def ramped_half_and_half(space: SearchSpace, index: int, rng: Generator) -> Expression:
    """A random tree for individual number `index` of a population.

    Even numbers use `full`, odd ones `grow`; each pair takes the next depth of the ramp. A tree larger than
    `max_size` is drawn again, one level shallower each time.
    """
    depths = range(space.initial_min_depth, space.initial_max_depth + 1)
    depth = depths[(index // 2) % len(depths)]
    full = index % 2 == 0
    while True:
        tree = full_tree(space, depth, rng) if full else grown_tree(space, depth, rng)
        if tree.size <= space.max_size:
            return tree
        depth = max(0, depth - 1)


def full_tree(space: SearchSpace, depth: int, rng: Generator) -> Expression:
    """A tree whose leaves all lie at `depth`."""
    return Expression(tuple(_random_nodes(space, depth, rng, leaf_probability=0.0)))


def grown_tree(space: SearchSpace, depth: int, rng: Generator) -> Expression:
    """A tree of at most `depth`; above it, a node is a leaf with probability leaves / (leaves + functions)."""
    leaves = len(TERMINALS) + len(space.constants)
    probability = leaves / (leaves + len(space.functions))
    return Expression(tuple(_random_nodes(space, depth, rng, leaf_probability=probability)))


def _random_nodes(
    space: SearchSpace, depth: int, rng: Generator, leaf_probability: float
) -> list[Node]:
    if depth == 0 or (leaf_probability > 0 and rng.random() < leaf_probability):
        return [_random_leaf(space, rng)]
    function = space.functions[rng.integers(len(space.functions))]
    nodes: list[Node] = [function]
    for _ in range(PRIMITIVES[function].arity):
        nodes += _random_nodes(space, depth - 1, rng, leaf_probability)
    return nodes


def _random_leaf(space: SearchSpace, rng: Generator) -> Node:
    if space.constants and rng.random() < space.constant_share:
        return float(space.constants[rng.integers(len(space.constants))])
    return ("p", "y")[rng.integers(2)]


@_with_p_and_y
def subtree_mutation(tree: Expression, space: SearchSpace, rng: Generator) -> Expression:
    """Replace the subtree at a uniformly drawn node by a newly grown one that fits the limits."""
    index = int(rng.integers(tree.size))
    room_below = space.max_depth - tree.depths()[index]
    room_around = space.max_size - (tree.size - tree.subtree(index).size)
    depth = min(space.mutation_depth, room_below)
    while True:
        new = grown_tree(space, depth, rng)
        if new.size <= room_around:
            return tree.replaced(index, new)
        depth = max(0, depth - 1)


@_with_p_and_y
def one_point_mutation(tree: Expression, space: SearchSpace, rng: Generator) -> Expression:
    """Change one node into another of the same arity; the shape of the tree stays.

    A function becomes another function of the space, `p` and `y` become another leaf, a constant is
    shifted by a Gaussian step or (half the time) becomes another leaf. The node is drawn uniformly
    among those that can change, so the result always differs from `tree`.
    """
    changeable = [i for i, node in enumerate(tree.nodes) if _can_change(node, space)]
    index = changeable[rng.integers(len(changeable))]
    new = _changed(tree.nodes[index], space, rng)
    return Expression((*tree.nodes[:index], new, *tree.nodes[index + 1 :]))


def subtree_or_one_point_mutation(
    tree: Expression, space: SearchSpace, subtree_probability: float, rng: Generator
) -> tuple[Expression, str]:
    """The result of exactly one of the two mutations, and the name of that mutation."""
    mutate = subtree_mutation if rng.random() < subtree_probability else one_point_mutation
    return mutate(tree, space, rng), mutate.__name__


@_with_p_and_y
def node_mutation(
    tree: Expression, space: SearchSpace, probability: float, rng: Generator
) -> Expression:
    """Change each node with `probability`, as `one_point_mutation` changes one. The result may equal `tree`."""
    return Expression(
        tuple(
            _changed(node, space, rng)
            if rng.random() < probability and _can_change(node, space)
            else node
            for node in tree.nodes
        )
    )


def _changed(node: Node, space: SearchSpace, rng: Generator) -> Node:
    if arity(node):
        others = same_arity(node, space)
        return others[rng.integers(len(others))]
    if not isinstance(node, str) and rng.random() >= 0.5:
        return shifted(node, rng)
    new = node
    while new == node:
        new = _random_leaf(space, rng)
    return new


def shifted(value: float, rng: Generator) -> float:
    """A different constant near `value`."""
    shifted = value
    while shifted == value:
        step = rng.normal() * CONSTANT_SHIFT * max(abs(value), 0.1)
        shifted = rounded(value + step)
    return shifted


def same_arity(node: Node, space: SearchSpace) -> list[str]:
    """The other functions of the space with the same arity."""
    return [f for f in space.functions if f != node and PRIMITIVES[f].arity == arity(node)]


def _can_change(node: Node, space: SearchSpace) -> bool:
    return arity(node) == 0 or bool(same_arity(node, space))


@_with_p_and_y
def subtree_crossover(
    receiver: Expression, donor: Expression, space: SearchSpace, rng: Generator
) -> Expression:
    """A copy of `receiver` in which a random subtree is replaced by a random subtree of `donor` that fits the limits.

    A leaf of the donor always fits, so there is always a child (it may equal the receiver).
    """
    index = int(rng.integers(receiver.size))
    room_below = space.max_depth - receiver.depths()[index]
    room_around = space.max_size - (receiver.size - receiver.subtree(index).size)
    subtrees = [donor.subtree(i) for i in range(donor.size)]
    fitting = [s for s in subtrees if s.size <= room_around and s.depth <= room_below]
    return receiver.replaced(index, fitting[rng.integers(len(fitting))])
