"""Immutable expression trees, stored as a flat prefix tuple."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from evoloss.expressions.primitives import LIMIT, PRIMITIVES, TERMINALS, Node


def arity(node: Node) -> int:
    """How many subtrees follow `node` in prefix order."""
    return PRIMITIVES[node].arity if isinstance(node, str) and node in PRIMITIVES else 0


@dataclass(frozen=True)
class Expression:
    """A tree over `p`, `y` and constants, e.g. `("neg", "mul", "y", "log", "p")`.

    Equal trees compare equal and have the same hash. Raises ValueError when the nodes are not one whole
    tree, a name is unknown, or a constant is not finite or exceeds LIMIT in absolute value.
    """

    nodes: tuple[Node, ...]

    def __post_init__(self) -> None:
        for node in self.nodes:
            if isinstance(node, str):
                if node not in PRIMITIVES and node not in TERMINALS:
                    raise ValueError(f"unknown node {node!r}")
            elif not abs(node) <= LIMIT:
                raise ValueError(f"constant {node!r} is not a number in [-{LIMIT:g}, {LIMIT:g}]")
        if not self.nodes or self.end_of(0) != len(self.nodes):
            raise ValueError("the nodes are not one complete tree")

    root = 0
    """The index of the root."""

    @property
    def size(self) -> int:
        """Number of nodes."""
        return len(self.nodes)

    @property
    def depth(self) -> int:
        """Longest path from the root in edges: 0 for a single leaf (Koza's convention)."""
        return max(self.depths())

    def depths(self) -> list[int]:
        """The depth of every node, in prefix order."""
        depths: list[int] = []
        open_slots = [1]
        for node in self.nodes:
            while open_slots[-1] == 0:
                open_slots.pop()
            open_slots[-1] -= 1
            depths.append(len(open_slots) - 1)
            open_slots.append(arity(node))
        return depths

    def end_of(self, index: int) -> int:
        """The index just after the subtree that starts at `index`. Raises ValueError when the subtree is incomplete."""
        missing, position = 1, index
        while missing:
            if position >= len(self.nodes):
                raise ValueError("the nodes are not one complete tree")
            missing += arity(self.nodes[position]) - 1
            position += 1
        return position

    def subtree(self, index: int) -> "Expression":
        """The subtree whose root stands at `index` in prefix order."""
        return Expression(self.nodes[index : self.end_of(index)])

    def replaced(self, index: int, new: "Expression") -> "Expression":
        """A copy in which the subtree at `index` is `new`."""
        return Expression(self.nodes[:index] + new.nodes + self.nodes[self.end_of(index) :])

    def arguments(self, index: int = 0) -> Iterator[int]:
        """The indices of the arguments of the node at `index`."""
        position = index + 1
        for _ in range(arity(self.nodes[index])):
            yield position
            position = self.end_of(position)

    def steps(self) -> list[tuple[Node, tuple[int, ...]]]:
        """The nodes with their arguments' indices in this list; arguments first, root last, equal subtrees once."""
        places: dict[tuple[Node, tuple[int, ...]], int] = {}
        ends: list[int] = []
        for node in reversed(self.nodes):
            # The stack holds the indices of the arguments, the first on top.
            step = node, tuple(ends.pop() for _ in range(arity(node)))
            ends.append(places.setdefault(step, len(places)))
        return list(places)

    def __contains__(self, node: Node) -> bool:
        return node in self.nodes

    def __str__(self) -> str:
        """Infix text; `parse` gives the same tree back."""
        return text_of(self, 0, {}, outermost=True)


def constant(value: float) -> Expression:
    """A tree of one constant."""
    return Expression((float(value) + 0.0,))


def rounded(value: float) -> float:
    """A constant rounded to four digits and clamped to LIMIT, so that a formula shows exactly what is trained."""
    return float(f"{min(max(value, -LIMIT), LIMIT):.4g}") + 0.0


def format_constant(value: float) -> str:
    """The shortest text that gives the same float back, without a trailing `.0`."""
    text = repr(float(value))
    return text.removesuffix(".0")


def text_of(loss, index: int, names: Mapping[int, str], outermost: bool = False) -> str:
    """Infix text of the node at `index` of a tree or graph. A node in `names` is printed as its name."""
    if index in names:
        return names[index]
    node = loss.nodes[index]
    if not isinstance(node, str):
        return format_constant(node)
    if node in TERMINALS:
        return node
    arguments = list(loss.arguments(index))
    primitive = PRIMITIVES[node]
    if primitive.symbol and primitive.arity == 2:
        left, right = (text_of(loss, i, names) for i in arguments)
        text = f"{left} {primitive.symbol} {right}"
        return text if outermost else f"({text})"
    if node == "neg":
        argument = loss.nodes[arguments[0]]
        # "-2" is a constant, so the negation of a constant is written neg(2). "--x" is written neg(-x) likewise.
        if isinstance(argument, str) and (argument != "neg" or arguments[0] in names):
            return "-" + text_of(loss, arguments[0], names)
    return f"{node}({', '.join(text_of(loss, i, names, outermost=True) for i in arguments)})"
