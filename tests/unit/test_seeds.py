"""A seed is a function of its purpose, whatever else was asked for before."""

from hypothesis import given
from hypothesis import strategies as st

from evoloss.seeds import derive_seed, generator, training_seed

parts = st.lists(st.one_of(st.integers(-5, 5), st.text(max_size=4)), max_size=4)
"""Any path of names and numbers."""


def test_the_seed_of_a_purpose_never_changes():
    assert derive_seed("breed", "egp", 0, 3) == derive_seed("breed", "egp", 0, 3)
    # From a terminal: the first 16 hexadecimal digits of `printf '["a"]' | sha256sum`, halved.
    assert derive_seed("a") == 529978260370350907
    assert 0 <= derive_seed("b") < 2**63


@given(parts, parts)
def test_different_purposes_have_different_seeds(first, second):
    same = [*map(repr, first)] == [*map(repr, second)]
    assert (derive_seed(*first) == derive_seed(*second)) == same


def test_streams_are_independent_of_the_order_they_are_asked_in():
    first = generator("a").random()
    generator("b").random()
    assert generator("a").random() == first


def test_purposes_share_no_training():
    seeds = {
        training_seed(purpose, run, task, repeat)
        for purpose in ("search", "rescore", "tune", "rate", "retrain")
        for run in range(10)
        for task in ("a", "b")
        for repeat in range(10)
    }
    assert len(seeds) == 5 * 10 * 2 * 10  # no two of them are equal
