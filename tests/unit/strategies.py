"""Hypothesis strategies that several tests share: `@given(expressions)` tries random losses as trees."""

from hypothesis import strategies as st

from evoloss.expressions.primitives import LIMIT, PRIMITIVES
from evoloss.expressions.tree import Expression

constants = st.one_of(
    st.floats(-LIMIT, LIMIT, allow_nan=False).map(lambda x: x + 0.0),
    st.sampled_from([0.0, 1.0, -1.0, 1e-7, -1e-7, 1e-9, 2.4092, 18.5, 1e8]),
)
"""Numbers within the limit; the listed ones lie at the edges of guards, or come from published losses."""

leaves = st.one_of(
    st.sampled_from([Expression(("p",)), Expression(("y",))]),
    constants.map(lambda value: Expression((value,))),
)
"""Trees of one node: p, y, or a number."""


def _joined(children):
    """Trees whose root is any function, and whose arguments are trees of `children`."""

    def of(name):
        arity = PRIMITIVES[name].arity
        return st.tuples(*[children] * arity).map(
            lambda parts: Expression((name, *(node for part in parts for node in part.nodes)))
        )

    return st.sampled_from(sorted(PRIMITIVES)).flatmap(of)


expressions = st.recursive(leaves, _joined, max_leaves=12)
"""Trees with at most twelve leaves, of any depth; they need not contain p or y."""
