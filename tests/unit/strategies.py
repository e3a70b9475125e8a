"""Hypothesis strategies shared by the tests."""

from hypothesis import strategies as st

from evoloss.expressions.primitives import LIMIT, PRIMITIVES
from evoloss.expressions.tree import Expression

constants = st.one_of(
    st.floats(-LIMIT, LIMIT, allow_nan=False).map(lambda x: x + 0.0),
    st.sampled_from([0.0, 1.0, -1.0, 1e-7, -1e-7, 1e-9, 2.4092, 18.5, 1e8]),
)

leaves = st.one_of(
    st.sampled_from([Expression(("p",)), Expression(("y",))]),
    constants.map(lambda value: Expression((value,))),
)


def _joined(children):
    def of(name):
        arity = PRIMITIVES[name].arity
        return st.tuples(*[children] * arity).map(
            lambda parts: Expression((name, *(node for part in parts for node in part.nodes)))
        )

    return st.sampled_from(sorted(PRIMITIVES)).flatmap(of)


expressions = st.recursive(leaves, _joined, max_leaves=12)
