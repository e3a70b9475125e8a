"""Stage 1: the expression contains both the prediction and the target, and is within the limits."""

from evoloss.expressions.settings import SearchSpace
from evoloss.expressions.tree import Expression


def problem(expression: Expression, space: SearchSpace) -> str | None:
    """What is wrong with the tree itself, or None."""
    for leaf in ("p", "y"):
        if leaf not in expression:
            return f"does not contain {leaf}"
    if expression.size > space.max_size:
        return f"{expression.size} nodes, at most {space.max_size}"
    if expression.depth > space.max_depth:
        return f"depth {expression.depth}, at most {space.max_depth}"
    return None
