"""Random trees, and the operators that make new trees of old ones."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency

from evoloss.expressions.parsing import parse
from evoloss.expressions.settings import SearchSpace
from evoloss.expressions.tree import arity
from evoloss.expressions.variation import (
    full_tree,
    node_mutation,
    one_point_mutation,
    ramped_half_and_half,
    subtree_crossover,
    subtree_mutation,
)

SPACES = [
    SearchSpace(),
    SearchSpace(max_depth=3, max_size=9, initial_min_depth=1, initial_max_depth=3),
    SearchSpace(functions=["add", "sub", "log"], constants=[], constant_share=0.0, max_size=5),
    SearchSpace(max_depth=1, max_size=3, initial_min_depth=1, initial_max_depth=1),
]
"""The default, and three spaces so small that an operator often has little choice."""
ONE_BINARY = SearchSpace(functions=["div", "exp", "log", "sin", "cos", "tanh"], constant_share=0.3)
"""Its only function of two arguments is the quotient, so some trees have no mutant that mentions p and y."""

RNG = np.random.default_rng(3)

spaces = st.sampled_from(SPACES)
seeds = st.integers(0, 2**32)


def tree_of(space, seed):
    """A random tree of a space; the seed also chooses its place on the ramp of depths."""
    return ramped_half_and_half(space, seed % 7, np.random.default_rng(seed))


def within(tree, space):
    """Whether a tree keeps the limits and mentions p and y."""
    limits = tree.size <= space.max_size and tree.depth <= space.max_depth
    return limits and "p" in tree and "y" in tree


def test_a_random_tree_is_mutated_and_crossed():
    space, rng = SearchSpace(), np.random.default_rng(0)
    first, second = (ramped_half_and_half(space, index, rng) for index in range(2))
    mutant = one_point_mutation(first, space, rng)
    child = subtree_crossover(first, second, space, rng)
    assert mutant != first
    assert all(within(tree, space) for tree in (first, second, mutant, child))
    assert parse(str(child)) == child


@given(spaces, seeds)
def test_every_operator_keeps_the_limits_the_function_set_and_p_and_y(space, seed):
    rng = np.random.default_rng(seed)
    first, second = tree_of(space, seed), tree_of(space, seed + 1)
    for _ in range(5):
        first = subtree_mutation(first, space, rng)
        second = one_point_mutation(second, space, rng)
        third = node_mutation(second, space, 0.5, rng)
        first = subtree_crossover(first, third, space, rng)
        for tree in (first, second, third):
            assert within(tree, space)
            assert {n for n in tree.nodes if arity(n)} <= set(space.functions)


@given(st.sampled_from([*SPACES, ONE_BINARY]), seeds, st.integers(0, 11))
def test_every_random_tree_mentions_p_and_y_and_keeps_the_limits(space, seed, index):
    tree = ramped_half_and_half(space, index, np.random.default_rng(seed))
    assert within(tree, space)
    depths = range(space.initial_min_depth, space.initial_max_depth + 1)
    assert tree.depth <= depths[index // 2 % len(depths)]


def test_a_redrawn_tree_is_distributed_as_those_that_mention_both():
    space = SearchSpace(functions=["add", "neg"], constants=[], constant_share=0.0)
    rng = np.random.default_rng(0)
    once = [ramped_half_and_half(space, 1, rng, redraws=0) for _ in range(6000)]
    both = Counter(str(tree) for tree in once if "p" in tree and "y" in tree)
    drawn = Counter(str(ramped_half_and_half(space, 1, rng)) for _ in range(both.total()))
    assert both.total() < 3000  # most first draws lack p or y, so redrawing matters
    assert drawn.total() == both.total()
    # The chi-squared test needs some trees in every cell of its table.
    common = [text for text, n in both.items() if n > 20]
    table = [[counts[text] for text in common] for counts in (both, drawn)]
    assert chi2_contingency(table).pvalue > 0.001


@pytest.mark.parametrize("text", ["log(p)", "p / y"])
def test_a_parent_that_can_have_no_child_with_both_does_not_hold_up_the_run(text):
    child = one_point_mutation(parse(text), ONE_BINARY, RNG)
    assert child != parse(text)
    assert not ("p" in child and "y" in child)


def test_without_redraws_a_mutant_may_lack_p_or_y():
    trees = [subtree_mutation(parse("p + y"), SearchSpace(), RNG, redraws=0) for _ in range(50)]
    assert any("p" not in tree or "y" not in tree for tree in trees)


@given(spaces, seeds)
def test_one_point_mutation_changes_one_node_and_no_shape(space, seed):
    tree = tree_of(space, seed)
    mutant = one_point_mutation(tree, space, np.random.default_rng(seed))
    changed = [(a, b) for a, b in zip(tree.nodes, mutant.nodes, strict=True) if a != b]
    assert len(changed) == 1
    assert arity(changed[0][0]) == arity(changed[0][1])


@given(seeds)
def test_crossover_inherits_from_both_parents_only(seed):
    space = SearchSpace()
    receiver, donor = parse("exp(p) + sin(y)"), parse("log(p * 3) - cos(y)")
    child = subtree_crossover(receiver, donor, space, np.random.default_rng(seed))
    assert set(child.nodes) <= set(receiver.nodes) | set(donor.nodes)
    donors = {donor.subtree(i) for i in range(donor.size)}
    assert any(receiver.replaced(i, d) == child for i in range(receiver.size) for d in donors)


def test_ramped_half_and_half_walks_the_ramp_with_full_and_grown_trees():
    space = SearchSpace(max_size=500)
    rng = np.random.default_rng(0)
    full = [ramped_half_and_half(space, index, rng).depth for index in (0, 2, 4)]
    assert full == [2, 3, 4]
    grown = [ramped_half_and_half(space, 5, rng).depth for _ in range(50)]
    assert max(grown) <= 4
    assert len(set(grown)) > 1
    assert {tree.depth for tree in [full_tree(space, 3, rng)]} == {3}


def test_the_same_generator_gives_the_same_trees():
    def trees():
        """Twenty trees of a fresh generator."""
        rng = np.random.default_rng(7)
        return [ramped_half_and_half(SearchSpace(), i, rng) for i in range(20)]

    assert trees() == trees()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"functions": ["lgo", "add"]}, "unknown 'lgo'"),
        ({"functions": ["log"]}, "binary"),
        ({"functions": ["add", "add"]}, "only once"),
        ({"constants": []}, "constant_share must be 0"),
        ({"initial_max_depth": 9}, "initial_min_depth <= initial_max_depth <= max_depth"),
    ],
)
def test_impossible_spaces_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        SearchSpace(**change)
