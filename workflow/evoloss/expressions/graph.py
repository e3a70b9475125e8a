"""Losses as directed acyclic graphs: expressions with shared parts, as in Co-Reyes et al., arXiv 2101.03958.

Input nodes are `p` and `y`, parameter nodes are constants, all others are operations. A node may be used
several times. Equal nodes are merged into one, so that equal graphs compare equal.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from evoloss.expressions.primitives import LIMIT, PRIMITIVES, TERMINALS, Node
from evoloss.expressions.tree import Expression, arity, text_of

Step = tuple[Node, tuple[int, ...]]
"""A node, and the indices of its arguments among the earlier steps."""


@dataclass(frozen=True)
class Graph:
    """A loss whose parts may be shared; it prints as `a = log(p); square(a) - y * a`.

    `inputs` holds the indices of the arguments of each of the `nodes`. Arguments come before the nodes that use them,
    the result is last, and no two nodes are equal; else ValueError. `graph_of` brings steps into this form.
    """

    nodes: tuple[Node, ...]
    inputs: tuple[tuple[int, ...], ...]

    def __post_init__(self) -> None:
        for place, (node, arguments) in enumerate(self.steps()):
            if isinstance(node, str):
                if node not in PRIMITIVES and node not in TERMINALS:
                    raise ValueError(f"unknown node {node!r}")
            elif not abs(node) <= LIMIT:
                raise ValueError(f"constant {node!r} is not a number in [-{LIMIT:g}, {LIMIT:g}]")
            if len(arguments) != arity(node) or not all(0 <= i < place for i in arguments):
                raise ValueError(
                    f"the arguments of node {place} are not {arity(node)} earlier nodes"
                )
        if not self.nodes or len(set(self.steps())) < self.size:
            raise ValueError("a graph must have at least one node and no two equal nodes")

    def steps(self) -> list[Step]:
        """The nodes with the indices of their arguments, as in `Expression.steps`."""
        return list(zip(self.nodes, self.inputs, strict=True))

    @property
    def root(self) -> int:
        """The index of the result."""
        return len(self.nodes) - 1

    @property
    def size(self) -> int:
        """Number of nodes, each counted once."""
        return len(self.nodes)

    @property
    def depth(self) -> int:
        """Longest path from the result to a leaf, in edges."""
        return heights(self.steps())[-1]

    def arguments(self, index: int) -> Iterator[int]:
        """The indices of the arguments of the node at `index`."""
        return iter(self.inputs[index])

    def uses(self) -> list[int]:
        """How often each node is used as an argument."""
        counts = [0] * self.size
        for arguments in self.inputs:
            for index in arguments:
                counts[index] += 1
        return counts

    def parts(self) -> dict[int, str]:
        """The index of each operation that is used more than once -> the name that it is printed as."""
        shared = [i for i, n in enumerate(self.uses()) if n > 1 and self.inputs[i]]
        return dict(zip(shared, part_names(), strict=False))

    def __contains__(self, node: Node) -> bool:
        return node in self.nodes

    def __str__(self) -> str:
        """Infix text with named parts; `parse` gives the same graph back, or a tree if there are no named parts."""
        names = self.parts()
        lines = []
        for index, name in names.items():
            known = {i: n for i, n in names.items() if i < index}
            lines.append(f"{name} = {text_of(self, index, known, outermost=True)}")
        return "; ".join([*lines, text_of(self, self.root, names, outermost=True)])


def heights(steps: Sequence[Step]) -> list[int]:
    """The longest path from each node down to a leaf, in edges."""
    found: list[int] = []
    for _, arguments in steps:
        found.append(1 + max(found[i] for i in arguments) if arguments else 0)
    return found


def part_names() -> Iterator[str]:
    """Names of parts: a, b, c, ..., a1, b1, ...; without p and y, which have a meaning."""
    number = 0
    while True:
        for letter in "abcdefghijklmnoqrstuvwxz":
            yield f"{letter}{number or ''}"
        number += 1


def graph_of(steps: Sequence[Step]) -> Graph:
    """The graph of steps in which arguments come before their users and the last step is the result. Steps that the
    result does not need are left out; equal nodes become one."""
    places: dict[Step, int] = {}
    known: dict[int, int] = {}
    waiting = [len(steps) - 1]
    while waiting:
        index = waiting[-1]
        node, arguments = steps[index]
        missing = [i for i in arguments if i not in known]
        if index not in known and missing:
            waiting.append(missing[0])
            continue
        if index not in known:
            step = (node, tuple(known[i] for i in arguments))
            known[index] = places.setdefault(step, len(places))
        waiting.pop()
    nodes, inputs = zip(*places, strict=True)
    return Graph(nodes, inputs)


def as_graph(loss: Expression | Graph) -> Graph:
    """A tree as a graph in which equal subtrees are one node. A graph is returned unchanged."""
    return loss if isinstance(loss, Graph) else graph_of(loss.steps())
