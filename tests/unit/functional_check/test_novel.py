"""Fingerprints: equal for what trains alike however it is written, different for what does not.

The losses are random trees that pass the check; of each a few rewritings are planted. An independent
batch of logits says what a near-miss is: fingerprints have never seen it.
"""

from functools import lru_cache

import numpy as np
import pytest
import torch
from hypothesis import assume, example, given
from hypothesis import strategies as st
from torch.nn import functional

from evoloss.expressions.compile import compile_expression
from evoloss.expressions.logarithms import logarithms
from evoloss.expressions.parsing import parse
from evoloss.expressions.primitives import LIMIT
from evoloss.expressions.settings import SearchSpace
from evoloss.expressions.tree import Expression
from evoloss.expressions.variation import one_point_mutation, ramped_half_and_half
from evoloss.functional_check import novel
from evoloss.functional_check.funnel import Funnel
from evoloss.functional_check.settings import FunctionalCheckSettings
from evoloss.losses.expression_loss import ExpressionLoss
from evoloss.losses.gradient_scale import gradient_scale, logit_gradient

CHECK = FunctionalCheckSettings(
    stages=["structure", "finite", "gradient", "novel"], largest_factor=1e4
)
"""All stages but the slow one. Losses whose gradient is steeper than `largest_factor` allows magnify rounding."""
CROSS_ENTROPY = parse("-(y * log(p))")
WITHIN = 1e-9
"""Rewritings agree to so much: a thousandth of the tolerance."""


@lru_cache(maxsize=1)
def passing():
    """Random trees that pass the cheap stages, all different from each other.

    The first test that asks for them waits for some seconds, since 2000 trees are checked.
    """
    rng, space = np.random.default_rng(1), SearchSpace()
    funnel = Funnel(CHECK, space, [10], scale_matched=True)
    drawn = (ramped_half_and_half(space, number, rng) for number in range(2000))
    return [tree for tree in drawn if funnel.check(tree).passed]


@lru_cache(maxsize=2048)
def mark(tree, matched=True, classes=(10,)):
    """The fingerprint of a tree; it is kept, since a tree is drawn many times."""
    return novel.fingerprint(ExpressionLoss(tree), classes, matched)


def distance(one, other):
    """The largest difference between two fingerprints, as stage `novel` measures it."""
    return max(abs(a - b) / (1 + abs(a)) for a, b in zip(one, other, strict=True))


def twins(one, other, matched=True):
    """Whether stage novel calls them equal, either way round."""
    first, second = mark(one, matched), mark(other, matched)
    known = novel.known(first, [second]) is not None
    assert known == (novel.known(second, [first]) is not None)
    return known


def join(*parts):
    """One tree of names, numbers and trees, in prefix order."""
    nodes = (part.nodes if isinstance(part, Expression) else (part,) for part in parts)
    return Expression(tuple(node for group in nodes for node in group))


def places_of(tree, *names):
    """The places of the nodes that have one of these names, or of all nodes."""
    return [i for i, node in enumerate(tree.nodes) if not names or node in names]


def trees_with(*names):
    """Trees that have one of these nodes, or all trees."""

    def pick(number):
        """The tree of this number among those that qualify."""
        having = [tree for tree in passing() if places_of(tree, *names)]
        return having[number % len(having)]

    return st.integers(0, 10_000).map(pick)


trees = trees_with()
places = st.integers(0, 10_000)


def rewritten(tree, place, names, change):
    """The tree with one of its nodes of these names rewritten."""
    found = places_of(tree, *names)
    index = found[place % len(found)]
    whole = tree.subtree(index)
    return tree.replaced(index, change(whole, *(tree.subtree(i) for i in tree.arguments(index))))


def plus_and_minus_p(whole):
    """x + p - p, except of a product with a factor p or exp: the logarithm of one is exact, of a sum guarded."""
    exact = logarithms(whole.steps())[-1] is not None
    return whole if exact else join("sub", "add", whole, "p", "p")


REWRITINGS = {
    "commuted": (("add", "mul", "max", "min"), lambda whole, a, b: join(whole.nodes[0], b, a)),
    "a - b as a + -b": (("sub",), lambda _, a, b: join("add", a, "neg", b)),
    "a - b as -(b - a)": (("sub",), lambda _, a, b: join("neg", "sub", b, a)),
    "a + b as a - -b": (("add",), lambda _, a, b: join("sub", a, "neg", b)),
    "square(x) as x * x": (("square",), lambda _, a: join("mul", a, a)),
    "square(x) as square(-x)": (("square",), lambda _, a: join("square", "neg", a)),
    "a / b as a * (1 / b)": (("div",), lambda _, a, b: join("mul", a, "div", 1.0, b)),
    "--x": ((), lambda whole, *_: join("neg", "neg", whole)),
    "1 * x": ((), lambda whole, *_: join("mul", 1.0, whole)),
    "x + p - p": ((), lambda whole, *_: plus_and_minus_p(whole)),
    "exp(log(p))": (("p",), lambda _: join("exp", "log", "p")),
    "abs(abs(x))": (("abs",), lambda whole, _: join("abs", whole)),
    "abs(exp(x))": (("exp",), lambda whole, _: join("abs", whole)),
    "abs(p)": (("p",), lambda _: join("abs", "p")),
    "min as -max": (("min",), lambda _, a, b: join("neg", "max", "neg", a, "neg", b)),
    "tanh as a sigmoid": (
        ("tanh",),
        lambda _, a: join("sub", "mul", 2.0, "sigmoid", "mul", 2.0, a, 1.0),
    ),
}
"""What may be done at a node without any change, wherever it stands: no guard takes part."""


def test_one_loss_that_is_written_twice_is_known():
    seen = [mark(CROSS_ENTROPY)]
    assert novel.known(mark(parse("y * log(1 / p)")), seen) == 0  # the place of its twin
    assert novel.known(mark(parse("square(p - y)")), seen) is None


@pytest.mark.parametrize("name", REWRITINGS)
def test_rewritings_have_equal_fingerprints(name):
    names, change = REWRITINGS[name]

    @given(trees_with(*names), places)
    def check(tree, place):
        other = rewritten(tree, place, names, change)
        assert twins(tree, other), f"{tree} and {other}: {distance(mark(tree), mark(other)):.2g}"
        assert distance(mark(tree), mark(other)) < WITHIN

    check()


@given(trees, places, places)
def test_what_is_added_and_taken_away_again_does_not_matter(tree, place, of):
    # At the root, where rounding (x + s) - s meets no kink.
    subtree = tree.subtree(of % tree.size)
    source = torch.Generator().manual_seed(0)
    p = torch.rand(50, 10, generator=source, dtype=torch.float64)
    y = torch.eye(10, dtype=torch.float64).repeat(5, 1)
    assume(float(compile_expression(subtree)(p.log(), y).abs().max()) < 1e4)  # far from the clamp
    # Where x + s would be beyond the limit it is cut off, and taking s away again gives less than x.
    logits, targets, *_ = novel._probes(10)
    probes = torch.log_softmax(logits, 1), functional.one_hot(targets, 10).double()
    x, s = (compile_expression(part)(*probes).abs() for part in (tree, subtree))
    assume(float((x + s).max()) < LIMIT)
    assert twins(tree, join("sub", "add", tree, subtree, subtree))


@given(trees, st.floats(1e-3, 1e3), st.floats(-1e4, 1e4))
@example(CROSS_ENTROPY, 2.0, 0.0)
def test_a_factor_and_a_constant_do_not_matter_where_scales_are_matched(tree, factor, constant):
    assert twins(tree, join("add", "mul", factor, tree, constant))
    # A constant never is anything; a factor is, for a search that does not match scales.
    assert twins(tree, join("add", tree, constant), matched=False)
    if not 0.99 < factor < 1.01:
        assert not twins(tree, join("mul", factor, tree), matched=False)
    assert not twins(tree, join("neg", tree))


@given(trees, places, st.sampled_from([(2,), (3,), (100,), (3, 10)]))
def test_rewritings_are_known_for_every_number_of_classes(tree, place, classes):
    names, change = REWRITINGS["x + p - p"]
    other = rewritten(tree, place, names, change)
    first, second = mark(tree, True, classes), mark(other, True, classes)
    assume(first is not None)
    assert len(first) == novel.PROJECTIONS * len(classes)
    assert novel.known(first, [second]) == 0


@lru_cache(maxsize=1)
def other_probes():
    """Logits like those of the fingerprint, but others."""
    source = torch.Generator().manual_seed(99)
    scales = torch.tensor(novel.LOGIT_SCALES, dtype=torch.float64).repeat_interleave(60)
    logits = torch.randn(len(scales), 10, generator=source, dtype=torch.float64) * scales[:, None]
    return logits, torch.randint(10, (len(scales),), generator=source)


@lru_cache(maxsize=256)
def field(tree):
    """The gradients of a loss on these logits, in units of its gradient scale; kept, since pairs share losses."""
    loss = ExpressionLoss(tree)
    return logit_gradient(loss, *other_probes()) / gradient_scale(loss, 10)


def difference(one, other):
    """How far two gradient fields are apart on other logits, in a middling sample; relative."""
    apart = (field(one) - field(other)).norm(dim=1) / (1e-12 + field(one).norm(dim=1))
    return float(apart.median())


def changed_by_a_hundredth(tree, place, rng):
    """The tree with a number or a p made larger by one per cent."""
    found = [i for i, node in enumerate(tree.nodes) if not isinstance(node, str) or node == "p"]
    index = found[place % len(found)]
    node = tree.nodes[index]
    new = join("mul", 1.01, "p") if node == "p" else join(1.01 * node)
    return tree.replaced(index, new)


def another_function(tree, place, rng):
    """The tree with one node changed, as a search would change it."""
    return one_point_mutation(tree, SearchSpace(), rng)


def log_for_sqrt(tree, place, rng):
    """The tree with a log in place of a square root, or the other way round."""
    found = places_of(tree, "log", "sqrt")
    index = found[place % len(found)]
    return tree.replaced(
        index, join("sqrt" if tree.nodes[index] == "log" else "log", tree.subtree(index + 1))
    )


@pytest.mark.parametrize(
    ("change", "names"),
    [(changed_by_a_hundredth, ()), (another_function, ()), (log_for_sqrt, ("log", "sqrt"))],
)
def test_near_misses_are_told_apart(change, names):
    told = []

    @given(trees_with(*names), places)
    def check(tree, place):
        other = change(tree, place, np.random.default_rng(place))
        assume(mark(other) is not None)
        apart = difference(tree, other)
        if apart > 1e-3:
            assert not twins(tree, other), f"{tree} and {other} differ by {apart:.2g}"
            told.append(tree)
        elif apart == 0 and torch.equal(
            *(logit_gradient(ExpressionLoss(t), *novel._probes(10)[:2]) for t in (tree, other))
        ):
            assert twins(tree, other)

    check()
    assert len(told) > 20  # of 200 tries at most: the test has had something to tell apart


@given(trees)
@example(CROSS_ENTROPY)
def test_a_thousandth_of_another_loss_is_seen(tree):
    scale = gradient_scale(ExpressionLoss(tree), 10)
    for addition in ("square(p)", "-(y * p)"):
        other = join("add", tree, "mul", 1e-3 * scale, parse(addition))
        if difference(tree, other) > 1e-5:  # not, if the tree is itself a multiple of it
            assert not twins(tree, other), f"{tree} and {addition}"


def test_random_trees_are_told_apart_as_their_fields_are():
    some = passing()[:40]
    for number, one in enumerate(some):
        for other in some[:number]:
            if difference(one, other) > 1e-3:
                assert not twins(one, other), f"{one} and {other}"


def test_the_first_of_several_known_is_named():
    first, second = mark(CROSS_ENTROPY), mark(parse("square(p - y)"))
    assert novel.known(second, []) is None
    assert novel.known(second, [first]) is None
    assert novel.known(second, [first, second, second]) == 1
    near = tuple(value + 1e-8 for value in second)
    far = (second[0] + 1e-4, *second[1:])
    assert novel.known(near, [first, second]) == 1
    assert novel.known(far, [first, second]) is None


def test_a_field_without_a_scale_has_no_fingerprint():
    assert mark(parse("p - p + y")) is None
    # As written it has a field, of zeros.
    assert set(mark(parse("p - p + y"), False)) == {0.0}


@pytest.mark.parametrize(("classes", "cut"), [(3, 0.95), (10, 0.95), (100, 0.2), (100, 0.5)])
def test_a_loss_that_lets_the_sure_alone_is_not_cross_entropy(classes, cut):
    cut_off = parse(f"-(y * log(min(p, {cut})))")
    first, second = (mark(tree, True, (classes,)) for tree in (CROSS_ENTROPY, cut_off))
    assert novel.known(first, [second]) is None
