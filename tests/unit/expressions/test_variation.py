import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evoloss.expressions.parsing import parse
from evoloss.expressions.settings import SearchSpace
from evoloss.expressions.tree import arity
from evoloss.expressions.variation import (
    full_tree,
    one_point_mutation,
    ramped_half_and_half,
    subtree_crossover,
    subtree_mutation,
)

SPACES = [
    SearchSpace(),
    SearchSpace(max_depth=3, max_size=9, initial_min_depth=1, initial_max_depth=3),
    SearchSpace(functions=["add", "log"], constants=[], constant_share=0.0, max_size=5),
]

spaces = st.sampled_from(SPACES)
seeds = st.integers(0, 2**32)


def tree_of(space, seed):
    return ramped_half_and_half(space, seed % 7, np.random.default_rng(seed))


def within(tree, space):
    return tree.size <= space.max_size and tree.depth <= space.max_depth


@given(spaces, seeds)
def test_every_operator_keeps_the_limits_and_the_function_set(space, seed):
    rng = np.random.default_rng(seed)
    first, second = tree_of(space, seed), tree_of(space, seed + 1)
    for _ in range(5):
        first = subtree_mutation(first, space, rng)
        second = one_point_mutation(second, space, rng)
        first = subtree_crossover(first, second, space, rng)
        for tree in (first, second):
            assert within(tree, space)
            assert {n for n in tree.nodes if arity(n)} <= set(space.functions)


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
